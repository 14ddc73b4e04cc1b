import MailModel

/// Makes a message's content ready for BDAT (RFC 3030): each piece of it becomes a chunk as it is, without dot-stuffing.
///
/// It is as strict with lines as ``DotStuffer``: the chunks together hold no CR or LF alone and no NUL, they end in CRLF, and
/// no chunk ends between CR and LF. A piece that breaks this is not sent, so the message is never completed.
struct ChunkWriter {
  /// Chunks that the server has not answered yet.
  var unanswered = 0
  private var lines = LineScanner(limit: .max)

  /// Appends a chunk that holds the piece. A CR at its end is kept back until its LF has come.
  ///
  /// - Returns: `false` where a CR or an LF stands alone, or a NUL is met. Nothing was appended then, and the content
  ///   cannot go on.
  mutating func append(_ piece: Span<UInt8>, to output: inout [UInt8]) -> Bool {
    guard !piece.isEmpty else { return lines.defect == nil }
    let keptBack = lines.endsInCarriageReturn ? 1 : 0
    var index = 0
    while index < piece.count { index = lines.readLine(piece, from: index, to: piece.count) }
    guard lines.defect == nil else { return false }
    let sent = lines.endsInCarriageReturn ? piece.count - 1 : piece.count
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
    lines.finish()
    guard lines.defect == nil else { return false }
    output.appendChunkCommand(lines.isAtLineStart ? 0 : 2, isLast: true)
    if !lines.isAtLineStart { output.appendLineEnd() }
    unanswered += 1
    return true
  }
}
