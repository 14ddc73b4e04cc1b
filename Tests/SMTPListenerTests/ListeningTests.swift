import NIOCore
import SMTPProtocol
import ServiceLifecycle
import Testing

@testable import SMTPListener

@Suite(.timeLimit(.minutes(10))) struct ListeningTests {
  @Test func everyEndpointIsListenedOnInItsOrder() async throws {
    let endpoints: [Endpoint] = [
      .startTLS(host: "127.0.0.1", port: 0), .implicitTLS(host: "127.0.0.1", port: 0),
      .insecurePlaintext(host: "localhost", port: 0),
    ]
    try await withServer(endpoints) { server in
      #expect(Set(server.addresses.map(\.port)).count == 3)
      #expect(try await TestClient(server.addresses[0]).line().hasPrefix("220"))
      #expect(try await TestClient(server.addresses[1], tls: server.trust).line().hasPrefix("220"))
      let plain = try await TestClient(server.addresses[2])
      #expect(try await plain.line().hasPrefix("220"))
      #expect(try await plain.ask("EHLO c").contains("STARTTLS") == false)
    }
  }

  @Test func anAddressInUseIsNamedAndThenNothingIsListenedOn() async throws {
    try await withServer { server in
      let taken = server.address
      let free = try SMTPServer(
        endpoints: [.insecurePlaintext(host: "127.0.0.1", port: 0)], configuration: testConfiguration(),
        policy: TestPolicy(), logger: quiet)
      let running = Task { try await free.run() }
      let other = try await free.boundAddresses()[0]
      running.cancel()
      await #expect(throws: CancellationError.self) { try await running.value }

      // The port that has just become free is bound first and must be given back.
      let server = try SMTPServer(
        endpoints: [
          .insecurePlaintext(host: "127.0.0.1", port: other.port),
          .insecurePlaintext(host: "127.0.0.1", port: taken.port),
        ], configuration: testConfiguration(), policy: TestPolicy(), logger: quiet)
      let error = await #expect(throws: ListenerError.self) { try await server.run() }
      #expect(error?.code == .addressInUse)
      #expect(error?.message == "\(taken) is in use")
      await #expect(throws: ListenerError.self) { try await server.boundAddresses() }
      await #expect(throws: (any Error).self) { _ = try await TestClient(other).line() }
      await #expect(throws: ListenerError.self) { try await server.run() }
    }
  }

  @Test func whatDoesNotFitTogetherIsRefused() throws {
    let configuration = try testConfiguration()
    for endpoints in [[], [Endpoint.startTLS(host: "::1", port: 0)], [.implicitTLS(host: "::1", port: 0)]] {
      let error = #expect(throws: ListenerError.self) {
        try SMTPServer(endpoints: endpoints, configuration: configuration, policy: TestPolicy())
      }
      #expect(error?.code == .invalidConfiguration)
    }
  }

  @Test func waitingForAddressesCanBeCancelled() async throws {
    let server = try SMTPServer(
      endpoints: [.insecurePlaintext(host: "127.0.0.1", port: 0)], configuration: testConfiguration(),
      policy: TestPolicy(), logger: quiet)
    let waiting = Task { try await server.boundAddresses() }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
  }

  @Test func anEndpointHasItsOwnLimits() async throws {
    var limits = Limits()
    limits.messageSize = 1234
    let endpoints: [Endpoint] = [
      .insecurePlaintext(host: "127.0.0.1", port: 0, limits: limits), .insecurePlaintext(host: "127.0.0.1", port: 0),
    ]
    try await withServer(endpoints) { server in
      for (address, size) in zip(server.addresses, ["SIZE 1234", "SIZE 31457280"]) {
        let client = try await TestClient(address)
        _ = try await client.line()
        #expect(try await client.ask("EHLO c").contains(size))
      }
    }
  }
}
