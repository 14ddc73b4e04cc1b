import MailModel
import NIOCore
import NIOEmbedded
import SMTPProtocol
import Testing

@testable import SMTPListener

/// What a proxy says before its client.
enum ProxyHeader: CaseIterable, Sendable {
  case line, block

  /// 192.0.2.7, port 4711, to 198.51.100.7, port 587; or another client.
  func octets(client: UInt8 = 7) -> [UInt8] {
    switch self {
    case .line: Array("PROXY TCP4 192.0.2.\(client) 198.51.100.7 4711 587\r\n".utf8)
    case .block:
      Self.signature + [0x21, 0x11, 0, 12, 192, 0, 2, client, 198, 51, 100, 7, 0x12, 0x67, 0x02, 0x4B]
    }
  }

  static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10] + Array("QUIT\n".utf8)
  static let local = signature + [0x20, 0, 0, 0]
  static let unknown = Array("PROXY UNKNOWN\r\n".utf8)
}

@Suite(.timeLimit(.minutes(10))) struct ProxyHeaderTests {
  private static let loopback = ["127.0.0.0/8"].compactMap { IPNetwork($0) }
  private static let startTLS = Endpoint.startTLS(host: "127.0.0.1", port: 0, proxies: loopback)
  private static let implicitTLS = Endpoint.implicitTLS(host: "127.0.0.1", port: 0, proxies: loopback)

  private func expectToldBy(
    _ header: ProxyHeader, _ policy: TestPolicy, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let connection = policy.connections.first
    #expect(policy.connections.count == 1, sourceLocation: sourceLocation)
    #expect(connection?.client?.description == "192.0.2.7:4711", sourceLocation: sourceLocation)
    #expect(connection?.local?.description == "198.51.100.7:587", sourceLocation: sourceLocation)
    #expect(connection?.proxy?.source == connection?.client, sourceLocation: sourceLocation)
  }

  @Test(arguments: ProxyHeader.allCases) func aCommandInOneSegment(header: ProxyHeader) async throws {
    let policy = TestPolicy()
    try await withServer([Self.startTLS], policy: policy) { server in
      let client = try await TestClient(server.address)
      try await client.write(header.octets() + Array("EHLO client.example\r\nNOOP\r\n".utf8))
      #expect(try await client.line().hasPrefix("220 "))
      #expect(try await client.line().contains("STARTTLS"))
      #expect(try await client.line() == "250 2.0.0 Ok")
      #expect(try await client.ask("QUIT").hasPrefix("221"))
    }
    expectToldBy(header, policy)
  }

  @Test(arguments: ProxyHeader.allCases) func fromTheHeaderToAMessage(header: ProxyHeader) async throws {
    let policy = TestPolicy()
    try await withServer([Self.startTLS], policy: policy) { server in
      let client = try await TestClient(server.address)
      try await client.write(header.octets())
      try await client.logIn(server.trust)
      _ = try await client.ask("MAIL FROM:<a@example.com>")
      _ = try await client.ask("RCPT TO:<b@example.org>")
      _ = try await client.ask("DATA")
      #expect(try await client.ask("Subject: x\r\n\r\n.") == "250 2.0.0 Ok: 14 octets")
    }
    expectToldBy(header, policy)
  }

  @Test(arguments: ProxyHeader.allCases) func TLSsFirstOctetsInOneSegment(header: ProxyHeader) async throws {
    let policy = TestPolicy()
    try await withServer([Self.implicitTLS], policy: policy) { server in
      let client = try await TestClient(server.address, tls: server.trust, prefix: header.octets())
      #expect(try await client.line().hasPrefix("220 "))
      #expect(try await client.ask("NOOP") == "250 2.0.0 Ok")
    }
    expectToldBy(header, policy)
    #expect(policy.log.events.contains("mechanisms TLSv1.3"))
  }

  @Test(arguments: ProxyHeader.allCases) func octetByOctet(header: ProxyHeader) async throws {
    let policy = TestPolicy()
    let (channel, _) = try await testConnection(policy, proxies: ["127.0.0.1"])
    for octet in header.octets() {
      #expect(policy.log.events.isEmpty)
      try await channel.type([octet])
    }
    #expect(String(buffer: try await channel.waitForOutboundWrite(as: ByteBuffer.self)).hasPrefix("220 "))
    for octet in "NOOP\r\n".utf8 { try await channel.type([octet]) }
    let reply = try await channel.waitForOutboundWrite(as: ByteBuffer.self)
    #expect(String(buffer: reply) == "250 2.0.0 Ok\r\n")
    #expect(policy.connections.first?.client?.description == "192.0.2.7:4711")
  }

  @Test func theLongestHeaderAndTheRestOfItsSegment() async throws {
    let policy = TestPolicy()
    try await withServer([Self.startTLS], policy: policy) { server in
      let client = try await TestClient(server.address)
      let padding = [0x04, 0x0F, 0xE1] + Array(repeating: UInt8(0), count: 4_096 - 16 - 12 - 3)
      let header = ProxyHeader.signature + [0x21, 0x11, 0x0F, 0xF0] + ProxyHeader.block.octets().suffix(12) + padding
      try await client.write(header + Array("NOOP\r\n".utf8))
      #expect(try await client.line().hasPrefix("220 "))
      #expect(try await client.line() == "250 2.0.0 Ok")
    }
    expectToldBy(.block, policy)
  }

  /// Nothing is said, and nobody is asked, before the header.
  @Test(arguments: [
    ("192.0.2.1", ["192.0.2.1"], true), ("192.0.2.1", ["192.0.2.0/24"], true),
    ("192.0.2.1", ["198.51.100.1", "192.0.2.0/31"], true), ("::ffff:192.0.2.1", ["192.0.2.1"], true),
    ("2001:db8::1", ["2001:db8::/32"], true),
    ("192.0.2.1", [], false), ("192.0.2.1", ["192.0.2.2"], false), ("192.0.2.1", ["::/0"], false),
    ("2001:db8::1", ["0.0.0.0/0"], false), ("2001:db9::1", ["2001:db8::/32"], false),
  ])
  func aListedPeerMustSendOne(peer: String, proxies: [String], isListed: Bool) async throws {
    let policy = TestPolicy()
    let (channel, _) = try await testConnection(policy, peer: peer, proxies: proxies)
    if !isListed {
      #expect(String(buffer: try await channel.waitForOutboundWrite(as: ByteBuffer.self)).hasPrefix("220 "))
    }
    await channel.testingEventLoop.run()
    #expect(policy.log.events == (isListed ? [] : ["connect"]))
    #expect(try await channel.readOutbound(as: ByteBuffer.self) == nil)
    try await channel.type("NOOP\r\n")
    // To one it is no header, to the other a command.
    #expect(channel.isActive != isListed)
    #expect(
      try await channel.readOutbound(as: ByteBuffer.self) == (isListed ? nil : ByteBuffer(string: "250 2.0.0 Ok\r\n")))
  }

  /// Whoever is not listed says something that is not SMTP, and is who it is.
  @Test func fromAnybodyElseItIsNoHeader() async throws {
    let policy = TestPolicy()
    let elsewhere = ["192.0.2.0/24"].compactMap { IPNetwork($0) }
    try await withServer([.startTLS(host: "127.0.0.1", port: 0, proxies: elsewhere)], policy: policy) { server in
      let client = try await TestClient(server.address)
      try await client.write(ProxyHeader.line.octets())
      #expect(try await client.line().hasPrefix("220 "))
      #expect(try await client.rest().map { $0.prefix(4) } == ["502 "])
    }
    #expect(policy.connections.map(\.proxy) == [nil])
    #expect(policy.connections.first?.client?.address == IPAddress("127.0.0.1"))
  }

  @Test func fromAnybodyElseItIsNoTLS() async throws {
    let policy = TestPolicy()
    try await withServer([.implicitTLS(host: "127.0.0.1", port: 0)], policy: policy) { server in
      let client = try await TestClient(server.address, tls: server.trust, prefix: ProxyHeader.line.octets())
      await #expect(throws: (any Error).self) { _ = try await client.line() }
    }
    #expect(policy.connections.isEmpty)
  }

  @Test func theSecondOneIsNoHeader() async throws {
    let policy = TestPolicy()
    try await withServer([Self.startTLS, Self.implicitTLS], policy: policy) { server in
      let client = try await TestClient(server.addresses[0])
      try await client.write(ProxyHeader.line.octets() + ProxyHeader.line.octets(client: 8))
      #expect(try await client.line().hasPrefix("220 "))
      #expect(try await client.rest().map { $0.prefix(4) } == ["502 "])
      let second = try await TestClient(
        server.addresses[1], tls: server.trust, prefix: ProxyHeader.line.octets() + ProxyHeader.line.octets(client: 8))
      await #expect(throws: (any Error).self) { _ = try await second.line() }
    }
    expectToldBy(.line, policy)
  }

  @Test(arguments: [ProxyHeader.local, ProxyHeader.unknown]) func aProxyMayNameNobody(header: [UInt8]) async throws {
    let policy = TestPolicy()
    try await withServer([Self.startTLS], policy: policy) { server in
      let client = try await TestClient(server.address)
      try await client.write(header)
      #expect(try await client.line().hasPrefix("220 "))
      #expect(policy.connections.first?.local == server.address)
    }
    let connection = policy.connections.first
    #expect(connection?.client?.address == IPAddress("127.0.0.1"))
    #expect(connection?.proxy == ProxyFacts(isLocal: header == ProxyHeader.local))
  }

  @Test(
    arguments: [
      Array("EHLO client.example\r\n".utf8), Array("GET / HTTP/1.1\r\n".utf8), [0x16, 3, 1, 2, 0], [0],
      Array("PROXY TCP4 192.0.2.7 198.51.100.7 4711 587\n".utf8), Array("PROXY TCP4 ::1 ::1 1 2\r\n".utf8),
      ProxyHeader.signature + [0x21, 0x11, 0x10], ProxyHeader.signature + [0x11],
      ProxyHeader.signature + [0x21, 0x11, 0, 13] + ProxyHeader.block.octets().suffix(12) + [0],
    ] as [[UInt8]])
  func whatIsMalformedEndsTheConnectionWithoutAWord(octets: [UInt8]) async throws {
    let policy = TestPolicy()
    let (channel, connection) = try await testConnection(policy, proxies: ["127.0.0.1"])
    try await channel.type(octets)
    #expect(!channel.isActive)
    #expect(try await channel.readOutbound(as: ByteBuffer.self) == nil)
    #expect(policy.log.events.isEmpty)
    let registry = connection.endpoint.registry
    #expect(registry.count == 0)
  }

  @Test func whatIsMalformedClosesASocket() async throws {
    let policy = TestPolicy()
    try await withServer([Self.startTLS, Self.implicitTLS], policy: policy) { server in
      for address in server.addresses {
        let client = try await TestClient(address)
        try await client.write("EHLO client.example\r\n")
        // Closed with what it sent unread: the end may come as a reset.
        #expect((try? await client.octets()) ?? [] == [])
      }
      while server.registry.count > 0 { await Task.yield() }  // within the suite's limit of time
    }
    #expect(policy.log.events.isEmpty)
  }

  @Test(arguments: [[], Array("PROXY TCP4 192".utf8), ProxyHeader.signature] as [[UInt8]]) func aHeaderHasItsTime(
    octets: [UInt8]
  ) async throws {
    let policy = TestPolicy()
    let (channel, _) = try await testConnection(policy, proxies: ["127.0.0.1"])
    await channel.testingEventLoop.advanceTime(by: .seconds(4))
    if !octets.isEmpty { try await channel.type(octets) }  // gives no new time
    await channel.testingEventLoop.advanceTime(by: .milliseconds(999))
    #expect(channel.isActive)
    await channel.testingEventLoop.advanceTime(by: .milliseconds(1))
    #expect(!channel.isActive)
    #expect(try await channel.readOutbound(as: ByteBuffer.self) == nil)
    #expect(policy.log.events.isEmpty)
  }

  @Test func aHeaderEndsItsTimeAndTheSessionsBegins() async throws {
    var limits = ConnectionLimits()
    limits.proxyHeaderTimeout = .seconds(1)
    let (channel, _) = try await testConnection(TestPolicy(), limits: limits, proxies: ["127.0.0.1"])
    await channel.testingEventLoop.advanceTime(by: .milliseconds(999))
    try await channel.type(ProxyHeader.line.octets())
    _ = try await channel.waitForOutboundWrite(as: ByteBuffer.self)
    await channel.testingEventLoop.advanceTime(by: .seconds(59))
    #expect(channel.isActive)
    await channel.testingEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
  }

  @Test func aHandshakeBehindAHeaderHasItsTime() async throws {
    let certificate = try TestCertificate("mail.example.com")
    let (channel, _) = try await testConnection(
      TestPolicy(), security: .implicitTLS, tls: ServerTLS([certificate.files]), proxies: ["127.0.0.1"])
    await channel.testingEventLoop.advanceTime(by: .seconds(4))
    try await channel.type(ProxyHeader.line.octets())
    await channel.testingEventLoop.advanceTime(by: .seconds(29))
    #expect(channel.isActive)
    await channel.testingEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
  }

  @Test func theClientsOwnAddressCounts() async throws {
    var limits = ConnectionLimits()
    limits.connectionsPerSource = 1
    try await withServer([Self.startTLS, Self.implicitTLS], limits: limits) { server in
      // As many as there are clients, though all come from one proxy.
      var clients: [TestClient] = []
      for number in 1...3 {
        let client = try await TestClient(server.address)
        try await client.write(ProxyHeader.line.octets(client: UInt8(number)))
        #expect(try await client.line().hasPrefix("220 "))
        clients.append(client)
      }
      let second = try await TestClient(server.address)
      try await second.write(ProxyHeader.line.octets(client: 1))
      #expect(try await second.rest() == ["421 4.7.0 Too many connections from your address, close some first"])
      let third = try await TestClient(
        server.addresses[1], tls: server.trust, prefix: ProxyHeader.block.octets(client: 1))
      await #expect(throws: (any Error).self) { _ = try await third.line() }
      for client in [clients[0], second, third] { try await client.close() }
      while server.registry.count > 2 { await Task.yield() }  // within the suite's limit of time
      let fourth = try await TestClient(server.address)
      try await fourth.write(ProxyHeader.line.octets(client: 1))
      #expect(try await fourth.line().hasPrefix("220 "))
    }
  }

  @Test func aConnectionCountsInAllBeforeItsHeader() async throws {
    var limits = ConnectionLimits()
    limits.connections = 1
    try await withServer([Self.startTLS], limits: limits) { server in
      let silent = try await TestClient(server.address)
      while server.registry.count < 1 { await Task.yield() }  // within the suite's limit of time
      let second = try await TestClient(server.address)
      #expect(try await second.rest() == ["421 4.7.0 Too many connections, try again later"])
      try await silent.close()
      while server.registry.count > 0 { await Task.yield() }
    }
  }

  @Test func aShutdownDoesNotWaitForAHeader() async throws {
    let policy = TestPolicy()
    try await withServer([Self.startTLS], policy: policy) { server in
      let client = try await TestClient(server.address)
      while server.registry.count < 1 { await Task.yield() }  // within the suite's limit of time
      await server.shutDown()
      #expect(try await client.octets().isEmpty)
    }
    #expect(policy.log.events.isEmpty)
  }
}
