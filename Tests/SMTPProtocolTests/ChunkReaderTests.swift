import MailModel
import Testing

@testable import SMTPProtocol

@Suite("BDAT's content")
struct ChunkReaderTests {
  /// Reads the chunks, in pieces of so many octets; `nil` where the content does not come out as it went in.
  private func read(_ chunks: [String], piece: Int = 1_000, lineLimit: Int = 100) -> LineScanner.Defect?? {
    var reader = ChunkReader(lineLimit: lineLimit)
    for chunk in chunks {
      let octets = Array(chunk.utf8)
      reader.begin(octets: octets.count)
      var content: [UInt8] = []
      for start in stride(from: 0, to: octets.count, by: piece) {
        let shown = Array(octets[start..<min(octets.count, start + piece)])
        guard case .octets(let range, let next) = reader.next(shown.span, from: 0) else { return nil }
        content += shown[range]
        guard next == shown.count else { return nil }
      }
      // Whatever comes behind it is not the chunk's.
      guard content == octets, reader.next([13, 10, 0].span, from: 1) == .end(next: 1) else { return nil }
    }
    reader.finish()
    return .some(reader.defect)
  }

  @Test(arguments: [1, 2, 3, 1_000])
  func chunkJoinsAreAsStrictAsDATA(piece: Int) {
    let none: LineScanner.Defect? = nil
    #expect(read([], piece: piece) == .some(none))
    #expect(read([""], piece: piece) == .some(none))
    #expect(read(["a\r\n", "b"], piece: piece) == .some(none))
    #expect(read(["a\r", "\nb\r\n"], piece: piece) == .some(none))
    #expect(read(["a\r", "", "\nb\r\n"], piece: piece) == .some(none))
    #expect(read(["a\r\n.\r\nb\r\n"], piece: piece) == .some(none))
    #expect(read([".", "\r\n", "..x\r\n"], piece: piece) == .some(none))
    #expect(read(["a\r", "b"], piece: piece) == .bareCarriageReturn)
    #expect(read(["a\r"], piece: piece) == .bareCarriageReturn)
    #expect(read(["a\r", ""], piece: piece) == .bareCarriageReturn)
    #expect(read(["a\r", "\r\n"], piece: piece) == .bareCarriageReturn)
    #expect(read(["a\r\n", "\nb"], piece: piece) == .bareLineFeed)
    #expect(read(["\n"], piece: piece) == .bareLineFeed)
    #expect(read(["a\n.\n"], piece: piece) == .bareLineFeed)
    #expect(read(["a\r", "\0\n"], piece: piece) == .bareCarriageReturn)
    #expect(read(["a\0", "\r\n"], piece: piece) == .null)
  }

  @Test(arguments: [7, 8, 9, 64])
  func aLineOverChunksHasOneLimit(limit: Int) {
    for octets in [limit - 1, limit, limit + 1] {
      let line = String(repeating: "x", count: octets) + "\r\n"
      let expected: LineScanner.Defect? = octets > limit ? .longLine : nil
      for cut in 0...line.utf8.count {
        let chunks = [String(line.utf8.prefix(cut)) ?? "", String(line.utf8.dropFirst(cut)) ?? ""]
        #expect(read(["a\r\n"] + chunks, lineLimit: limit) == .some(expected))
      }
    }
  }

  @Test func anEmptyInputIsNoEnd() {
    var reader = ChunkReader(lineLimit: 100)
    let nothing: [UInt8] = []
    let two: [UInt8] = [0x61, 0x62]
    reader.begin(octets: 1)
    var events = [reader.next(nothing.span, from: 0), reader.next(two.span, from: 0), reader.next(two.span, from: 1)]
    #expect(events == [.more, .octets(0..<1, next: 1), .end(next: 1)])
    reader.begin(octets: .min)
    events = [reader.next(nothing.span, from: 0)]
    #expect(events == [.end(next: 0)])
    reader.begin(octets: .max)
    events = [reader.next(two.span, from: 0), reader.next(two.span, from: 2)]
    #expect(events == [.octets(0..<2, next: 2), .more])
  }

  /// However it is cut into chunks and pieces, content has the defect that it has as one.
  @Test func cutsDoNotMatter() {
    let alphabet: [UInt8] = [13, 13, 10, 10, 46, 97, 0]
    var generator = SeededGenerator(seed: 4)
    for round in 0..<5_000 {
      let kinds = round % 2 == 0 ? alphabet.count : alphabet.count - 1
      var input: [UInt8] = []
      for _ in 0..<Int.random(in: 0...10, using: &generator) {
        input += round % 3 == 0 ? [13, 10] : [alphabet[Int.random(in: 0..<kinds, using: &generator)]]
      }
      let whole = String(decoding: input, as: UTF8.self)
      var chunks: [String] = []
      var start = 0
      while start < input.count {
        let end = min(input.count, start + Int.random(in: 0...3, using: &generator))
        chunks.append(String(decoding: input[start..<end], as: UTF8.self))
        start = end
      }
      let expected = read([whole])
      #expect(expected != .none)
      #expect(read(chunks, piece: round % 3 + 1) == expected, "\(input)")
    }
  }
}
