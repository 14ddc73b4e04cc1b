import PeerTesting
import Testing

@Suite("nsd on loopback", .needs(.nsd)) struct NameServerTests {
  @Test("Zones are served, many servers at once") func serves() async throws {
    try await withThrowingTaskGroup { group in
      for index in 0..<4 {
        group.addTask {
          try await withNameServer(zones: ["example.com": "@ TXT \"\(index)\"", "example.net": "www A 192.0.2.1"]) {
            #expect($0.port > 0)
          }
        }
      }
      try await group.waitForAll()
    }
  }

  @Test("A zone that is none is an error, with what nsd says") func damaged() async throws {
    let error = await #expect(throws: NameServerError.self) {
      try await withNameServer(zones: ["example.com": "www A none"]) { _ in }
    }
    #expect(error?.description.contains("example.com") == true)
  }
}
