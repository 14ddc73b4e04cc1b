import NIOCore
import NIOEmbedded
import SMTPProtocol
import Testing

@testable import SMTPListener

@Suite(.timeLimit(.minutes(10))) struct BackPressureTests {
  private static let plaintext = [Endpoint.insecurePlaintext(host: "127.0.0.1", port: 0)]

  @Test func nothingIsWrittenToAFullSinkUntilItHasRoom() async throws {
    var script = TestPolicy.Script()
    let gate = Gate()
    script.fullAt = (octets: 100_000, gate: gate)
    let policy = TestPolicy(script)
    let line = String(repeating: "x", count: 998) + "\r\n"
    let message = String(repeating: line, count: 20_000)
    try await withServer(Self.plaintext, policy: policy, configuration: withoutAuthentication()) { server in
      let client = try await TestClient(server.address)
      try await client.beginMessage()
      async let sent: Void = client.channel.writeAndFlush(ByteBuffer(string: message + ".\r\n"))
      try await policy.log.wait(for: "draining")
      gate.open()
      try await sent
      #expect(try await client.line() == "250 2.0.0 Ok: 20000000 octets")
    }
    #expect(policy.log.events.suffix(4) == ["full", "draining", "finish", "finished"])
  }

  @Test func aClientThatGoesAwayFromAFullSinkAbortsItOnce() async throws {
    var script = TestPolicy.Script()
    script.fullAt = (octets: 1, gate: Gate())  // opens by cancellation alone
    let policy = TestPolicy(script)
    try await withServer(Self.plaintext, policy: policy, configuration: withoutAuthentication()) { server in
      let client = try await TestClient(server.address)
      try await client.beginMessage()
      try await client.send("Subject: x")
      try await policy.log.wait(for: "draining")
      try await client.close()
      try await policy.log.wait(for: "abort")
    }
    #expect(policy.log.events.suffix(3) == ["full", "draining", "abort"])
  }

  @Test func whileThePolicyIsAskedOnlySoMuchIsRead() async throws {
    var script = TestPolicy.Script()
    let gate = Gate()
    script.connectGate = gate
    let policy = TestPolicy(script)
    var limits = ConnectionLimits()
    limits.inputBuffer = 1_000
    let (channel, connection) = try await testConnection(policy, limits: limits)
    try await policy.log.wait(for: "connect")
    // 996 octets.
    try await channel.type(String(repeating: "NOOP \(String(repeating: "x", count: 76))\r\n", count: 12))
    #expect(await connection.wantsRead())
    try await channel.type("NOOP")
    #expect(await !connection.wantsRead())
    gate.open()
    let replies = try await channel.waitForOutboundWrite(as: ByteBuffer.self)
    #expect(replies.readableBytes == "220 mail.example.com ESMTP\r\n".utf8.count + 12 * "250 2.0.0 Ok\r\n".utf8.count)
    #expect(await connection.input.readableBytes == 4)
    #expect(await connection.wantsRead())
  }

  @Test func aClientThatHangsUpAfterMoreThanTheBufferIsDropped() async throws {
    var script = TestPolicy.Script()
    script.connectGate = Gate()
    let (channel, connection) = try await testConnection(TestPolicy(script))
    let limit = ConnectionLimits().inputBuffer + Connection.readingRound
    try await channel.writeInbound(ByteBuffer(repeating: 0, count: limit))
    #expect(await connection.isOpen)
    try await channel.writeInbound(ByteBuffer(repeating: 0, count: 1))
    #expect(await !connection.isOpen)
    #expect(await connection.input.readableBytes == 0)
  }

  @Test func commandsWaitForTheClientToReadReplies() async throws {
    let (channel, connection) = try await testConnection(TestPolicy())
    _ = try await channel.waitForOutboundWrite(as: ByteBuffer.self)
    channel.isWritable = false
    try await channel.testingEventLoop.executeInContext { channel.pipeline.fireChannelWritabilityChanged() }
    try await channel.type("NOOP\r\n")
    #expect(await connection.input.readableBytes == 6)
    #expect(try await channel.readOutbound(as: ByteBuffer.self) == nil)
    channel.isWritable = true
    try await channel.testingEventLoop.executeInContext { channel.pipeline.fireChannelWritabilityChanged() }
    await channel.testingEventLoop.run()
    #expect(try await channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "250 2.0.0 Ok\r\n"))
    #expect(await connection.input.readableBytes == 0)
  }

  @Test func aClientThatReadsLateGetsEveryReply() async throws {
    let patient = try testConfiguration { $0.limits.errors = .max }
    try await withServer(Self.plaintext, configuration: patient) { server in
      let client = try await TestClient(server.address, reads: false)
      while server.registry.count == 0 { await Task.yield() }
      let count = 60_000
      async let sent: Void = client.channel.writeAndFlush(
        ByteBuffer(string: String(repeating: "HELP\r\n", count: count) + "QUIT\r\n"))
      // The replies are so much more than the system's buffers hold that the server has to stop.
      let connection = try #require(server.registry.connections.first as? Connection)
      while await connection.channel.isWritable {}
      try await client.channel.setOption(.autoRead, value: true).get()
      try await sent
      #expect(try await client.rest().count == count + 2)
    }
  }
}
