import MailModel

/// Reads the lines of a message, and is strict about them: only CRLF ends a line, NUL has no place in one (RFC 5321 §2.3.8,
/// RFC 2045 §2.8), and a limit holds for its length. What is read may come in any number of pieces.
///
/// It starts as if just behind CRLF, keeps no octets, and reads on after a defect, since where lines end matters all the
/// more then.
struct LineScanner {
  /// What makes a message unacceptable.
  enum Defect: Equatable { case bareCarriageReturn, bareLineFeed, null, longLine }

  /// The first one met.
  private(set) var defect: Defect?
  /// Whether CRLF, or nothing at all, stands before what comes next.
  private(set) var isAtLineStart = true
  /// Whether the last octet was a CR whose LF is still to come.
  private(set) var endsInCarriageReturn = false
  private let limit: Int
  private var lineOctets = 0

  /// - Parameter limit: octets of a line without its CRLF.
  init(limit: Int) { self.limit = limit }

  /// Reads on to just behind the next CRLF, or to `end` where none comes.
  ///
  /// - Returns: where to go on.
  @inline(__always)
  mutating func readLine(_ input: Span<UInt8>, from start: Int, to end: Int) -> Int {
    guard start < end else { return end }
    var index = start
    isAtLineStart = false
    if endsInCarriageReturn {
      endsInCarriageReturn = false
      if input[index] == .lineFeed { return endLine(at: index) }
      note(.bareCarriageReturn)
    }
    while index < end {
      switch input[index] {
      case .carriageReturn:
        index += 1
        if index == end {
          endsInCarriageReturn = true
        } else if input[index] == .lineFeed {
          return endLine(at: index)
        } else {
          note(.bareCarriageReturn)
        }
      case .lineFeed:
        note(.bareLineFeed)
        index += 1
      case 0:
        note(.null)
        index += 1
      case let octet:
        let next =
          octet < 0x0E
          ? Self.endOfLowText(input, from: index + 1, to: end) : input.firstLowOctet(from: index + 1, to: end)
        lineOctets += next - index
        if lineOctets > limit { note(.longLine) }
        index = next
      }
    }
    return end
  }

  /// Over tabs and the like, among which a search by words would stop at every octet.
  @inline(__always)
  private static func endOfLowText(_ input: Span<UInt8>, from start: Int, to end: Int) -> Int {
    var index = start
    while index < end, input[index] < 0x0E, input[index] != .carriageReturn, input[index] != .lineFeed,
      input[index] != 0
    {
      index += 1
    }
    return index
  }

  /// Behind the last piece: a CR at the very end has no LF.
  mutating func finish() {
    if endsInCarriageReturn { note(.bareCarriageReturn) }
  }

  /// Something that is no part of the line stood before what comes next, which is no line start then.
  mutating func enterLine() { isAtLineStart = false }

  /// A CR without an LF stood before what comes next, outside of what was read here.
  mutating func noteBareCarriageReturn() { note(.bareCarriageReturn) }

  @inline(__always)
  private mutating func endLine(at lineFeed: Int) -> Int {
    lineOctets = 0
    isAtLineStart = true
    return lineFeed + 1
  }

  @inline(__always)
  private mutating func note(_ defect: Defect) {
    if self.defect == nil { self.defect = defect }
  }
}
