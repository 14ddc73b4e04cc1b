import MailModel
import Testing

@testable import SMTPProtocol

@Suite struct ContentReaderTests {
  /// Whole input, octet by octet, the obvious way.
  private func reference(_ input: [UInt8]) -> (content: [UInt8], rest: Int?, isClean: Bool) {
    var content: [UInt8] = []
    var isClean = true
    var atLineStart = true
    var index = 0
    while index < input.count {
      if atLineStart, input[index] == 0x2E {
        if Array(input[index...].prefix(3)) == [0x2E, 13, 10] { return (content, index + 3, isClean) }
        index += 1
        atLineStart = false
        continue
      }
      let octet = input[index]
      let next = index + 1 < input.count ? input[index + 1] : nil
      if octet == 13, next == 10 {
        content += [13, 10]
        index += 2
        atLineStart = true
        continue
      }
      if octet == 13 || octet == 10 || octet == 0 { isClean = false }
      content.append(octet)
      atLineStart = false
      index += 1
    }
    return (content, nil, isClean)
  }

  private func read(_ input: [UInt8], chunk: Int) -> (content: [UInt8], rest: Int?, isClean: Bool) {
    var reader = ContentReader(lineLimit: 65_536)
    var content: [UInt8] = []
    var offset = 0
    var visible = 0
    while offset < input.count {
      visible = min(input.count, max(visible, offset) + chunk)
      let shown = Array(input[..<visible])
      reading: while true {
        switch reader.next(shown.span, from: offset) {
        case .octets(let range, let next):
          content += shown[range]
          offset = next
        case .more:
          offset = visible
          break reading
        case .end(let next): return (content, next, reader.defect == nil)
        }
      }
    }
    return (content, nil, reader.defect == nil)
  }

  @Test(arguments: [1, 2, 3, 7, 64])
  func agreesWithTheObviousReader(chunk: Int) {
    let alphabet: [[UInt8]] = [[13, 10], [46], [97], [13], [10], [0], [13, 10, 46, 13, 10], Array("abcdefgh".utf8)]
    var generator = SystemRandomNumberGenerator()
    for round in 0..<3_000 {
      let kinds = round % 3 == 0 ? alphabet.count : 3  // a third of them with defects
      var input: [UInt8] = []
      for _ in 0..<Int.random(in: 0...12, using: &generator) {
        input += alphabet[Int.random(in: 0..<kinds, using: &generator)]
      }
      input += [13, 10, 46, 13, 10]
      let expected = reference(input)
      let actual = read(input, chunk: chunk)
      #expect(actual.rest == expected.rest, "\(input)")
      #expect(actual.isClean == expected.isClean, "\(input)")
      if expected.isClean { #expect(actual.content == expected.content, "\(input)") }
    }
  }
}
