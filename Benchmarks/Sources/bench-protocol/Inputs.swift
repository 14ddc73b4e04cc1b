/// Content to read: 64 KiB of each kind.
struct Input {
  var name: String
  var octets: [UInt8]
  /// Whether a client may send it.
  var isLawful = true

  private static func repeated(_ unit: [UInt8]) -> [UInt8] {
    Array(repeatElement(unit, count: 65_536 / unit.count).joined())
  }

  private static func lines(_ length: Int, front: [UInt8] = []) -> [UInt8] {
    repeated(front + [UInt8](repeating: 0x61, count: length - front.count - 2) + [13, 10])
  }

  /// Octets of every value, the same each time.
  private static let random: [UInt8] = {
    var state: UInt64 = 1
    return (0..<65_536).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
  }()

  /// Lengths with CRLF.
  static let all = [
    Input(name: "lines-72", octets: lines(72)),
    Input(name: "lines-12", octets: lines(12)),
    Input(name: "lines-998", octets: lines(998)),
    Input(name: "stuffed-72", octets: lines(72, front: [46, 46])),
    Input(name: "stuffed-4", octets: repeated([46, 46, 13, 10])),
    Input(name: "empty-lines", octets: repeated([13, 10])),
    Input(name: "all-dots", octets: repeated([46])),
    Input(name: "all-tabs", octets: repeated([9])),
    Input(name: "all-cr", octets: repeated([13]), isLawful: false),
    Input(name: "all-lf", octets: repeated([10]), isLawful: false),
    Input(name: "all-nul", octets: repeated([0]), isLawful: false),
    Input(name: "nearly-ends", octets: repeated([13, 10, 46, 13]), isLawful: false),
    Input(name: "random", octets: random, isLawful: false),
  ]
}
