import MailModel
import SMTPProtocol
import SMTPProtocolTesting
import Testing

@Suite struct SessionPairTests {
  private func pair(
    script: RecordingPolicy.Script = .init(), password: String = "password",
    change: (inout ServerConfiguration) -> Void = { _ in }
  ) throws -> (SessionPair<RecordingPolicy>, RecordingPolicy) {
    let (server, policy) = try server(script: script, change: change)
    var configuration = ClientConfiguration(helloName: try #require(DomainName("client.example.org")))
    configuration.credentials = ClientCredentials(username: "username", password: password)
    return (SessionPair(server: server, client: configuration), policy)
  }

  private let envelope = Envelope(
    reversePath: ReversePath("a@example.com") ?? .null,
    recipients: ["b@example.org", "c@example.org"].compactMap { ForwardPath($0) })

  @Test func aMessagePassesFromOurClientToOurServer() async throws {
    let (pair, policy) = try pair()
    #expect(await pair.connect())
    let content = Array("Subject: x\r\n\r\n.dot\r\n..two\r\n".utf8)
    for number in 1...2 {
      let outcomes = await pair.send(envelope, content: content)
      let reply = SMTPReply(250, EnhancedStatusCode("2.0.0"), "Ok: queued as \(number)")
      #expect(outcomes == [.accepted(reply), .accepted(reply)])
    }
    await pair.quit()
    #expect(pair.failure == nil)
    #expect(pair.server.isClosed)
    #expect(policy.record.messages.map(\.content) == [content, content])
    #expect(policy.record.messages.first?.request.protocolKeyword == "ESMTPSA")
  }

  @Test func refusalsReachTheRecipientsThatTheyConcern() async throws {
    var script = RecordingPolicy.Script()
    let refusal = SMTPReply(550, EnhancedStatusCode("5.1.1"), "No such mailbox")
    script.recipients["b@example.org"] = refusal
    let (pair, policy) = try pair(script: script)
    #expect(await pair.connect())
    let outcomes = await pair.send(envelope, content: Array("x: y\r\n".utf8))
    #expect(outcomes.first == .refused(refusal, at: .recipient))
    #expect(policy.record.messages.first?.request.envelope.recipients.map(\.path.description) == ["c@example.org"])
  }

  @Test func wrongPasswordsEndInAFailure() async throws {
    let (pair, _) = try pair(password: "wrong")
    #expect(!(await pair.connect()))
    #expect(pair.failure?.stage == .authentication)
  }
}
