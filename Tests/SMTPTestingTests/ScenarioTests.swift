import DeliveryQueue
import Foundation
import PeerTesting
import SMTPProtocol
import Testing

@testable import SMTPTesting

/// Which worlds are looked at: 2,000 that are always the same, and 50 that nobody has seen. In the environment,
/// `SIMULATION_SEEDS=10000` has so many looked at instead, half of each kind, and `SIMULATION_SEED=7` that one alone, with its
/// trace.
private struct Seeds {
  struct Unreadable: Error { var variable: String }

  static func number(_ variable: String) throws -> UInt64? {
    guard let text = ProcessInfo.processInfo.environment[variable] else { return nil }
    guard let number = UInt64(text) else { throw Unreadable(variable: "\(variable)=\(text)") }
    return number
  }

  static var isReplay: Bool { ProcessInfo.processInfo.environment["SIMULATION_SEED"] != nil }
  /// Where the fresh ones begin.
  static let base = UInt64.random(in: 1_000_000...1_000_000_000_000)
  /// For the processors that every machine has.
  static let shards: UInt64 = 2

  /// A share of one half of them; of an odd number, the fresh ones are more.
  static func share(_ shard: UInt64, areFresh: Bool) throws -> StrideTo<UInt64> {
    let asked = try number("SIMULATION_SEEDS")
    guard asked != 0 else { throw Unreadable(variable: "SIMULATION_SEEDS=0") }
    let (fixed, fresh) = asked.map { ($0 / 2, $0 - $0 / 2) } ?? (2_000, 50)
    let start = areFresh ? base : 0
    return stride(from: start + shard, to: start + (areFresh ? fresh : fixed), by: Int(shards))
  }
}

/// The world that the environment names, with its trace.
@Suite struct OneOfTheScenarioTests {
  @Test func holds() throws {
    let seed = try Seeds.number("SIMULATION_SEED") ?? 0
    do throws(ScenarioFailure) {
      let summary = try Scenario(seed: seed).run()
      if Seeds.isReplay { print(summary.trace.joined(separator: "\n")) }
    } catch {
      if Seeds.isReplay { print(error.trace.joined(separator: "\n")) }
      throw error
    }
  }
}

/// Random worlds: some that are always the same, and others that nobody has seen before. They run for minutes, so off the threads
/// of tasks: on those, all other tests would stand still meanwhile.
@Suite(.enabled(if: !Seeds.isReplay)) struct ScenarioTests {
  @Test(arguments: 0..<Seeds.shards) func holdsInWorldsThatAreAlwaysTheSame(shard: UInt64) async throws {
    try await offPool { for seed in try Seeds.share(shard, areFresh: false) { try Scenario(seed: seed).run() } }
  }

  @Test(arguments: 0..<Seeds.shards) func holdsInWorldsThatNobodyHasSeen(shard: UInt64) async throws {
    try await offPool { for seed in try Seeds.share(shard, areFresh: true) { try Scenario(seed: seed).run() } }
  }

  /// A platform that takes no message at all.
  @Test func aFailureTellsEverything() throws {
    var scenario = Scenario(seed: 3)
    scenario.adjust = { $0.server.limits.messageSize = 10 }
    let failure = try #require(throws: ScenarioFailure.self) { try scenario.run() }
    #expect(failure.seed == 3)
    #expect(failure.problem.contains("is not accepted in calm weather"))
    #expect(failure.trace.first?.hasPrefix("t+0.000") == true)
    #expect(failure.trace.contains { $0.hasSuffix("VIOLATION: \(failure.problem)") })
    #expect(failure.description.hasPrefix("seed 3: \(failure.problem)\nAgain"))
  }

  @Test(arguments: [59, 60, 61]) func aFailureDescribesItsLastLines(count: Int) {
    let trace = (0..<count).map { "line \($0)" }
    let failure = ScenarioFailure(seed: 7, problem: "it fell over", trace: trace)
    #expect(failure.trace == trace)
    let lines = failure.description.split(separator: "\n").map(String.init)
    #expect(lines.first == "seed 7: it fell over")
    #expect(lines.dropFirst(3) == trace.suffix(60).map { "  \($0)" }[...])
  }

  @Test(arguments: [3, 10, 53] as [UInt64]) func theSameSeedGivesTheSameRun(seed: UInt64) throws {
    let summaries = try (0..<2).map { _ in try Scenario(seed: seed).run() }
    #expect(summaries[0].trace == summaries[1].trace)
    #expect(summaries[0] == summaries[1])
    #expect(try Scenario(seed: seed + 1).run().fingerprint != summaries[0].fingerprint)
  }

  /// Otherwise nothing would be shown by all these worlds.
  @Test func muchHappens() async throws {
    let (summaries, duplicates) = try await offPool {
      var (summaries, duplicates) = ([Scenario.Summary](), 0)
      for seed in 0..<60 as Range<UInt64> {
        let world = try Scenario(seed: seed).makeWorld()
        summaries.append(try Scenario(seed: seed).run(world))
        world.witness { witness in
          duplicates += witness.messages.values.flatMap(\.evidence).count { $0.copies > 1 }
        }
      }
      return (summaries, duplicates)
    }
    let states = Set(summaries.flatMap(\.recipients.keys))
    #expect(states.isSuperset(of: [.delivered, .bounced, .expired, .removed]))
    #expect(summaries.reduce(0) { $0 + $1.attempts } > 500)
    #expect(summaries.reduce(0) { $0 + $1.deaths } > 20)
    #expect(duplicates > 20)
    let trace = summaries.flatMap(\.trace)
    for sight in Self.sights { #expect(trace.contains { $0.contains(sight) }, "\(sight)") }
    // Once it stops in any case.
    #expect(summaries.contains { $0.trace.count { $0.hasSuffix("mail.example stops") } > 1 })
    #expect(trace.count { $0.contains("the operator's") && !$0.contains("changes 0 ") } > 5)
  }

  /// What has to be in the traces of some dozens of worlds.
  private static let sights = [
    "is split from", "is healed with", "falls silent", "is reset", "the calendar steps by -", "the store collapses",
    "mail.example dies", "suspended claim", "is paused", "is resumed",
    "whether it took the message is unknown", "is slow(", "is greylisting(", "is busy", "is dead", "is mute",
    "is temporary(", "is permanent(", "is losingReplies(silently: true)", "is losingReplies(silently: false)",
    "is losingContent(",
  ]

  @Test(arguments: 0..<8 as Range<UInt64>) func nothingIsLeftOfAWorld(seed: UInt64) throws {
    weak var simulation: Simulation?
    weak var platform: SimulatedPlatform?
    weak var store: SimulatedStore?
    do {
      let scenario = Scenario(seed: seed)
      let world = try scenario.makeWorld()
      (simulation, platform, store) = (world.simulation, world.platform, world.platform.store)
      #expect(try scenario.run(world).attempts > 0)
    }
    #expect(simulation == nil)
    #expect(platform == nil)
    #expect(store == nil)
  }

  /// Deliveries that were under way at once, at most.
  private static func mostClaims(_ trace: [String]) -> Int {
    var (open, most) = (Set<Substring>(), 0)
    for line in trace {
      let words = line.split(separator: " ")
      if words.count > 3, words[1] == "claim" {
        if words[3] == "of" { open.insert(words[2]) } else { open.remove(words[2]) }
        most = max(most, open.count)
      } else if line.hasSuffix("mail.example starts") {
        open = []
      }
    }
    return most
  }

  /// A host's own rules are kept, and the witness goes by them.
  @Test func aHostsRulesAreKept() throws {
    let seeds = 0..<10 as Range<UInt64>
    #expect(try seeds.contains { try Self.mostClaims(Scenario(seed: $0).run().trace) > 1 })
    for seed in seeds {
      var scenario = Scenario(seed: seed)
      scenario.adjust = { $0.delivery.workers = 1 }
      let world = try scenario.makeWorld()
      world.witness { #expect($0.limits.workers == 1) }
      #expect(try Self.mostClaims(scenario.run(world).trace) == 1)
    }
  }
}
