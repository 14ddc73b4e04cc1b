import MailModel
import NIOCore
import NIOEmbedded
import SMTPProtocol
import Testing

@testable import SMTPListener

@Suite(.timeLimit(.minutes(10))) struct TimeoutTests {
  @Test func aSilentClientIsTold421() async throws {
    let (channel, _) = try await testConnection(TestPolicy())
    _ = try await channel.waitForOutboundWrite(as: ByteBuffer.self)
    await channel.testingEventLoop.advanceTime(by: .seconds(59))
    #expect(channel.isActive)
    await channel.testingEventLoop.advanceTime(by: .seconds(1))
    let reply = try await channel.readOutbound(as: ByteBuffer.self)
    #expect(reply.map { String(buffer: $0) }?.hasPrefix("421 4.4.2") == true)
    #expect(!channel.isActive)
  }

  @Test func aCommandGivesNewTime() async throws {
    let (channel, _) = try await testConnection(TestPolicy())
    _ = try await channel.waitForOutboundWrite(as: ByteBuffer.self)
    for _ in 0..<3 {
      await channel.testingEventLoop.advanceTime(by: .seconds(50))
      try await channel.type("NOOP\r\n")
      #expect(try await channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "250 2.0.0 Ok\r\n"))
    }
    await channel.testingEventLoop.advanceTime(by: .seconds(59))
    #expect(channel.isActive)
    await channel.testingEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
  }

  @Test func aClientThatNeverReadsRepliesRunsOutOfTime() async throws {
    let (channel, _) = try await testConnection(TestPolicy())
    _ = try await channel.waitForOutboundWrite(as: ByteBuffer.self)
    channel.isWritable = false
    try await channel.type("NOOP\r\n")
    await channel.testingEventLoop.advanceTime(by: .seconds(59))
    #expect(channel.isActive)
    await channel.testingEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
  }

  @Test func contentThatStopsIsAborted() async throws {
    let policy = TestPolicy()
    let (channel, _) = try await testConnection(policy)
    _ = try await channel.waitForOutboundWrite(as: ByteBuffer.self)
    let lines = "EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
    try await channel.type(lines)
    _ = try await channel.waitForOutboundWrite(as: ByteBuffer.self)
    try await channel.type("Subject: x\r\n")
    await channel.testingEventLoop.advanceTime(by: .seconds(180))
    let reply = try await channel.readOutbound(as: ByteBuffer.self)
    #expect(reply.map { String(buffer: $0) }?.hasPrefix("421 4.4.2") == true)
    await channel.testingEventLoop.run()
    #expect(policy.log.events.suffix(1) == ["abort"])
    #expect(policy.log.count(of: "abort") == 1)
  }

  @Test func aPolicyThatDoesNotAnswerEndsTheConnection() async throws {
    var script = TestPolicy.Script()
    script.senderGate = Gate()  // opens by cancellation alone
    let policy = TestPolicy(script)
    var limits = ConnectionLimits()
    limits.policyTimeout = .seconds(10)
    let (channel, _) = try await testConnection(policy, limits: limits)
    _ = try await channel.waitForOutboundWrite(as: ByteBuffer.self)
    try await channel.type("EHLO c\r\nMAIL FROM:<a@example.com>\r\n")
    try await policy.log.wait(for: "sender a@example.com")
    await channel.testingEventLoop.advanceTime(by: .seconds(9))
    #expect(channel.isActive)
    await channel.testingEventLoop.advanceTime(by: .seconds(1))
    let replies = try await channel.readOutbound(as: ByteBuffer.self).map { String(buffer: $0) }
    #expect(replies?.hasSuffix("421 4.3.0 Service not available, try again later\r\n") == true)
    #expect(!channel.isActive)
    try await policy.log.wait(for: "cancelled")
  }

  @Test func theEndOfAMessageIsWaitedForWithoutALimit() async throws {
    var script = TestPolicy.Script()
    let gate = Gate()
    script.finishGate = gate
    let policy = TestPolicy(script)
    let (channel, _) = try await testConnection(policy)
    _ = try await channel.waitForOutboundWrite(as: ByteBuffer.self)
    let lines = "EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
    try await channel.type(lines)
    _ = try await channel.waitForOutboundWrite(as: ByteBuffer.self)
    try await channel.type(".\r\n")
    try await policy.log.wait(for: "finish")
    await channel.testingEventLoop.advanceTime(by: .hours(1))
    #expect(channel.isActive)
    gate.open()
    let reply = try await channel.waitForOutboundWrite(as: ByteBuffer.self)
    #expect(String(buffer: reply) == "250 2.0.0 Ok: 0 octets\r\n")
  }

  @Test func aHandshakeHasItsTime() async throws {
    let certificate = try TestCertificate("mail.example.com")
    let (channel, _) = try await testConnection(
      TestPolicy(), security: .implicitTLS, tls: ServerTLS([certificate.files]))
    await channel.testingEventLoop.advanceTime(by: .seconds(29))
    #expect(channel.isActive)
    await channel.testingEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
  }

  @Test func aHandshakeBehindSTARTTLSHasItsTime() async throws {
    let certificate = try TestCertificate("mail.example.com")
    let (channel, _) = try await testConnection(
      TestPolicy(), security: .startTLSRequired, tls: ServerTLS([certificate.files]))
    _ = try await channel.waitForOutboundWrite(as: ByteBuffer.self)
    await channel.testingEventLoop.advanceTime(by: .seconds(50))
    try await channel.type("EHLO c\r\n")
    try await channel.type("STARTTLS\r\n")
    await channel.testingEventLoop.advanceTime(by: .seconds(29))
    #expect(channel.isActive)
    await channel.testingEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
  }

  @Test func aClientThatDoesNotTakeTheLastReplyIsNotWaitedForLong() async throws {
    var limits = ConnectionLimits()
    limits.lingerTimeout = .milliseconds(1)
    try await withServer([.insecurePlaintext(host: "127.0.0.1", port: 0)], limits: limits) { server in
      let client = try await TestClient(server.address, reads: false)
      try await client.channel.setOption(.allowRemoteHalfClosure, value: true).get()
      try await client.send("QUIT")
      while server.registry.count > 0 { await Task.yield() }  // within the suite's limit of time
      #expect(server.registry.count == 0)
    }
  }
}
