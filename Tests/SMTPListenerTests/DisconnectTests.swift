import NIOCore
import NIOEmbedded
import SMTPProtocol
import Testing

@testable import SMTPListener

@Suite(.timeLimit(.minutes(10))) struct DisconnectTests {
  private static let plaintext = [Endpoint.insecurePlaintext(host: "127.0.0.1", port: 0)]

  @Test func aClientThatGoesAwayWithinItsMessageAbortsItOnce() async throws {
    let policy = TestPolicy()
    try await withServer(Self.plaintext, policy: policy, configuration: withoutAuthentication()) { server in
      let client = try await TestClient(server.address)
      try await client.beginMessage()
      try await client.send("Subject: x")
      try await client.close()
      try await policy.log.wait(for: "abort")
      while server.registry.count > 0 { await Task.yield() }
    }
    #expect(policy.log.events.filter { $0.contains("abort") || $0.contains("finish") } == ["abort"])
  }

  @Test func aClientThatGoesAwayWhileItsMessageIsFinishedChangesNothing() async throws {
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
    try await channel.close()
    await channel.testingEventLoop.run()
    gate.open()
    try await policy.log.wait(for: "finished")
    #expect(policy.log.events.filter { $0.contains("abort") || $0.contains("finish") } == ["finish", "finished"])
  }

  @Test func aQuestionIsCancelledWhenTheClientGoesAway() async throws {
    var script = TestPolicy.Script()
    script.senderGate = Gate()  // opens by cancellation alone
    let policy = TestPolicy(script)
    try await withServer(Self.plaintext, policy: policy, configuration: withoutAuthentication()) { server in
      let client = try await TestClient(server.address)
      _ = try await client.line()
      _ = try await client.ask("EHLO c")
      try await client.send("MAIL FROM:<a@example.com>")
      try await policy.log.wait(for: "sender a@example.com")
      try await client.close()
      try await policy.log.wait(for: "cancelled")
      while server.registry.count > 0 { await Task.yield() }
      #expect(policy.log.events.contains("cancelled"))
    }
  }

  /// Closing a socket with unread input would make the system throw away the reply.
  @Test func theLastReplyArrivesThoughTheClientKeepsSending() async throws {
    try await withServer(Self.plaintext, configuration: withoutAuthentication()) { server in
      for _ in 0..<20 {
        let client = try await TestClient(server.address)
        _ = try await client.line()
        client.channel.write(ByteBuffer(string: "QUIT\r\n"), promise: nil)
        for _ in 0..<20 {
          client.channel.writeAndFlush(ByteBuffer(repeating: UInt8(ascii: "x"), count: 65_536), promise: nil)
        }
        #expect(try await client.line() == "221 2.0.0 Bye")
      }
    }
  }
}
