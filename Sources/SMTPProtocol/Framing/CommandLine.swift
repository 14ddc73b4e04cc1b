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
    var index = start + scanned
    while index < end {
      if input[index] == .lineFeed {
        scanned = 0
        guard index > start, input[index - 1] == .carriageReturn else { return .bareLineFeed }
        return .line(start..<(index - 1), next: index + 1)
      }
      index += 1
    }
    scanned = end - start
    return scanned >= limit ? .tooLong : .incomplete
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
    var index = start
    while index < input.count {
      let octet = input[index]
      index += 1
      dropped += 1
      if octet == .lineFeed { return endsInCarriageReturn ? .end(next: index) : .bareLineFeed }
      guard dropped < limit else { return .tooMuch }
      endsInCarriageReturn = octet == .carriageReturn
    }
    return .more
  }
}
