import Foundation
import PeerTesting
import Testing

extension DurabilityTests {
  /// A disk that cannot write or sync what is asked of it. Then its power is cut, so that what was not synced is gone: what was
  /// acknowledged is not among it.
  @Test(.needs(.python3, .strace), .mountsDisks, .watchesProcesses, arguments: ["pwrite64", "fdatasync", "fsync"])
  func aFailingDiskAcknowledgesNothing(_ call: String) async throws {
    let rounds = Proof.count("DURABILITY_FAILING_DISKS", short: 1)
    try await Disk.run(ext4: 512) { disk in
      try await Proof.run(data: disk.path + "/data") { proof in
        for round in 0..<rounds {
          let server = try await proof.start(isSilent: round % 2 == 0)
          let load = try await proof.load(server, label: "\(round)")
          try await Task.sleep(for: .milliseconds(.random(in: 5...500)))
          let strace = try Child(
            try #require(Peer.strace.path),
            [
              "--follow-forks", "--attach=\(server.processIdentifier)", "--trace=\(call)",
              "--inject=\(call):error=EIO", "--output=/dev/null",
            ], input: nil, output: .nullDevice, errors: .nullDevice)
          if call == "fsync" {
            // The database does without; a body that cannot be synced is refused, and the others are taken.
            let before = try proof.journal.refusals().count
            try await eventually("refused") { try proof.journal.refusals().count > before + 5 }
          } else {
            // The database has failed: only a new start can tell what it holds.
            #expect(try await server.end() == 1)
          }
          let heard = try await disk.cutPower(flushesJournal: false, journal: proof.journal)
          try await server.killNow()
          try await load.end()
          try proof.journal.cut(behind: heard)
          _ = try await offPool { strace.wait(seconds: 10) }
          try await disk.remount()
          #expect(try await integrity(of: proof.data) == "ok\n")
        }
        let accounts = try await proof.finish()
        accounts.expectEveryPromiseKept()
        let refusals = try proof.journal.refusals()
        #expect(refusals.allSatisfy { $0[0] == "451" || $0[0] == "421" }, "\(refusals)")
        print("EIO at \(call): \(rounds) rounds, \(refusals.count) refused, \(accounts.summary)")
      }
    }
  }
}
