import Foundation
import SMTPTesting
import Testing

/// Random worlds. Some are always the same, the others are new ones in each run. In the environment,
/// `SIMULATION_SEEDS=10000` has so many of them looked at, and `SIMULATION_SEED=7` that one alone, with its trace.
@Suite struct ScenarioTests {
  /// Which seeds are looked at.
  private struct Seeds {
    private static let environment = ProcessInfo.processInfo.environment
    static let only = environment["SIMULATION_SEED"].flatMap { UInt64($0) }
    static let count = environment["SIMULATION_SEEDS"].flatMap { UInt64($0) } ?? 1_000
    /// Where the fresh ones begin.
    static let base = UInt64.random(in: 1_000_000 ... 1_000_000_000_000)
    static let shards: UInt64 = 4

    static func shard(_ number: UInt64, from start: UInt64) -> StrideTo<UInt64> {
      stride(from: start + number, to: start + count / 2, by: Int(shards))
    }
  }

  @Test(.enabled(if: Seeds.only == nil), arguments: 0..<Seeds.shards)
  func holdsInWorldsThatAreAlwaysTheSame(shard: UInt64) throws {
    for seed in Seeds.shard(shard, from: 0) { try Scenario(seed: seed).run() }
  }

  @Test(.enabled(if: Seeds.only == nil), arguments: 0..<Seeds.shards)
  func holdsInWorldsThatNobodyHasSeen(shard: UInt64) throws {
    for seed in Seeds.shard(shard, from: Seeds.base) { try Scenario(seed: seed).run() }
  }

  @Test(.enabled(if: Seeds.only != nil)) func holdsInOneWorld() throws {
    let summary = try Scenario(seed: Seeds.only ?? 0).run()
    for line in summary.trace { print(line) }
    print(summary.letters, summary.recipients, summary.attempts, summary.copies, summary.deaths, summary.elapsed)
  }
}

extension ScenarioTests {
  @Test(.enabled(if: ProcessInfo.processInfo.environment["SIMULATION_STATS"] != nil)) func stats() throws {
    for seed in 0..<60 as Range<UInt64> {
      let start = ContinuousClock.now
      guard let s = try? Scenario(seed: seed).run() else { print(seed, "FAILED"); continue }
      print(seed, ContinuousClock.now - start, s.letters, s.recipients.values.reduce(0, +), s.attempts, s.deaths, s.trace.count, s.elapsed)
    }
  }
}
