/// Random numbers that a seed determines: SplitMix64 (Steele, Lea, Flood 2014).
public struct SimulationGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// The sequence of that seed.
  public init(seed: UInt64) { state = seed }

  /// The next number.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// Yes with that probability: never at 0 or less, always at 1 or more.
  public mutating func chance(_ probability: Double) -> Bool {
    probability > 0 && Double(next() >> 11) < probability * 0x1p53
  }

  /// A duration within these bounds, to the nanosecond; bounds beyond 292 years are cut off there.
  public mutating func duration(in bounds: ClosedRange<Duration>) -> Duration {
    let nanoseconds = bounds.lowerBound.wholeNanoseconds...bounds.upperBound.wholeNanoseconds
    return .nanoseconds(Int64.random(in: nanoseconds, using: &self))
  }
}

extension Duration {
  /// Nanoseconds, what is smaller cut off; at the ends of `Int64` where it would go beyond.
  var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return Int64(clamping: Int128(seconds) * 1_000_000_000 + Int128(attoseconds / 1_000_000_000))
  }
}
