import MailModel
import SMTPProtocol
import Testing

@testable import SMTPListener

@Suite(.timeLimit(.minutes(10))) struct ConnectionLimitTests {
  private final class FakeConnection: OpenConnection {
    let address: IPAddress?
    init(_ address: String) { self.address = IPAddress(address) }
    func beginShutDown() {}
    func beginDrop() {}
  }

  private static func registry(total: Int = 100, perSource: Int = 100) -> ConnectionRegistry {
    var limits = ConnectionLimits()
    (limits.connections, limits.connectionsPerSource) = (total, perSource)
    return ConnectionRegistry(limits: limits)
  }

  @Test func asManyAsTheLimitComeInAndNoMore() {
    let registry = Self.registry(total: 3)
    let connections = (1...4).map { FakeConnection("192.0.2.\($0)") }
    #expect(connections.map { registry.add($0, from: $0.address) } == [nil, nil, nil, .tooMany])
    registry.remove(connections[3])  // was never in
    #expect(registry.add(connections[3], from: connections[3].address) == .tooMany)
    registry.remove(connections[0])
    registry.remove(connections[0])
    #expect(registry.add(connections[3], from: connections[3].address) == nil)
    #expect(registry.add(connections[0], from: connections[0].address) == .tooMany)
  }

  @Test(arguments: [
    (["192.0.2.1", "192.0.2.1", "192.0.2.1"], "192.0.2.2"),
    (["2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1:ffff::3"], "2001:db8:0:2::1"),
    (["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"], "192.0.2.0"),
  ])
  func aSourceHasItsShare(same: [String], other: String) {
    let registry = Self.registry(perSource: 2)
    let connections = same.map(FakeConnection.init)
    #expect(connections.map { registry.add($0, from: $0.address) } == [nil, nil, .tooManyFromSource])
    #expect(registry.add(FakeConnection(other), from: IPAddress(other)) == nil)
    registry.remove(connections[1])
    #expect(registry.add(connections[2], from: connections[2].address) == nil)
  }

  @Test func whoIsKnownLaterCountsInAllAtOnceAndForTheSourceThen() throws {
    let registry = Self.registry(total: 3, perSource: 1)
    let connections = (0..<4).map { _ in FakeConnection("192.0.2.1") }
    let address = try #require(connections[0].address)
    #expect(connections.map { registry.add($0, from: nil) } == [nil, nil, nil, .tooMany])
    #expect(registry.identify(connections[0], as: address) == nil)
    #expect(registry.identify(connections[1], as: address) == .tooManyFromSource)
    #expect(registry.identify(connections[0], as: address) == nil)  // counts once
    registry.remove(connections[1])  // counted for nobody
    #expect(registry.identify(connections[2], as: address) == .tooManyFromSource)
    registry.remove(connections[0])
    #expect(registry.identify(connections[0], as: address) == nil)  // is gone, and counts no more
    #expect(registry.identify(connections[2], as: address) == nil)
    #expect(registry.add(connections[3], from: address) == .tooManyFromSource)
  }

  @Test func nobodyComesInAfterAShutdownBegan() async {
    let registry = Self.registry()
    let connection = FakeConnection("192.0.2.1")
    #expect(registry.add(connection, from: connection.address) == nil)
    registry.shutDown()
    #expect(registry.add(FakeConnection("192.0.2.1"), from: nil) == .shuttingDown)
    async let empty: Void = registry.untilEmpty()
    registry.remove(connection)
    await empty
    #expect(registry.count == 0)
  }

  @Test func theOneTooManyIsToldAndAnotherComesInLater() async throws {
    var limits = ConnectionLimits()
    limits.connectionsPerSource = 2
    try await withServer(
      [.startTLS(host: "127.0.0.1", port: 0), .implicitTLS(host: "127.0.0.1", port: 0)], limits: limits
    ) { server in
      let first = try await TestClient(server.addresses[0])
      let second = try await TestClient(server.addresses[1], tls: server.trust)
      #expect(try await first.line().hasPrefix("220"))
      #expect(try await second.line().hasPrefix("220"))
      let third = try await TestClient(server.addresses[0])
      #expect(try await third.rest() == ["421 4.7.0 Too many connections from your address, close some first"])
      let fourth = try await TestClient(server.addresses[1])
      #expect(try await fourth.octets().isEmpty)
      _ = try await first.ask("QUIT")
      try await first.close()
      while server.registry.count > 1 { await Task.yield() }
      let fifth = try await TestClient(server.addresses[0])
      #expect(try await fifth.line().hasPrefix("220"))
    }
  }
}
