/// An input of the fuzzer's: its first line is a row of decisions, all behind it are octets from the peer. So a text editor
/// is enough to write one by hand.
struct FuzzInput {
  var decisions: Decisions
  let payload: [UInt8]

  init(_ octets: UnsafeRawBufferPointer) {
    let end = octets.firstIndex(of: 0x0A) ?? octets.count
    decisions = Decisions(Array(octets[..<end]))
    payload = Array(octets[min(end + 1, octets.count)...])
  }
}

/// Small numbers, one octet each: `a` is 0, `b` is 1. When all are taken, 0 follows, which is always the usual case.
struct Decisions {
  private let octets: [UInt8]
  private var position = 0

  init(_ octets: [UInt8]) { self.octets = octets }

  /// The next one, below `count`.
  mutating func next(below count: Int) -> Int {
    guard position < octets.count else { return 0 }
    defer { position += 1 }
    return Int(octets[position] &- UInt8(ascii: "a")) % count
  }

  /// The next one of `choices`.
  mutating func next<Choice>(of choices: [Choice]) -> Choice { choices[next(below: choices.count)] }

  /// Yes or no; no is the usual case.
  mutating func next() -> Bool { next(below: 2) == 1 }
}

/// How the octets of a stream are cut on their way.
enum Delivery {
  case whole
  case octetByOctet
  /// Each piece ends with a line feed.
  case lineByLine
  /// Pieces of 1 to 32 octets, in an order that this number stands for.
  case pieces(UInt64)

  /// Calls `body` with one piece after the other, until it gives `false`.
  func cut(_ octets: [UInt8], _ body: (ArraySlice<UInt8>) -> Bool) {
    var start = 0
    var random = SmallGenerator(seed: seed)
    while start < octets.count {
      let end = end(of: octets, from: start, &random)
      guard body(octets[start..<end]) else { return }
      start = end
    }
  }

  private var seed: UInt64 { if case .pieces(let seed) = self { seed } else { 0 } }

  private func end(of octets: [UInt8], from start: Int, _ random: inout SmallGenerator) -> Int {
    switch self {
    case .whole: octets.count
    case .octetByOctet: start + 1
    case .lineByLine: octets[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? octets.count
    case .pieces: min(octets.count, start + 1 + random.next(below: 32))
    }
  }
}

/// The same numbers for the same seed, on every machine.
struct SmallGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next(below count: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % count
  }
}
