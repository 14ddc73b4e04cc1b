import CAllocationCount

/// What a workload costs.
struct Measurement {
  /// Of one unit, in the best of several runs, since other programs only ever slow it down.
  var nanoseconds: Double
  /// Of one unit; `nil` where nobody counts.
  var allocations: Double?

  var gigabytesPerSecond: Double { 1 / nanoseconds }

  static func - (left: Measurement, right: Measurement) -> Measurement {
    let allocations = left.allocations.flatMap { left in right.allocations.map { left - $0 } }
    return Measurement(nanoseconds: left.nanoseconds - right.nanoseconds, allocations: allocations)
  }

  static func / (left: Measurement, count: Double) -> Measurement {
    Measurement(nanoseconds: left.nanoseconds / count, allocations: left.allocations.map { $0 / count })
  }
}

extension Workload {
  func measured(runs: Int = 7) -> Measurement {
    var rounds = 1
    while duration(rounds: rounds) < .milliseconds(20) { rounds *= 2 }
    var best = Duration.seconds(3_600)
    let before = allocation_count()
    for _ in 0..<runs { best = min(best, duration(rounds: rounds)) }
    let allocations = Double(allocation_count() - before) / Double(runs * rounds * units)
    let nanoseconds = best / .nanoseconds(1) / Double(rounds * units)
    return Measurement(nanoseconds: nanoseconds, allocations: before < 0 ? nil : allocations)
  }

  private func duration(rounds: Int) -> Duration {
    ContinuousClock().measure { for _ in 0..<rounds { round() } }
  }
}
