import Foundation
import PeerTesting
import Testing

extension DurabilityTests {
  /// A kill at each of the first calls from accepting to delivering that change anything, one after another: two senders, and
  /// every third message so large that the spool takes it.
  @Test(.needs(.python3), .watchesProcesses) func aKillAtAnyCallLosesNothing() async throws {
    let last = Proof.count("DURABILITY_CRASH_POINTS", short: 8)
    // In the suite a few of them, spread.
    let points = last > 8 ? Array(1...last) : (0..<last).map { 1 + $0 * 41 }
    try await Proof.run { proof in
      var calls: [String: Int] = [:]
      for point in points {
        let server = try await proof.start()
        let crash = try await CrashPoint(at: point, of: server.processIdentifier)
        let load = try await proof.load(server, label: "\(point)", senders: 2, limit: 200, largeEach: 3)
        try await load.end()
        try await server.killNow()
        let call = try await crash.reached()
        #expect(!call.isEmpty, "call \(point) was not reached")
        calls[call.split(separator: " ").first.map(String.init) ?? "", default: 0] += 1
      }
      let accounts = try await proof.finish()
      accounts.expectEveryPromiseKept()
      let kinds = calls.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
      print("kill at a call: \(points.count) points (\(kinds)), \(accounts.summary)")
    }
  }
}
