/// Content, read as simply as can be: what the sessions' own readers are measured by.
enum ReferenceContent {
  /// Where the first CRLF.CRLF ends, if content that begins as if behind CRLF has one (RFC 5321 §4.1.1.4).
  static func end(of wire: [UInt8]) -> Int? {
    let octets = [0x0D, 0x0A] + wire
    var dot = 2
    while dot + 2 < octets.count {
      if octets[dot] == 0x2E, octets[dot - 2] == 0x0D, octets[dot - 1] == 0x0A, octets[dot + 1] == 0x0D,
        octets[dot + 2] == 0x0A
      {
        return dot + 1  // behind the LF, without the CRLF that was put before
      }
      dot += 1
    }
    return nil
  }

  /// The lines of what came by DATA up to its end, without their CRLF, and without the dots that doubled; `nil` where a CR
  /// or an LF stands alone.
  static func lines(ofWire wire: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
    lines(of: wire)?.map { $0.first == 0x2E ? $0.dropFirst() : $0 }
  }

  /// The lines of `content` without their CRLF, which the last may lack; `nil` where a CR or an LF stands alone.
  static func lines(of content: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
    var lines: [ArraySlice<UInt8>] = []
    var start = content.startIndex
    var index = start
    while index < content.endIndex {
      if content[index] == 0x0A { return nil }
      if content[index] == 0x0D {
        guard index + 1 < content.endIndex, content[index + 1] == 0x0A else { return nil }
        lines.append(content[start..<index])
        start = index + 2
        index = start
      } else {
        index += 1
      }
    }
    if start < content.endIndex { lines.append(content[start...]) }
    return lines
  }

  /// Whether a server with these limits may take lines of this kind.
  static func isLawful(_ lines: [ArraySlice<UInt8>], lineLimit: Int) -> Bool {
    lines.allSatisfy { !$0.contains(0) && $0.count <= lineLimit }
  }
}
