import MailModel

/// Looks for one line of the dialogue at the front of the input. Only CRLF ends a line.
enum CommandLine: Equatable {
  /// The line is not whole: show it again with more behind it.
  case incomplete
  /// A line: its octets without CRLF, and where the rest begins.
  case line(Range<Int>, next: Int)
  /// An LF without a CR before it.
  case bareLineFeed
  /// No end within the limit.
  case tooLong

  /// - Parameters:
  ///   - start: where the line begins.
  ///   - scanned: octets behind `start` that an earlier call looked at in vain, so that a client that sends octet by
  ///     octet does not cost the square of the line.
  ///   - limit: octets of the line with its CRLF.
  static func next(in input: Span<UInt8>, from start: Int, scanned: inout Int, limit: Int) -> CommandLine {
    let limit = max(1, limit)
    let end = input.count - start > limit ? start + limit : input.count
    let lineFeed = input.firstLineFeed(from: start + scanned, to: end)
    guard lineFeed < end else {
      scanned = end - start
      return scanned >= limit ? .tooLong : .incomplete
    }
    scanned = 0
    guard lineFeed > start, input[lineFeed - 1] == .carriageReturn else { return .bareLineFeed }
    return .line(start..<(lineFeed - 1), next: lineFeed + 1)
  }
}

/// Reads and drops the rest of a line that was too long, up to a limit.
struct LineDiscarder {
  /// What `next` gives.
  enum Event: Equatable { case more, end(next: Int), bareLineFeed, tooMuch }

  private var dropped = 0
  private var endsInCarriageReturn = false

  /// The last octet that was dropped elsewhere: CRLF may stand on both sides of it.
  mutating func remember(_ octet: UInt8) { endsInCarriageReturn = octet == .carriageReturn }

  /// - Parameter limit: octets dropped in all.
  mutating func next(_ input: Span<UInt8>, from start: Int, limit: Int) -> Event {
    guard start < input.count else { return .more }
    let budget = max(1, limit - dropped)
    let end = input.count - start > budget ? start + budget : input.count
    let lineFeed = input.firstLineFeed(from: start, to: end)
    if lineFeed < end {
      if lineFeed > start { remember(input[lineFeed - 1]) }
      return endsInCarriageReturn ? .end(next: lineFeed + 1) : .bareLineFeed
    }
    dropped += end - start
    remember(input[end - 1])
    return dropped < limit ? .more : .tooMuch
  }
}
