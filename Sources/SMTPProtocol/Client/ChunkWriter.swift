import MailModel

/// Makes a message's content ready for BDAT (RFC 3030): each piece of it becomes a chunk as it is, without dot-stuffing.
///
/// It is as strict with line ends as ``DotStuffer``: the chunks together hold no CR or LF alone and end in CRLF, and no
/// chunk ends between CR and LF. A piece that breaks this is not sent, so the message is never completed.
struct ChunkWriter {
  private enum Position { case lineStart, inLine, carriageReturn }

  private var position = Position.lineStart
  /// Chunks that the server has not answered yet.
  var unanswered = 0

  /// Appends a chunk that holds the piece. A CR at its end is kept back until its LF has come.
  ///
  /// - Returns: `false` where a CR or an LF stands alone. Nothing was appended then, and the content cannot go on.
  mutating func append(_ piece: Span<UInt8>, to output: inout [UInt8]) -> Bool {
    let keptBack = position == .carriageReturn ? 1 : 0
    guard advance(over: piece) else { return false }
    let sent = position == .carriageReturn ? piece.count - 1 : piece.count
    guard keptBack + sent > 0 else { return true }
    output.appendChunkCommand(keptBack + sent, isLast: false)
    if keptBack > 0 { output.append(.carriageReturn) }
    output.append(contentsOf: piece.extracting(0..<sent))
    unanswered += 1
    return true
  }

  /// Appends the last chunk: a CRLF where the content lacks its last one, and otherwise nothing.
  ///
  /// - Returns: `false` where the content ends in a CR.
  mutating func finish(into output: inout [UInt8]) -> Bool {
    switch position {
    case .lineStart: output.appendChunkCommand(0, isLast: true)
    case .inLine:
      output.appendChunkCommand(2, isLast: true)
      output.appendLineEnd()
    case .carriageReturn: return false
    }
    unanswered += 1
    return true
  }

  private mutating func advance(over piece: Span<UInt8>) -> Bool {
    for index in piece.indices {
      switch piece[index] {
      case .lineFeed:
        guard position == .carriageReturn else { return false }
        position = .lineStart
      case let octet:
        guard position != .carriageReturn else { return false }
        position = octet == .carriageReturn ? .carriageReturn : .inLine
      }
    }
    return true
  }
}
