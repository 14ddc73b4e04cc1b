import MailModel

/// Makes a message's content ready for DATA (RFC 5321 §4.5.2): doubles a dot at the front of a line, and sees to it that
/// nothing but CRLF.CRLF ends it. The last thing that happens to content, and it begins as if just behind CRLF.
struct DotStuffer {
  private var lines = LineScanner(limit: .max)

  /// Appends the chunk. A CR at its end is kept back until its LF has come.
  ///
  /// - Returns: `false` where a CR or an LF stands alone, or a NUL is met. Nothing of the chunk was appended then, and the
  ///   content cannot go on.
  mutating func append(_ chunk: Span<UInt8>, to output: inout [UInt8]) -> Bool {
    guard !chunk.isEmpty else { return lines.defect == nil }
    let before = output.count
    if lines.endsInCarriageReturn { output.append(.carriageReturn) }
    var written = 0
    var index = 0
    while index < chunk.count {
      if lines.isAtLineStart, chunk[index] == UInt8(ascii: ".") {
        output.append(contentsOf: chunk.extracting(written..<index))
        output.append(UInt8(ascii: "."))
        written = index
      }
      index = lines.readLine(chunk, from: index, to: chunk.count)
    }
    guard lines.defect == nil else {
      output.removeLast(output.count - before)
      return false
    }
    output.append(contentsOf: chunk.extracting(written..<(lines.endsInCarriageReturn ? index - 1 : index)))
    return true
  }

  /// Appends the end: the dot alone on its line, after a CRLF where the content lacks its last one.
  ///
  /// - Returns: `false` where the content ends in a CR.
  mutating func finish(into output: inout [UInt8]) -> Bool {
    lines.finish()
    guard lines.defect == nil else { return false }
    if !lines.isAtLineStart { output.append(contentsOf: "\r\n".utf8) }
    output.append(contentsOf: ".\r\n".utf8)
    return true
  }
}
