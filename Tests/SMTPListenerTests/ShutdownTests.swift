import NIOCore
import SMTPProtocol
import Testing

@testable import SMTPListener

@Suite(.timeLimit(.minutes(10))) struct ShutdownTests {
  private static let plaintext = [Endpoint.insecurePlaintext(host: "127.0.0.1", port: 0)]

  @Test func anIdleSessionIsTold421() async throws {
    try await withServer { server in
      let fresh = try await TestClient(server.address)
      _ = try await fresh.line()
      let secured = try await TestClient(server.address)
      try await secured.logIn(server.trust)
      await server.shutDown()
      for client in [fresh, secured] {
        let rest = try await client.rest()
        #expect(rest.count == 1)
        #expect(rest.first?.hasPrefix("421 4.3.2") == true)
      }
    }
  }

  @Test func aMessageThatIsComingIsTakenFirst() async throws {
    let policy = TestPolicy()
    try await withServer(Self.plaintext, policy: policy, configuration: withoutAuthentication()) { server in
      let client = try await TestClient(server.address)
      try await client.beginMessage()
      try await client.send("Subject: one")
      await server.shutDown()
      while (try? await TestClient(server.address).line()) != nil {}
      try await client.send("", "two", ".")
      #expect(try await client.line() == "250 2.0.0 Ok: 21 octets")
      #expect(try await client.rest().first?.hasPrefix("421 4.3.2") == true)
    }
    #expect(policy.log.events.suffix(2) == ["finish", "finished"])
  }

  @Test func whatStaysBeyondTheGraceIsClosed() async throws {
    let policy = TestPolicy()
    var limits = ConnectionLimits()
    limits.shutdownGrace = .milliseconds(1)
    try await withServer(
      Self.plaintext, policy: policy, configuration: withoutAuthentication(), limits: limits
    ) { server in
      let client = try await TestClient(server.address)
      try await client.beginMessage()
      await server.shutDown()
      #expect(try await client.octets().isEmpty)
    }
    #expect(policy.log.events.suffix(1) == ["abort"])
  }

  @Test func theServerWaitsForAMessageThatIsBeingFinished() async throws {
    var script = TestPolicy.Script()
    let gate = Gate()
    script.finishGate = gate
    let policy = TestPolicy(script)
    var limits = ConnectionLimits()
    limits.shutdownGrace = .milliseconds(1)
    try await withServer(
      Self.plaintext, policy: policy, configuration: withoutAuthentication(), limits: limits
    ) { server in
      let client = try await TestClient(server.address)
      try await client.beginMessage()
      try await client.send(".")
      try await policy.log.wait(for: "finish")
      await server.shutDown()
      #expect(try await client.octets().isEmpty)
      #expect(server.registry.count == 1)
      gate.open()
    }
    // `run` has returned, so this has been said before.
    #expect(policy.log.events.suffix(2) == ["finish", "finished"])
  }

  @Test func aCancelledServerClosesAtOnce() async throws {
    let policy = TestPolicy()
    let server = try SMTPServer(
      endpoints: Self.plaintext, configuration: withoutAuthentication(), policy: policy, logger: quiet)
    let running = Task { try await server.run() }
    let client = try await TestClient(server.boundAddresses()[0])
    try await client.beginMessage()
    running.cancel()
    await #expect(throws: CancellationError.self) { try await running.value }
    #expect(try await client.octets().isEmpty)
    #expect(policy.log.events.suffix(1) == ["abort"])
  }
}
