import Foundation
import PeerTesting
import Testing

extension DurabilityTests {
  enum Fullness: String, CaseIterable, Sendable {
    /// No octet is left, and no floor keeps the server from finding that out by itself.
    case nothingLeft
    /// Less is left than the server's floor of a tenth.
    case belowTheFloor

    var options: [String] { self == .nothingLeft ? ["--disk-floor", "0"] : [] }
    /// Of the disk's 64 MiB.
    var freeOctets: Int { self == .nothingLeft ? 0 : 4 << 20 }
  }

  /// A full disk refuses with 452 and keeps nothing by halves; a disk with room again is served at once. Nothing is delivered
  /// meanwhile, which would make room.
  @Test(.needs(.python3), .mountsDisks, arguments: Fullness.allCases)
  func aFullDiskRefuses(_ fullness: Fullness) async throws {
    try await Disk.run(tmpfs: 64) { disk in
      try await Proof.run(data: disk.path + "/data") { proof in
        let server = try await proof.start(isSilent: true, options: fullness.options)
        try await proof.load(server, label: "before", senders: 2, limit: 10).end()
        #expect(try proof.journal.refusals().isEmpty)

        try disk.fill(leaving: fullness.freeOctets)
        try await eventually("refused") {
          try await proof.load(server, label: "\(UUID())", senders: 1, limit: 10, largeEach: 2).end()
          return try !proof.journal.refusals().isEmpty
        }
        let accepted = try proof.journal.acknowledgements().count
        try await proof.load(server, label: "full", limit: 25, largeEach: 4).end()
        let refusals = try proof.journal.refusals()
        #expect(
          refusals.count > 50 && refusals.allSatisfy { $0[0] == "452" && $0[2].hasPrefix("4.3.1 ") }, "\(refusals)")
        if fullness == .belowTheFloor { #expect(try proof.journal.acknowledgements().count == accepted) }
        // What is looked at while the disk is full is what was acknowledged, and no more.
        let kept = Set(try proof.journal.acknowledgements().map(\.queueID))
        #expect(try await Set(queue(of: proof.data).map(\.queueID)) == kept)
        try await eventually("no body without its message") {
          try FileManager.default.contentsOfDirectory(atPath: proof.data + "/spool").allSatisfy(kept.contains)
        }

        try disk.empty()
        let start = ContinuousClock.now
        try await eventually("accepted again") {
          try await proof.load(server, label: "\(UUID())", senders: 1, limit: 1).end()
          return try proof.journal.acknowledgements().count > kept.count
        }
        let pause = ContinuousClock.now - start
        try await proof.load(server, label: "after", senders: 2, limit: 10).end()
        #expect(try proof.journal.acknowledgements().count > kept.count + 20)
        try await server.killNow()

        let accounts = try await proof.finish()
        accounts.expectEveryPromiseKept()
        let refused = Set(refusals.map { $0[1] })
        #expect(accounts.arrivals.allSatisfy { !refused.contains($0.mark) }, "refused and delivered")
        print("full disk, \(fullness): \(refusals.count) refused, taken again after \(pause), \(accounts.summary)")
      }
    }
  }
}
