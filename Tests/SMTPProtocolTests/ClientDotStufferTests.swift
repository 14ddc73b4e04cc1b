import Testing

@testable import SMTPProtocol

@Suite("Content on its way out")
struct ClientDotStufferTests {
  /// What RFC 5321 §4.5.2 says, line by line; `nil` where a CR or an LF stands alone.
  private func reference(_ content: String) -> String? {
    var lines = content.utf8.split(separator: 0x0D, omittingEmptySubsequences: false).map { Array($0) }
    for index in lines.indices.dropFirst() {
      guard lines[index].first == 0x0A else { return nil }
      lines[index].removeFirst()
    }
    guard lines.allSatisfy({ !$0.contains(0x0A) }) else { return nil }
    if lines.last == [] { lines.removeLast() }
    return lines.map { line in
      (line.first == UInt8(ascii: ".") ? "." : "") + String(decoding: line, as: UTF8.self) + "\r\n"
    }.joined() + ".\r\n"
  }

  /// `nil` where the stuffer refuses.
  private func stuff(_ chunks: [ArraySlice<UInt8>]) -> String? {
    var stuffer = DotStuffer()
    var output: [UInt8] = []
    for chunk in chunks {
      let before = output
      guard stuffer.append(Array(chunk).span, to: &output) else {
        #expect(output == before, "a refused chunk leaves something behind")
        return nil
      }
    }
    return stuffer.finish(into: &output) ? String(decoding: output, as: UTF8.self) : nil
  }

  @Test func theEndOfContent() {
    #expect(stuff([]) == ".\r\n")
    #expect(stuff([Array("a".utf8)[...]]) == "a\r\n.\r\n")
    #expect(stuff([Array("a\r\n".utf8)[...]]) == "a\r\n.\r\n")
    #expect(stuff([Array(".".utf8)[...]]) == "..\r\n.\r\n")
    #expect(stuff([Array(".\r\n".utf8)[...]]) == "..\r\n.\r\n")
    #expect(stuff([Array("a\r".utf8)[...]]) == nil)
  }

  /// Every string of up to six of these, cut in two at every place, and into single octets.
  @Test func everyShortContentAtEveryCut() {
    let alphabet = [UInt8(ascii: "."), 0x0D, 0x0A, UInt8(ascii: "a")]
    var contents: [[UInt8]] = [[]]
    var last = contents
    for _ in 0..<6 {
      last = last.flatMap { content in alphabet.map { content + [$0] } }
      contents += last
    }
    var wrong = 0
    for content in contents {
      let expected = reference(String(decoding: content, as: UTF8.self))
      for cut in 0...content.count where stuff([content[..<cut], content[cut...]]) != expected { wrong += 1 }
      if stuff(content.indices.map { content[$0...$0] }) != expected { wrong += 1 }
    }
    #expect(wrong == 0)
  }

  /// A dot line at every offset, cut at every place.
  @Test func aDotAtEveryOffset() {
    for offset in 0..<70 {
      let content = Array("\(String(repeating: "x", count: offset))\r\n.\r\n..\r\ny\r\n".utf8)
      let expected = "\(String(repeating: "x", count: offset))\r\n..\r\n...\r\ny\r\n.\r\n"
      for cut in 0...content.count { #expect(stuff([content[..<cut], content[cut...]]) == expected) }
    }
  }
}
