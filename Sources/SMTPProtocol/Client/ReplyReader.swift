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
  private var lines: [String] = []
  private var octets = 0

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
    lines.append(line.extracting(min(4, line.count)...).text())
    if line.count > 3, line[3] == UInt8(ascii: "-") {
      self.code = code
      return nil
    }
    let reply = Self.reply(code, lines)
    (self.code, lines, octets) = (nil, [], 0)
    return .reply(reply)
  }

  /// Three digits, the first of them 2 to 5, with a blank, a hyphen or nothing behind them.
  private static func code(of line: Span<UInt8>) -> UInt16? {
    guard line.count >= 3, (0x32...0x35).contains(line[0]), line[1].isASCIIDigit, line[2].isASCIIDigit else {
      return nil
    }
    guard line.count == 3 || line[3] == .space || line[3] == UInt8(ascii: "-") else { return nil }
    return (0..<3).reduce(0) { $0 * 10 + UInt16(line[$1] - 0x30) }
  }

  /// Takes the enhanced code of the first line out of every line that begins with it (RFC 2034 §4).
  private static func reply(_ code: UInt16, _ lines: [String]) -> SMTPReply {
    let word = lines[0].prefix { $0 != " " }
    guard let enhanced = EnhancedStatusCode(String(word)), UInt16(enhanced.class.rawValue) == code / 100 else {
      return SMTPReply(code, nil, lines: lines)
    }
    let texts = lines.map { line in
      if line == word { return "" }
      return line.hasPrefix("\(word) ") ? String(line.dropFirst(word.count + 1)) : line
    }
    return SMTPReply(code, enhanced, lines: texts)
  }
}
