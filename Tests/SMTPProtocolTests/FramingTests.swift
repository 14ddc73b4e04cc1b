import MailModel
import Testing

@testable import SMTPProtocol

/// Random numbers that are the same each time (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}

@Suite("DATA's content")
struct ContentReaderTests {
  struct Reading: Equatable {
    var content: [UInt8] = []
    /// Where the commands go on.
    var rest: Int?
    var defect: LineScanner.Defect?
  }

  /// Whole input, octet by octet, the obvious way.
  private func reference(_ input: [UInt8], lineLimit: Int) -> Reading {
    var reading = Reading()
    var lineOctets = 0
    var atLineStart = true
    var index = 0
    func note(_ defect: LineScanner.Defect) { if reading.defect == nil { reading.defect = defect } }
    while index < input.count {
      let following = Array(input[(index + 1)...].prefix(2))
      switch input[index] {
      case 46 where atLineStart:
        if following == [13, 10] {
          reading.rest = index + 3
          return reading
        }
        atLineStart = false
      case 13 where following.first == 10:
        if lineOctets > lineLimit { note(.longLine) }
        reading.content += [13, 10]
        lineOctets = 0
        atLineStart = true
        index += 1
      case let octet:
        switch octet {
        case 13: note(.bareCarriageReturn)
        case 10: note(.bareLineFeed)
        case 0: note(.null)
        default: lineOctets += 1
        }
        reading.content.append(octet)
        atLineStart = false
      }
      index += 1
    }
    return reading
  }

  private func read(_ input: [UInt8], chunk: Int, lineLimit: Int) -> Reading {
    var reader = ContentReader(lineLimit: lineLimit)
    var reading = Reading()
    var offset = 0
    var visible = 0
    while offset < input.count {
      visible = min(input.count, max(visible, offset) + chunk)
      let shown = Array(input[..<visible])
      reading: while true {
        switch reader.next(shown.span, from: offset) {
        case .octets(let range, let next):
          reading.content += shown[range]
          offset = next
        case .more:
          offset = visible
          break reading
        case .end(let next):
          reading.rest = next
          reading.defect = reader.defect
          return reading
        }
      }
    }
    reading.defect = reader.defect
    return reading
  }

  @Test(arguments: [1, 2, 3, 7, 64])
  func agreesWithTheObviousReader(chunk: Int) {
    let alphabet: [[UInt8]] = [
      [13, 10], [46], [97], Array("abcdefgh".utf8), [0x8D], [13], [10], [0], [13, 10, 46, 13, 10],
    ]
    var generator = SeededGenerator(seed: 3)
    for round in 0..<10_000 {
      let kinds = round % 2 == 0 ? alphabet.count : 5  // every other one without defects
      var input: [UInt8] = []
      for _ in 0..<Int.random(in: 0...12, using: &generator) {
        input += alphabet[Int.random(in: 0..<kinds, using: &generator)]
      }
      input += [13, 10, 46, 13, 10]
      let expected = reference(input, lineLimit: 65_536)
      let actual = read(input, chunk: chunk, lineLimit: 65_536)
      #expect(actual.rest == expected.rest, "\(input)")
      #expect(actual.defect == expected.defect, "\(input)")
      // What is refused is thrown away, so what a bare CR behind a dot leaves of it does not matter.
      if expected.defect == nil { #expect(actual.content == expected.content, "\(input)") }
    }
  }

  /// The stuffed dot and the line's end do not count; where the line is cut does not matter.
  @Test(arguments: [1, 8, 9, 64], ["", "."])
  func aLineOfTheLimitAndOneMore(limit: Int, stuffing: String) {
    for octets in [limit - 1, limit, limit + 1] where stuffing.isEmpty || octets > 0 {
      let text = stuffing + stuffing + String(repeating: "x", count: octets - stuffing.utf8.count)
      let input = Array("a\r\n\(text)\r\n.\r\n".utf8)
      for chunk in 1...input.count {
        let reading = read(input, chunk: chunk, lineLimit: limit)
        #expect(reading.defect == (octets > limit ? .longLine : nil))
        #expect(reading.rest == input.count)
      }
    }
  }

  /// A line that never ends is refused before its end.
  @Test func aLineWithoutAnEndIsLongAsSoonAsItIs() {
    var reader = ContentReader(lineLimit: 10)
    let octets = [UInt8](repeating: 0x78, count: 11)
    _ = reader.next(octets.span.extracting(..<10), from: 0)
    #expect(reader.defect == nil)
    _ = reader.next(octets.span.extracting(10...), from: 0)
    #expect(reader.defect == .longLine)
  }
}

@Suite("Search by words")
struct OctetSearchTests {
  /// Every octet at every place of some words, among octets that differ from a low one in a single bit or in their sign.
  @Test(arguments: [0x0E, 0x7F, 0x80, 0x8D, 0xFF] as [UInt8])
  func lowOctetsAreFoundAndNoOthers(filler: UInt8) {
    for count in 0...24 {
      var octets = [UInt8](repeating: filler, count: count)
      #expect(octets.span.firstLowOctet(from: 0, to: count) == count)
      for place in 0..<count {
        for octet in 0...UInt8.max {
          octets[place] = octet
          let expected = octet < 0x0E ? place : count
          for start in 0...place where octets.span.firstLowOctet(from: start, to: count) != expected {
            Issue.record("\(octet) at \(place) of \(count), from \(start)")
          }
        }
        octets[place] = filler
      }
    }
  }

  @Test func theSearchKeepsWithinItsEnd() {
    let octets = [UInt8](repeating: 0x0A, count: 24)
    for end in 0...24 {
      for start in 0...end {
        #expect(octets.span.firstLowOctet(from: start, to: end) == (start < end ? start : end))
        #expect(octets.span.firstLineFeed(from: start, to: end) == (start < end ? start : end))
      }
    }
  }
}
