import MailModel

/// Peers that speak another protocol than SMTP: browsers that somebody sends here (CVE-2021-3618), proxies in front of a
/// listener that expects none, TLS before STARTTLS.
enum ForeignProtocol {
  /// Whether octets from the start of a line on, of which more may come, can only be another protocol's.
  static func begins(_ input: Span<UInt8>) -> Bool {
    guard input.count >= 2 else { return false }
    switch input[0] {
    case 0x16: return input[1] == 0x03  // a TLS handshake record (RFC 8446 §5.1); it need not hold a CRLF
    case 0: return input[1] == .carriageReturn  // a third line of PROXY version 2, behind two empty ones
    default: return isFirstWord(input)
    }
  }

  /// Whether a whole line that is no command of SMTP is another protocol's.
  static func isLine(_ line: Span<UInt8>) -> Bool { begins(line) || isRequestLine(line) }

  private static func isFirstWord(_ input: Span<UInt8>) -> Bool {
    switch input[0].asciiLowercased {
    case UInt8(ascii: "c"): input.startsIgnoringCase("connect ")
    case UInt8(ascii: "d"): input.startsIgnoringCase("delete ")
    case UInt8(ascii: "g"): input.startsIgnoringCase("get ")
    case UInt8(ascii: "h"): input.startsIgnoringCase("head ")
    case UInt8(ascii: "i"): input.startsIgnoringCase("invite sip")
    case UInt8(ascii: "o"): input.startsIgnoringCase("options ")
    case UInt8(ascii: "p"):
      input.startsIgnoringCase("post ") || input.startsIgnoringCase("put ") || input.startsIgnoringCase("patch ")
        || input.startsIgnoringCase("pri * http/") || input.startsIgnoringCase("proxy ")
    case UInt8(ascii: "s"): input.startsIgnoringCase("ssh-")
    case UInt8(ascii: "t"): input.startsIgnoringCase("trace ")
    default: false
    }
  }

  /// Whether the line is three words or more and ends in a protocol's name and version, as a request of HTTP, RTSP or SIP
  /// with any method does: `PROPFIND / HTTP/1.1`.
  private static func isRequestLine(_ line: Span<UInt8>) -> Bool {
    guard line.count > 4 else { return false }
    let slash = line.count - 4
    guard line[slash] == UInt8(ascii: "/"), line[slash + 1].isASCIIDigit, line[slash + 2] == UInt8(ascii: "."),
      line[slash + 3].isASCIIDigit
    else { return false }
    var start = slash
    while start > 0, line[start - 1].isASCIILetter { start -= 1 }
    guard start < slash, start > 0, line[start - 1] == .space, let firstBlank = line.firstIndex(of: .space) else {
      return false
    }
    return firstBlank < start - 1
  }
}
