import MailModel

/// Makes a message's content ready for BDAT (RFC 3030), without dot-stuffing. Small pieces gather to chunks that are worth
/// their command, since a server may take many small ones for an attack.
///
/// It is as strict with lines as ``DotStuffer``: the chunks together hold no CR or LF alone and no NUL, they end in CRLF, and
/// no chunk ends between CR and LF. A piece that breaks this is not sent, so the message is never completed.
struct ChunkWriter {
  /// Octets of the smallest chunk that is not the last one.
  static let smallestChunk = 8_192

  /// Chunks that the server has not answered yet.
  var unanswered = 0
  private var lines = LineScanner(limit: .max)
  /// What no chunk was worth yet, up to ``smallestChunk`` octets, a CR at the end included.
  private var gathered: [UInt8] = []

  /// Takes a piece, and appends a chunk of all that has gathered where that is enough. A CR at its end waits for its LF.
  ///
  /// - Returns: `false` where a CR or an LF stands alone, or a NUL is met. Nothing was appended then, and the content
  ///   cannot go on.
  mutating func append(_ piece: Span<UInt8>, to output: inout [UInt8]) -> Bool {
    guard !piece.isEmpty else { return lines.defect == nil }
    var index = 0
    while index < piece.count { index = lines.readLine(piece, from: index, to: piece.count) }
    guard lines.defect == nil else { return false }
    let keptBack = lines.endsInCarriageReturn ? 1 : 0
    let size = gathered.count + piece.count - keptBack
    guard size >= Self.smallestChunk else {
      gathered.append(contentsOf: piece)
      return true
    }
    output.appendChunkCommand(size, isLast: false)
    output.append(contentsOf: gathered)
    output.append(contentsOf: piece.extracting(0..<(piece.count - keptBack)))
    gathered.removeAll(keepingCapacity: true)
    if keptBack > 0 { gathered.append(.carriageReturn) }
    unanswered += 1
    return true
  }

  /// Appends the last chunk: what has gathered, and a CRLF where the content lacks its last one.
  ///
  /// - Returns: `false` where the content ends in a CR.
  mutating func finish(into output: inout [UInt8]) -> Bool {
    lines.finish()
    guard lines.defect == nil else { return false }
    output.appendChunkCommand(gathered.count + (lines.isAtLineStart ? 0 : 2), isLast: true)
    output.append(contentsOf: gathered)
    if !lines.isAtLineStart { output.appendLineEnd() }
    gathered = []
    unanswered += 1
    return true
  }
}
