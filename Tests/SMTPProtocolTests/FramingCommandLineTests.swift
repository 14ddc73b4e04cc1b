import MailModel
import Testing

@testable import SMTPProtocol

@Suite("Command lines")
struct FramingCommandLineTests {
  /// Shows the line octet by octet, or at once, as a session does.
  private func read(_ octets: [UInt8], step: Int, limit: Int) -> CommandLine {
    var scanned = 0
    for count in stride(from: step, to: octets.count, by: step) {
      let line = CommandLine.next(in: octets.span.extracting(..<count), from: 0, scanned: &scanned, limit: limit)
      if line != .incomplete { return line }
    }
    return CommandLine.next(in: octets.span, from: 0, scanned: &scanned, limit: limit)
  }

  @Test(arguments: [1, 3, 1_000], [2, 3, 8, 17, 512])
  func theLimitCountsTheLineEnd(step: Int, limit: Int) {
    for octets in [limit - 1, limit, limit + 1] where octets >= 2 {
      let line = [UInt8](repeating: 0x78, count: octets - 2) + [13, 10]
      let expected: CommandLine = octets > limit ? .tooLong : .line(0..<(octets - 2), next: octets)
      #expect(read(line, step: step, limit: limit) == expected)
    }
    #expect(read([UInt8](repeating: 0x78, count: limit), step: step, limit: limit) == .tooLong)
    #expect(read([UInt8](repeating: 0x78, count: limit - 1), step: step, limit: limit) == .incomplete)
  }

  @Test func onlyCRLFEndsALine() {
    #expect(read([10], step: 1, limit: 512) == .bareLineFeed)
    #expect(read(Array("NOOP\n".utf8), step: 9, limit: 512) == .bareLineFeed)
    #expect(read(Array("NOOP\r".utf8), step: 9, limit: 512) == .incomplete)
    #expect(read(Array("NO\rOP\r\n".utf8), step: 9, limit: 512) == .line(0..<5, next: 7))
    #expect(read(Array("NOOP\r\r\n".utf8), step: 1, limit: 512) == .line(0..<5, next: 7))
  }

  /// The CR that ends the line before is none of this line's.
  @Test func aLineFeedAtTheFrontIsBareWhateverStoodBefore() {
    var scanned = 0
    let input = Array("NOOP\r\r\n\nNOOP\r\n".utf8)
    #expect(CommandLine.next(in: input.span, from: 7, scanned: &scanned, limit: 512) == .bareLineFeed)
    let cut = Array("x\r\nNOOP".utf8)
    #expect(CommandLine.next(in: cut.span, from: 2, scanned: &scanned, limit: 512) == .bareLineFeed)
  }

  @Test(arguments: [1, 2, 3, 7, 64])
  func theDiscarderAgreesWithTheObviousOne(chunk: Int) {
    var generator = SeededGenerator(seed: 5)
    let alphabet: [UInt8] = [13, 10, 0, 0x78, 0x78, 0x78, 0x78, 0x8A]
    for _ in 0..<5_000 {
      let input = (0..<Int.random(in: 1...30, using: &generator)).map { _ in
        alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
      }
      let limit = Int.random(in: 1...32, using: &generator)
      #expect(discard(input, chunk: chunk, limit: limit) == reference(input, limit: limit), "\(input), \(limit)")
    }
  }

  /// The event that ends it, with its place in the whole input.
  private func discard(_ input: [UInt8], chunk: Int, limit: Int) -> LineDiscarder.Event {
    var discarder = LineDiscarder()
    var start = 0
    while start < input.count {
      let piece = Array(input[start..<min(input.count, start + chunk)])
      switch discarder.next(piece.span, from: 0, limit: limit) {
      case .more: start += piece.count
      case .end(let next): return .end(next: start + next)
      case let event: return event
      }
    }
    return .more
  }

  private func reference(_ input: [UInt8], limit: Int) -> LineDiscarder.Event {
    for index in input.indices {
      if input[index] == 10 { return index > 0 && input[index - 1] == 13 ? .end(next: index + 1) : .bareLineFeed }
      if index + 1 == limit { return .tooMuch }
    }
    return .more
  }
}
