import DeliveryQueue
import MailModel
import NIOCore
import NIOPosix
import SMTPProtocol
import Synchronization
import Testing

@testable import SMTPDelivery

@Suite("The relay transport", .timeLimit(.minutes(10)))
struct RelayTransportTests {
  private static let content = OctetsContent("Subject: x\r\n\r\n.dot\r\nbye\r\n")

  @Test func deliversToTheOctet() async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { server in
      let report = try await RelayTransport.send(
        Self.content, to: "b@example.org", "c@example.org", by: .test(server.endpoint))
      let reply = DeliveryReply(code: 250, text: "250 2.0.0 queued as 17")
      #expect(report.outcomes == [.delivered(reply), .delivered(reply)])
      #expect(report.hostProblem == nil)
      #expect(server.record.contents == ["Subject: x\r\n\r\n..dot\r\nbye"])
      #expect(
        server.record.commands.prefix(5) == [
          "EHLO client.example", "MAIL FROM:<a@example.com> SIZE=\(Self.content.count)", "RCPT TO:<b@example.org>",
          "RCPT TO:<c@example.org>", "DATA",
        ])
    }
  }

  /// A name may have several addresses of which one alone answers, as loopback's IPv6 does not here.
  @Test func aNameIsLookedUp() async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { server in
      let relay = try #require(RelayEndpoint("localhost:\(server.endpoint.port)"))
      let report = try await RelayTransport.send(Self.content, to: "b@example.org", by: .test(relay))
      #expect(report.outcomes == [.delivered(DeliveryReply(code: 250, text: "250 2.0.0 queued as 17"))])
    }
  }

  @Test func eachRecipientHasItsOwnOutcome() async throws {
    let script = ScriptedServer.polite { event in
      switch event {
      case "RCPT TO:<b@example.org>": .say("550-5.1.1 nobody\r\n550 5.1.1 of that name")
      case "RCPT TO:<c@example.org>": .say("452 4.2.2 full")
      default: nil
      }
    }
    try await ScriptedServer.run(script) { server in
      let report = try await RelayTransport.send(
        Self.content, to: "b@example.org", "c@example.org", "d@example.org", by: .test(server.endpoint))
      #expect(
        report.outcomes == [
          .failed(DeliveryReply(code: 550, text: "550 5.1.1 nobody of that name")),
          .deferred(DeliveryReply(code: 452, text: "452 4.2.2 full")),
          .delivered(DeliveryReply(code: 250, text: "250 2.0.0 queued as 17")),
        ])
      #expect(report.hostProblem == nil)
    }
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var event: String
    var reply: String
    var isFinal: Bool
    var isHostProblem: Bool
    /// What of the reply may be said in a log: from MAIL on the codes alone.
    var loggable: String {
      if event.isEmpty || event.hasPrefix("LO") { return reply }
      return reply.split(separator: " ").prefix { $0.first?.isNumber == true }.joined(separator: " ")
    }
    var testDescription: String { "\(event.isEmpty ? "greeting" : event): \(reply)" }
  }

  @Test(arguments: [
    Refusal(event: "", reply: "554 5.3.2 no SMTP here", isFinal: false, isHostProblem: true),
    Refusal(event: "", reply: "421 4.3.2 busy", isFinal: false, isHostProblem: false),
    Refusal(event: "LO client.example", reply: "550 5.7.1 go away", isFinal: false, isHostProblem: true),
    Refusal(event: "LO client.example", reply: "502 5.5.1 what?", isFinal: false, isHostProblem: true),
    Refusal(event: "LO client.example", reply: "451 4.3.0 later", isFinal: false, isHostProblem: false),
    Refusal(event: "MAIL", reply: "550 5.7.1 not you", isFinal: true, isHostProblem: false),
    Refusal(event: "MAIL", reply: "530 5.7.0 AUTH first", isFinal: false, isHostProblem: true),
    Refusal(event: "MAIL", reply: "452 4.3.1 full", isFinal: false, isHostProblem: false),
    Refusal(event: "RCPT", reply: "550 5.1.1 nobody", isFinal: true, isHostProblem: false),
    Refusal(event: "RCPT", reply: "530 5.7.0 b@example.org needs AUTH", isFinal: false, isHostProblem: true),
    Refusal(event: "RCPT", reply: "535 b@example.org needs AUTH", isFinal: false, isHostProblem: true),
    Refusal(event: "RCPT", reply: "450 4.2.0 greylisted", isFinal: false, isHostProblem: false),
    Refusal(event: "DATA", reply: "554 5.3.0 no", isFinal: true, isHostProblem: false),
    Refusal(event: "DATA", reply: "530 5.7.0 a@example.com needs AUTH", isFinal: false, isHostProblem: true),
    Refusal(event: "DATA", reply: "535 5.7.8 no", isFinal: false, isHostProblem: true),
    Refusal(event: ".", reply: "530 5.7.0 a@example.com needs AUTH", isFinal: false, isHostProblem: true),
    Refusal(event: ".", reply: "535 5.7.8 no", isFinal: false, isHostProblem: true),
    Refusal(event: ".", reply: "554 5.7.1 spam", isFinal: true, isHostProblem: false),
    Refusal(event: ".", reply: "451 4.3.0 disk", isFinal: false, isHostProblem: false),
    Refusal(event: ".", reply: "421 4.3.2 going", isFinal: false, isHostProblem: false),
  ])
  func refusals(_ refusal: Refusal) async throws {
    let script = ScriptedServer.polite { event in
      guard
        refusal.event.isEmpty ? event.isEmpty : event.hasPrefix(refusal.event) || event.dropFirst(2) == refusal.event
      else { return nil }
      return .say(refusal.reply)
    }
    try await ScriptedServer.run(script) { server in
      let report = try await RelayTransport.send(
        Self.content, to: "b@example.org", "c@example.org", by: .test(server.endpoint))
      let reply = DeliveryReply(code: UInt16(refusal.reply.prefix(3)) ?? 0, text: refusal.reply)
      let outcome = refusal.isFinal ? DeliveryOutcome.failed(reply) : .deferred(reply)
      #expect(report.outcomes == [outcome, outcome])
      #expect((report.hostProblem != nil) == refusal.isHostProblem)
      if let problem = report.hostProblem {
        #expect(problem.hasPrefix("\(server.endpoint) ") && problem.hasSuffix("with \(refusal.loggable)"))
      }
    }
  }

  @Test(arguments: [
    Refusal(event: "DATA", reply: "552 5.3.4 too large", isFinal: true, isHostProblem: false),
    Refusal(event: "DATA", reply: "452 4.3.1 full", isFinal: false, isHostProblem: false),
    Refusal(event: "DATA", reply: "530 5.7.0 a@example.com needs AUTH", isFinal: false, isHostProblem: true),
  ])
  func aRefusalWhileContentIsOnItsWay(_ refusal: Refusal) async throws {
    let script = ScriptedServer.polite { $0 == "DATA" ? .sayExactly("354 go\r\n\(refusal.reply)\r\n") : nil }
    try await ScriptedServer.run(script) { server in
      let report = try await RelayTransport.send(
        Self.content, to: "b@example.org", "c@example.org", by: .test(server.endpoint))
      let reply = DeliveryReply(code: UInt16(refusal.reply.prefix(3)) ?? 0, text: refusal.reply)
      let outcome = refusal.isFinal ? DeliveryOutcome.failed(reply) : .deferred(reply)
      #expect(report.outcomes == [outcome, outcome])
      let problem = "\(server.endpoint) answered content with \(refusal.loggable)"
      #expect(report.hostProblem == (refusal.isHostProblem ? problem : nil))
    }
  }

  @Test func aReplyOutOfPlaceIsNotQuoted() async throws {
    try await ScriptedServer.run(ScriptedServer.polite { $0.hasPrefix("RCPT") ? .say("354 b@example.org?") : nil }) {
      server in
      let report = try await RelayTransport.send(Self.content, to: "b@example.org", by: .test(server.endpoint))
      #expect(report.isDeferred)
      #expect(report.hostProblem == "\(server.endpoint) broke the protocol at RCPT: unexpected reply 354")
    }
  }

  // MARK: Connections that break

  @Test func whatComesBehindTheEndOfASessionIsNotKept() async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { server in
      let configuration = try RelayConfiguration.test(server.endpoint)
      let connector = RelayConnector(
        configuration: configuration, tls: nil, group: MultiThreadedEventLoopGroup.singleton)
      let connection = try await connector.connect(configuration.client)
      #expect(await connection.ready() == .ready)
      await connection.abandon("enough")
      for _ in 0..<10 {
        await connection.received(ByteBuffer(string: "250 ok\r\n"))
        await connection.failed(ChannelError.ioOnClosedChannel)
        await connection.closed()
      }
      #expect(await connection.news == [.failed(ClientFailure(.abandoned("enough"), at: .idle), [])])
    }
  }

  @Test func aDropAfterTheLastDotLeavesTheOutcomeUnknown() async throws {
    try await ScriptedServer.run(ScriptedServer.polite { $0 == "." ? .drop : nil }) { server in
      let report = try await RelayTransport.send(Self.content, to: "b@example.org", by: .test(server.endpoint))
      let outcome = try #require(report.outcomes.first)
      #expect(outcome.isDeferred)
      #expect(outcome.reply.text.hasPrefix("\(server.endpoint) was lost at end of content"))
      #expect(outcome.reply.text.hasSuffix("whether it took the message is unknown"))
      #expect(server.record.contents.count == 1)
    }
  }

  @Test(arguments: ["", "EHLO client.example", "MAIL FROM:<a@example.com> SIZE=25", "DATA"])
  func aDropDefers(_ where: String) async throws {
    try await ScriptedServer.run(ScriptedServer.polite { $0 == `where` ? .drop : nil }) { server in
      let report = try await RelayTransport.send(
        Self.content, to: "b@example.org", "c@example.org", by: .test(server.endpoint))
      #expect(report.outcomes.count == 2)
      #expect(report.outcomes.allSatisfy { $0.isDeferred && $0.reply.text.contains("was lost at") })
      #expect(report.hostProblem == nil)
    }
  }

  @Test func deliveredStaysDeliveredWhenTheConnectionBreaksAtOnce() async throws {
    try await ScriptedServer.run(ScriptedServer.polite { $0 == "." ? .sayExactly("250 ok\r\n421 4.3.2 bye\r\n") : nil })
    { server in
      let report = try await RelayTransport.send(Self.content, to: "b@example.org", by: .test(server.endpoint))
      #expect(report.outcomes == [.delivered(DeliveryReply(code: 250, text: "250 ok"))])
    }
  }

  @Test func whoTalksNoSMTPIsAHostProblem() async throws {
    try await ScriptedServer.run({ _, _ in .say("SSH-2.0-OpenSSH_9.2") }) { server in
      let report = try await RelayTransport.send(Self.content, to: "b@example.org", by: .test(server.endpoint))
      #expect(report.isDeferred)
      #expect(report.hostProblem?.contains("broke the protocol at greeting") == true)
    }
  }

  @Test func nobodyListens() async throws {
    let port = try ReservedPort()
    defer { port.release() }
    let endpoint = try port.endpoint
    let report = try await RelayTransport.send(Self.content, to: "b@example.org", by: .test(endpoint))
    let outcome = try #require(report.outcomes.first)
    #expect(outcome.isDeferred)
    #expect(outcome.reply.text.hasPrefix("Cannot connect to \(endpoint): "))
    #expect(outcome.reply.text.contains("refused"))
  }

  // MARK: Time and back-pressure

  @Test func aHostThatSaysNothingTimesOut() async throws {
    try await ScriptedServer.run({ _, _ in .keepSilent }) { server in
      let report = try await RelayTransport.send(
        Self.content, to: "b@example.org",
        by: .test(server.endpoint) { $0.client.limits.greetingTimeout = .milliseconds(50) })
      #expect(
        report.outcomes == [.deferred(DeliveryReply(problem: "\(server.endpoint) took too long at greeting"))])
    }
  }

  @Test func contentWaitsForAHostThatDoesNotRead() async throws {
    let content = EndlessContent()
    try await ScriptedServer.run(ScriptedServer.polite { $0 == "DATA" ? .goDeaf("354 go") : nil }) { server in
      let report = try await RelayTransport.send(
        content, to: "b@example.org",
        by: .test(server.endpoint) { $0.client.limits.dataBlockTimeout = .milliseconds(300) })
      #expect(report.outcomes == [.deferred(DeliveryReply(problem: "\(server.endpoint) took too long at content"))])
      #expect(content.largestRead == 65_536)
      // What the kernel's buffers hold, and one part more.
      #expect(content.octetsRead < 32 * 1024 * 1024)
    }
  }

  @Test(arguments: ["", "EHLO client.example", "DATA", "."])
  func cancellationEndsADelivery(_ where: String) async throws {
    let (reached, reach) = AsyncStream<Void>.makeStream()
    let script = ScriptedServer.polite { event in
      guard event == `where` else { return nil }
      reach.yield()
      return .keepSilent
    }
    try await ScriptedServer.run(script) { server in
      let configuration = try RelayConfiguration.test(server.endpoint)
      let delivery = Task {
        try await RelayTransport.send(Self.content, to: "b@example.org", "c@example.org", by: configuration)
      }
      for await _ in reached { break }
      delivery.cancel()
      let report = try await delivery.value
      #expect(report.outcomes.count == 2)
      #expect(report.outcomes.allSatisfy { $0.isDeferred && $0.reply.text.contains("the delivery was cancelled") })
      #expect(report.hostProblem == nil)
    }
  }

  @Test func aDeliveryThatIsCancelledBeforehandDoesNotBegin() async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { server in
      let configuration = try RelayConfiguration.test(server.endpoint)
      let (cancelled, cancel) = AsyncStream<Void>.makeStream()
      let delivery = Task {
        for await _ in cancelled {}
        return try await RelayTransport.send(Self.content, to: "b@example.org", by: configuration)
      }
      delivery.cancel()
      cancel.finish()
      let report = try await delivery.value
      #expect(report.isDeferred)
      #expect(server.record.connections == 0)
    }
  }

  // MARK: Content

  @Test(arguments: [true, false], [0, 10, 65_536, 200_000])
  func contentThatCannotBeReadIsNeverCompleted(_ throwsError: Bool, _ good: Int) async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { server in
      let report = try await RelayTransport.send(
        BrokenContent(good: good, throwsError: throwsError), to: "b@example.org", by: .test(server.endpoint))
      let outcome = try #require(report.outcomes.first)
      #expect(outcome.isDeferred)
      #expect(outcome.reply.text.contains(throwsError ? "damaged: bad sector" : "shorter than it should be"))
      #expect(server.record.contents.isEmpty)
    }
  }

  @Test func contentWithABareLineFeedIsRefusedAndNeverCompleted() async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { server in
      let content = OctetsContent("Subject: x\r\n\r\na\n.\r\nMAIL FROM:<x@example.net>\r\n")
      let report = try await RelayTransport.send(content, to: "b@example.org", by: .test(server.endpoint))
      let outcome = try #require(report.outcomes.first)
      #expect(!outcome.isDeferred && outcome.reply.text.hasPrefix("5.6.0 "))
      #expect(server.record.contents.isEmpty)
    }
  }
}
