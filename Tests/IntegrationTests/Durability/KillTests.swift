import Foundation
import PeerTesting
import Testing

extension DurabilityTests {
  /// Rounds of a kill -9 at a random instant while eight senders pour; in every third the next host does not answer, so
  /// that the queue grows. Few are delivered at once, so that what may arrive again is little of what arrives.
  @Test(.needs(.python3)) func aKillAtAnyInstantLosesNothing() async throws {
    let rounds = Proof.count("DURABILITY_KILLS", short: 6)
    try await Proof.run(workers: 2) { proof in
      for round in 0..<rounds {
        let server = try await proof.start(isSilent: round % 3 == 1)
        let load = try await proof.load(server, label: "\(round)")
        try await Task.sleep(for: .milliseconds(.random(in: 5...500)))
        try await server.killNow()
        try await load.end()
      }
      let accounts = try await proof.finish()
      accounts.expectEveryPromiseKept()
      #expect(try proof.journal.refusals().isEmpty)
      print("kill -9: \(rounds) rounds, \(accounts.summary)")
    }
  }
}
