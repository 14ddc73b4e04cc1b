import MailModel

/// The content between 354 and CRLF.CRLF (RFC 5321 §4.5.2): undoes dot-stuffing, and is strict about line ends.
///
/// It starts as if just behind CRLF, keeps no octets, and after a defect reads on to the true end, so that nobody smuggles
/// a second message behind an end that only some programs see.
struct ContentReader {
  typealias Defect = LineScanner.Defect

  enum Event: Equatable {
    /// Octets of the message; go on at `next`.
    case octets(Range<Int>, next: Int)
    /// All of the input is read.
    case more
    /// The message ended just before `next`.
    case end(next: Int)
  }

  /// What was read of a line that begins with a dot: stuffing or the end, never content.
  private enum Dot { case none, dot, carriageReturn }

  /// The first one met.
  var defect: Defect? { lines.defect }
  private var lines: LineScanner
  private var dot = Dot.none

  /// - Parameter lineLimit: octets of a line without its CRLF.
  init(lineLimit: Int) { lines = LineScanner(limit: lineLimit) }

  mutating func next(_ input: Span<UInt8>, from offset: Int) -> Event {
    var index = offset
    var start = offset
    while index < input.count {
      switch dot {
      case .none:
        guard lines.isAtLineStart, input[index] == UInt8(ascii: ".") else {
          index = lines.readLine(input, from: index, to: input.count)
          continue
        }
        dot = .dot
        let content = start..<index
        index += 1
        start = index
        if !content.isEmpty { return .octets(content, next: index) }
      case .dot:
        if input[index] == .carriageReturn {
          dot = .carriageReturn
          index += 1
          start = index
        } else {
          dot = .none
          lines.enterLine()
        }
      case .carriageReturn:
        dot = .none
        if input[index] == .lineFeed { return .end(next: index + 1) }
        lines.enterLine()
        lines.noteBareCarriageReturn()
      }
    }
    return index > start ? .octets(start..<index, next: index) : .more
  }
}
