import MailModel
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

  @Test(arguments: ["\0", "a\0", "a\r\n\0", "a\r\0\n"])
  func nullIsNotSent(content: String) {
    let octets = Array(content.utf8)
    for cut in 0...octets.count { #expect(stuff([octets[..<cut], octets[cut...]]) == nil) }
  }

  /// What a refusal leaves behind refuses everything.
  @Test func nothingFollowsARefusal() {
    var stuffer = DotStuffer()
    var output: [UInt8] = []
    var isSendable = [stuffer.append([10].span, to: &output), stuffer.append([97].span, to: &output)]
    isSendable += [stuffer.append([UInt8]().span, to: &output), stuffer.finish(into: &output)]
    #expect(isSendable == [false, false, false, false])
    #expect(output.isEmpty)
  }

  /// What is stuffed and sent is what the other side reads, whatever the lawful content and wherever it is cut.
  @Test(arguments: [1, 2, 3, 7, 64])
  func whatIsStuffedIsReadAgain(chunk: Int) {
    let alphabet: [[UInt8]] = [
      [13, 10], [46], [46, 46], [97], [0x8D], [9], Array("abcdefgh".utf8), [13, 10, 46, 13, 10],
    ]
    var generator = SeededGenerator(seed: 6)
    for _ in 0..<5_000 {
      var content: [UInt8] = []
      for _ in 0..<Int.random(in: 0...12, using: &generator) {
        content += alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
      }
      var stuffer = DotStuffer()
      var sent: [UInt8] = []
      for start in stride(from: 0, to: content.count, by: chunk) {
        let piece = Array(content[start..<min(content.count, start + chunk)])
        let isSendable = stuffer.append(piece.span, to: &sent)
        #expect(isSendable)
      }
      let isSendable = stuffer.finish(into: &sent)
      #expect(isSendable)
      let isWhole = content.isEmpty || content.suffix(2) == [13, 10]
      #expect(decoded(sent) == content + (isWhole ? [] : [13, 10]), "\(content)")
    }
  }

  /// What a server makes of it; `nil` where it refuses, or does not see the end just where it is.
  private func decoded(_ sent: [UInt8]) -> [UInt8]? {
    var reader = ContentReader(lineLimit: 65_536)
    var content: [UInt8] = []
    var offset = 0
    while true {
      switch reader.next(sent.span, from: offset) {
      case .octets(let range, let next):
        content += sent[range]
        offset = next
      case .more: return nil
      case .end(let next): return next == sent.count && reader.defect == nil ? content : nil
      }
    }
  }
}
