import MailModel

/// Makes a message's content ready for DATA (RFC 5321 §4.5.2): doubles a dot at the front of a line, and sees to it that
/// nothing but CRLF.CRLF ends it. The last thing that happens to content, and it begins as if just behind CRLF.
struct DotStuffer {
  private enum Position { case lineStart, inLine, carriageReturn }

  private var position = Position.lineStart

  /// Appends the chunk. A CR at its end is kept back until its LF has come.
  ///
  /// - Returns: `false` where a CR or an LF stands alone. Nothing of the chunk was appended then, and the content cannot
  ///   go on.
  mutating func append(_ chunk: Span<UInt8>, to output: inout [UInt8]) -> Bool {
    let start = output.count
    output.reserveCapacity(start + chunk.count + chunk.count / 32 + 2)
    for index in chunk.indices {
      guard append(chunk[index], to: &output) else {
        output.removeLast(output.count - start)
        return false
      }
    }
    return true
  }

  /// Appends the end: the dot alone on its line, after a CRLF where the content lacks its last one.
  ///
  /// - Returns: `false` where the content ends in a CR.
  mutating func finish(into output: inout [UInt8]) -> Bool {
    switch position {
    case .lineStart: break
    case .inLine: output.append(contentsOf: [.carriageReturn, .lineFeed])
    case .carriageReturn: return false
    }
    output.append(contentsOf: [UInt8(ascii: "."), .carriageReturn, .lineFeed])
    return true
  }

  @inline(__always)
  private mutating func append(_ octet: UInt8, to output: inout [UInt8]) -> Bool {
    switch (position, octet) {
    case (.carriageReturn, .lineFeed):
      output.append(.carriageReturn)
      output.append(.lineFeed)
      position = .lineStart
    case (.carriageReturn, _), (_, .lineFeed):
      return false
    case (_, .carriageReturn):
      position = .carriageReturn
    case (.lineStart, UInt8(ascii: ".")):
      output.append(octet)
      output.append(octet)
      position = .inLine
    default:
      output.append(octet)
      position = .inLine
    }
    return true
  }
}
