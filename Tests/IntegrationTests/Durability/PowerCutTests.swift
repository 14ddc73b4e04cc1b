import Foundation
import PeerTesting
import Testing

extension DurabilityTests {
  /// Rounds of a power cut at a random instant under load; in every other the next host does not answer, so that all that
  /// was accepted is in the queue.
  @Test(.needs(.python3), .mountsDisks) func aPowerCutLosesNothing() async throws {
    let rounds = Proof.count("DURABILITY_POWER_CUTS", short: 2)
    try await Disk.run(ext4: 512) { disk in
      try await Proof.run(data: disk.path + "/data") { proof in
        for round in 0..<rounds {
          let server = try await proof.start(isSilent: round % 2 == 0)
          let load = try await proof.load(server, label: "\(round)")
          try await Task.sleep(for: .milliseconds(.random(in: 5...1000)))
          let heard = try await disk.cutPower(flushesJournal: round % 4 == 3, journal: proof.journal)
          try await server.killNow()
          try await load.end()
          try proof.journal.cut(behind: heard)
          try await disk.remount()
          #expect(try await integrity(of: proof.data) == "ok\n")
        }
        let accounts = try await proof.finish()
        accounts.expectEveryPromiseKept()
        print("power cut: \(rounds) rounds, \(accounts.summary)")
      }
    }
  }
}
