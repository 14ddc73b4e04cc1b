/// A status code of RFC 3463: `class.subject.detail`.
public struct EnhancedStatusCode: Hashable, Sendable, CustomStringConvertible {
  /// The first number.
  public enum Class: UInt8, Hashable, Sendable {
    /// 2: done.
    case success = 2
    /// 4: not now; the same may succeed later.
    case persistentTransientFailure = 4
    /// 5: not so; the same will fail again.
    case permanentFailure = 5
  }

  /// Success, transient or permanent.
  public let `class`: Class
  /// What it is about, 0 to 999: address, mailbox, system, network, protocol, content, policy (RFC 3463 §3).
  public let subject: UInt16
  /// What of it, 0 to 999.
  public let detail: UInt16

  /// `nil` where a number is over 999 (RFC 3463 §2).
  public init?(_ class: Class, _ subject: UInt16, _ detail: UInt16) {
    guard subject <= 999, detail <= 999 else { return nil }
    self.init(trusted: `class`, subject, detail)
  }

  package init(trusted class: Class, _ subject: UInt16, _ detail: UInt16) {
    (self.class, self.subject, self.detail) = (`class`, subject, detail)
  }

  /// `5.7.1`, or `nil` where `text` is no such code.
  public init?(_ text: String) {
    let octets = Array(text.utf8)
    self.init(octets.span)
  }

  package init?(_ octets: Span<UInt8>) {
    var numbers: [UInt16] = [0]
    var digits = 0
    for index in octets.indices {
      let octet = octets[index]
      if octet == UInt8(ascii: "."), digits > 0, numbers.count < 3 {
        numbers.append(0)
        digits = 0
      } else {
        guard octet.isASCIIDigit, digits < 3 else { return nil }
        numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + UInt16(octet - 0x30)
        digits += 1
      }
    }
    guard numbers.count == 3, digits > 0, let first = UInt8(exactly: numbers[0]), let kind = Class(rawValue: first)
    else { return nil }
    self.init(trusted: kind, numbers[1], numbers[2])
  }

  /// `5.7.1`.
  public var description: String { "\(`class`.rawValue).\(subject).\(detail)" }
}

/// A reply of an SMTP server: a code, for most codes an enhanced code, and text that tells a person what to do
/// (RFC 5321 §4.2, RFC 2034). It cannot break the dialogue: octets that may not stand in a reply never get in.
public struct SMTPReply: Hashable, Sendable, CustomStringConvertible {
  /// 200 to 599.
  public let code: UInt16
  /// What stands before the text of each line, if anything.
  public let enhancedCode: EnhancedStatusCode?
  /// One line or more, none longer than 400 octets, of visible US-ASCII and blanks.
  public let lines: [String]

  /// A reply of one line.
  ///
  /// - Parameters:
  ///   - code: clamped into 200 to 599.
  ///   - enhancedCode: `nil` for replies that bear none (RFC 2034 §4: 3xx, the greeting, EHLO).
  ///   - text: control characters and what is not US-ASCII become `?`; what is over 400 octets is cut, so that a
  ///     line stays within the 512 of RFC 5321 §4.5.3.1.5.
  public init(_ code: UInt16, _ enhancedCode: EnhancedStatusCode?, _ text: String) {
    self.init(code, enhancedCode, lines: [text])
  }

  /// A reply of several lines, each treated as the text of one line is; none makes one empty line.
  public init(_ code: UInt16, _ enhancedCode: EnhancedStatusCode?, lines: [String]) {
    self.code = min(max(code, 200), 599)
    self.enhancedCode = enhancedCode
    self.lines = lines.isEmpty ? [""] : lines.map(Self.legal)
  }

  /// `(2, 1, 0)` for the three numbers.
  package init(_ code: UInt16, _ enhanced: (EnhancedStatusCode.Class, UInt16, UInt16), _ text: String) {
    self.init(code, EnhancedStatusCode(trusted: enhanced.0, enhanced.1, enhanced.2), text)
  }

  /// 2xx.
  public var isPositive: Bool { code < 300 }
  /// 4xx.
  public var isTransient: Bool { (400..<500).contains(code) }
  /// 5xx.
  public var isPermanent: Bool { code >= 500 }

  /// The first line, with its codes: `553 5.7.1 …`.
  public var description: String {
    let prefix = enhancedCode.map { "\($0) " } ?? ""
    return "\(code) \(prefix)\(lines[0])"
  }

  /// The whole reply as it goes out, each line with CRLF. Allocates nothing but what `output` grows by, since every command
  /// comes here.
  package func encode(into output: inout [UInt8]) {
    for index in lines.indices {
      var codes = ShortText()
      codes.append(decimal: code)
      codes.append(index == lines.count - 1 ? .space : UInt8(ascii: "-"))
      if let enhancedCode {
        codes.append(enhancedCode)
        codes.append(.space)
      }
      codes.append(to: &output)
      output.append(contentsOf: lines[index].utf8)
      output.append(.carriageReturn)
      output.append(.lineFeed)
    }
  }

  private static func legal(_ line: String) -> String {
    if line.utf8.count <= 400, line.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return line }
    let octets = line.unicodeScalars.prefix(400).map { scalar in
      (0x20...0x7E).contains(scalar.value) ? UInt8(scalar.value) : UInt8(ascii: "?")
    }
    return String(decoding: octets, as: UTF8.self)
  }
}

/// The codes before a line's text, at most 14 octets (`550-5.999.999 `), put together in a register and appended at once.
private struct ShortText {
  private var octets: UInt128 = 0
  private var count = 0

  mutating func append(_ octet: UInt8) {
    octets |= UInt128(octet) &<< UInt128(8 &* count)
    count += 1
  }

  /// A number of up to three digits.
  mutating func append(decimal number: UInt16) {
    if number >= 100 { append(UInt8(ascii: "0") + UInt8(number / 100 % 10)) }
    if number >= 10 { append(UInt8(ascii: "0") + UInt8(number / 10 % 10)) }
    append(UInt8(ascii: "0") + UInt8(number % 10))
  }

  mutating func append(_ code: EnhancedStatusCode) {
    append(decimal: UInt16(code.class.rawValue))
    append(UInt8(ascii: "."))
    append(decimal: code.subject)
    append(UInt8(ascii: "."))
    append(decimal: code.detail)
  }

  func append(to output: inout [UInt8]) {
    unsafe withUnsafeBytes(of: octets.littleEndian) { octets in
      unsafe output.append(contentsOf: UnsafeRawBufferPointer(rebasing: octets[..<count]))
    }
  }
}
