import MailModel

/// Reads a server's replies (RFC 5321 §4.2), of one line or many, strictly: only CRLF ends a line, and every line of a
/// reply bears the same code.
struct ReplyReader {
  enum Event: Equatable {
    /// The reply is not whole.
    case incomplete
    /// A reply. Its text is harmless: controls and what is not US-ASCII became `?`.
    case reply(SMTPReply)
    /// What came is none, for this reason.
    case malformed(String)
  }

  private var scanned = 0
  private var code: UInt16?
  private var enhancedCode: EnhancedStatusCode?
  private var lines: [String] = []
  private var octets = 0

  /// Whether lines of a reply were taken, and more of them follow.
  var isWithinReply: Bool { code != nil }

  /// Goes on with what lies behind `offset`, and moves it behind the lines that are done with; the rest must be shown
  /// again.
  mutating func next(_ input: Span<UInt8>, from offset: inout Int, limits: ClientLimits) -> Event {
    while true {
      switch CommandLine.next(in: input, from: offset, scanned: &scanned, limit: limits.replyLine) {
      case .incomplete: return .incomplete
      case .bareLineFeed: return .malformed("a line ends in LF without CR")
      case .tooLong: return .malformed("a line is over \(limits.replyLine) octets")
      case .line(let range, let next):
        octets += next - offset
        offset = next
        guard octets <= limits.reply else { return .malformed("a reply is over \(limits.reply) octets") }
        if let event = take(input.extracting(range), limits: limits) { return event }
      }
    }
  }

  /// `nil` where more lines follow.
  private mutating func take(_ line: Span<UInt8>, limits: ClientLimits) -> Event? {
    guard line.firstIndex(of: .carriageReturn) == nil else { return .malformed("a line holds a CR without LF") }
    guard let code = Self.code(of: line) else { return .malformed("a line has no reply code") }
    guard self.code == nil || self.code == code else { return .malformed("a reply changes its code") }
    guard lines.count < limits.replyLines else { return .malformed("a reply is over \(limits.replyLines) lines") }
    lines.append(takeText(line.extracting(min(4, line.count)...), code))
    if line.count > 3, line[3] == UInt8(ascii: "-") {
      self.code = code
      return nil
    }
    let reply = SMTPReply(code, enhancedCode, lines: lines)
    (self.code, enhancedCode, lines, octets) = (nil, nil, [], 0)
    return .reply(reply)
  }

  /// Takes the enhanced code of the first line out of every line that begins with it (RFC 2034 §4). Its class must be that
  /// of the reply.
  private mutating func takeText(_ text: Span<UInt8>, _ code: UInt16) -> String {
    guard lines.isEmpty || enhancedCode != nil else { return text.text() }
    let end = text.firstIndex(of: .space) ?? text.count
    guard let word = EnhancedStatusCode(text.extracting(0..<end)), UInt16(word.class.rawValue) == code / 100,
      lines.isEmpty || word == enhancedCode
    else { return text.text() }
    enhancedCode = word
    return text.extracting(min(end + 1, text.count)...).text()
  }

  /// Three digits, the first of them 2 to 5, with a blank, a hyphen or nothing behind them.
  private static func code(of line: Span<UInt8>) -> UInt16? {
    guard line.count >= 3, (0x32...0x35).contains(line[0]), line[1].isASCIIDigit, line[2].isASCIIDigit else {
      return nil
    }
    guard line.count == 3 || line[3] == .space || line[3] == UInt8(ascii: "-") else { return nil }
    return (0..<3).reduce(0) { $0 * 10 + UInt16(line[$1] - 0x30) }
  }
}
