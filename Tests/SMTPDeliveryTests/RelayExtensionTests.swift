import DeliveryQueue
import MailModel
import SMTPProtocol
import Testing

@testable import SMTPDelivery

/// What a sender asks of the whole way, as the next host hears it.
@Suite("What the relay transport passes on", .timeLimit(.minutes(10)))
struct RelayExtensionTests {
  private static let plain = OctetsContent("Subject: x\r\n\r\nbye\r\n")
  private static let eightBitBody = OctetsContent("Subject: x\r\n\r\n\u{fc}\r\n")
  private static let eightBitHeader = OctetsContent("Subject: \u{fc}\r\n\r\nbye\r\n")
  private static let queued = DeliveryOutcome.delivered(DeliveryReply(code: 250, text: "250 2.0.0 queued as 17"))

  private func claim(
    to recipients: [String] = ["b@example.org"], content: OctetsContent = plain,
    _ change: (inout MessageParameters) -> Void = { _ in }
  ) throws -> Claim {
    var claim = try Claim.test(content: content)
    claim.recipients = try recipients.enumerated().map {
      ClaimedRecipient(index: $0.offset, path: try #require(ForwardPath($0.element)), attempts: 0)
    }
    change(&claim.parameters)
    return claim
  }

  /// A message that asks for everything, for two recipients who ask for different things.
  private func demandingClaim() throws -> Claim {
    var claim = try claim(to: ["b@example.org", "j\u{f6}rg@example.org"], content: Self.eightBitHeader) {
      $0.bodyType = .eightBitMIME
      $0.isInternationalized = true
      $0.returnedContent = .headers
      $0.envelopeID = EnvelopeID("an ID")
      $0.priority = TransferPriority(-4)
    }
    claim.recipients[0].parameters = RecipientParameters(
      notifications: [.success, .delay],
      originalRecipient: OriginalRecipient(addressType: "rfc822", address: "x+y@z.example"))
    claim.recipients[1].parameters = RecipientParameters(notifications: .never)
    return claim
  }

  @Test func everythingGoesToAHostThatOffersIt() async throws {
    let everything = ["PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "MT-PRIORITY"]
    try await ScriptedServer.run(ScriptedServer.polite(everything)) { server in
      let transport = try RelayTransport(.test(server.endpoint))
      let report = await transport.deliver(try demandingClaim(), content: Self.eightBitHeader)
      #expect(report.outcomes == [Self.queued, Self.queued])
      let commands = server.record.commands.map { $0.split(separator: " ").map(String.init) }
      let sender = try #require(commands.first { $0.first == "MAIL" })
      #expect(sender[1] == "FROM:<a@example.com>")
      #expect(Set(sender.dropFirst(2)) == ["BODY=8BITMIME", "SMTPUTF8", "RET=HDRS", "ENVID=an+20ID", "MT-PRIORITY=-4"])
      let recipients = commands.filter { $0.first == "RCPT" }
      #expect(recipients.map { $0[1] } == ["TO:<b@example.org>", "TO:<j\u{f6}rg@example.org>"])
      #expect(Set(recipients[0].dropFirst(2)) == ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;x+2By@z.example"])
      #expect(Set(recipients[1].dropFirst(2)) == ["NOTIFY=NEVER"])
    }
  }

  /// Whoever promised more than this transport does makes the reports.
  @Test func whatIsToBeReportedIsNotSaidToAHostWithoutDSN() async throws {
    try await ScriptedServer.run(ScriptedServer.polite(["8BITMIME", "SMTPUTF8"])) { server in
      let transport = try RelayTransport(.test(server.endpoint))
      #expect(transport.extensions == [.eightBitMIME, .smtpUTF8, .transferPriorities])
      let report = await transport.deliver(try demandingClaim(), content: Self.eightBitHeader)
      #expect(report.outcomes == [Self.queued, Self.queued])
      #expect(
        !server.record.commands.contains {
          $0.contains("RET=") || $0.contains("ENVID=") || $0.contains("NOTIFY=") || $0.contains("PRIORITY")
        })
      #expect(server.record.commands.contains("RCPT TO:<b@example.org>"))
    }
  }

  // MARK: 8BITMIME

  @Test func eightBitContentForAHostThatTakesNone() async throws {
    try await ScriptedServer.run(ScriptedServer.polite([])) { server in
      let report = try await RelayTransport.send(
        Self.eightBitBody, to: "b@example.org", body: .eightBitMIME, by: .test(server.endpoint))
      #expect(report.outcomes.map(\.reply.text).first?.hasPrefix("5.6.3 ") == true)
      #expect(report.outcomes.first?.isDeferred == false)
      #expect(!server.record.commands.contains { $0.hasPrefix("MAIL") })
    }
  }

  /// Clients declare 8BITMIME whatever they send.
  @Test func whatIsDeclaredEightBitAndIsNotGoesAnywhere() async throws {
    try await ScriptedServer.run(ScriptedServer.polite([])) { server in
      let report = try await RelayTransport.send(
        Self.plain, to: "b@example.org", body: .eightBitMIME, by: .test(server.endpoint))
      #expect(report.outcomes == [Self.queued])
      #expect(server.record.commands.contains("MAIL FROM:<a@example.com>"))
    }
  }

  /// What a host that refused EHLO could do is not known: that is no reason to give a message back.
  @Test func eightBitContentForAHostThatRefusesEHLO() async throws {
    let script = ScriptedServer.polite { $0.hasPrefix("EHLO") ? .say("502 5.5.1 what?") : nil }
    try await ScriptedServer.run(script) { server in
      let transport = try RelayTransport(.test(server.endpoint))
      let eightBit = try Claim.test(to: "b@example.org", body: .eightBitMIME, content: Self.eightBitBody)
      let report = await transport.deliver(eightBit, content: Self.eightBitBody)
      #expect(report.outcomes == [.deferred(DeliveryReply(code: 502, text: "502 5.5.1 what?"))])
      #expect(report.hostProblem == "\(server.endpoint) answered EHLO with 502 5.5.1 what?")
      #expect(!server.record.commands.contains { $0.hasPrefix("MAIL") })

      for body in [BodyType.sevenBit, .eightBitMIME] {
        let sevenBit = try Claim.test(to: "b@example.org", body: body, content: Self.plain)
        let other = await transport.deliver(sevenBit, content: Self.plain)
        #expect(other.outcomes == [Self.queued])
        #expect(other.hostProblem == nil)
      }
    }
  }

  @Test(arguments: [true, false])
  func contentThatCannotBeLookedAtDefers(throwsError: Bool) async throws {
    try await ScriptedServer.run(ScriptedServer.polite([])) { server in
      let report = try await RelayTransport.send(
        BrokenContent(good: 100_000, throwsError: throwsError), to: "b@example.org", body: .eightBitMIME,
        by: .test(server.endpoint))
      #expect(report.isDeferred)
      let reason = throwsError ? "damaged: bad sector" : "shorter than it should be"
      #expect(report.outcomes.first?.reply.text.contains(reason) == true)
    }
  }

  // MARK: SMTPUTF8

  @Test(arguments: [
    (eightBitHeader, ["5.6.9 ", "5.6.9 "]), (eightBitBody, ["5.6.9 ", "5.6.9 "]),
    (plain, ["250 2.0.0 ", "5.6.7 "]),
  ])
  func internationalMailForAHostThatTakesNone(content: OctetsContent, replies: [String]) async throws {
    try await ScriptedServer.run(ScriptedServer.polite(["8BITMIME"])) { server in
      let claim = try claim(to: ["b@example.org", "j\u{f6}rg@example.org"], content: content) {
        $0.bodyType = .eightBitMIME
        $0.isInternationalized = true
      }
      let report = await (try RelayTransport(.test(server.endpoint))).deliver(claim, content: content)
      #expect(report.outcomes.allSatisfy { !$0.isDeferred })
      for (outcome, reply) in zip(report.outcomes, replies) { #expect(outcome.reply.text.hasPrefix(reply)) }
      #expect(!server.record.commands.contains { $0.contains("SMTPUTF8") || $0.utf8.contains { $0 >= 0x80 } })
    }
  }

  @Test(arguments: [
    ("", true), ("a\r\n\r\n\u{7f}", true), ("\u{80}", false), ("a\r\n\r\n\u{fc}", false),
    (String(repeating: "x", count: 65_536), true), (String(repeating: "x", count: 65_535) + "\u{fc}", false),
    (String(repeating: "x", count: 65_536) + "\u{fc}", false),
  ])
  func isASCII(content: String, expected: Bool) async throws {
    #expect(try await OctetsContent(content).isASCII() == expected)
  }

  // MARK: CHUNKING

  @Test(arguments: [0, 1, 65_534, 65_536, 65_538, 300_000])
  func contentInChunks(length: Int) async throws {
    try await ScriptedServer.run(ScriptedServer.polite(["PIPELINING", "CHUNKING"])) { server in
      let lines = String(repeating: String(repeating: "x", count: 62) + "\r\n", count: length / 64)
      let content = OctetsContent(lines + String(repeating: "y", count: length % 64))
      let report = try await RelayTransport.send(
        content, to: "b@example.org", "c@example.org", by: .test(server.endpoint) { $0.client.usesChunking = true })
      #expect(report.outcomes == [Self.queued, Self.queued])
      let end = length % 64 == 0 ? "" : "\r\n"
      #expect(server.record.contents == [String(decoding: content.octets, as: UTF8.self) + end])
      let commands = server.record.commands
      #expect(!commands.contains("DATA"))
      #expect(commands.filter { $0.hasPrefix("BDAT ") }.count == length / 65_536 + (length % 65_536 >= 8_192 ? 2 : 1))
    }
  }

  // MARK: LIMITS

  private static let five = (1...5).map { "r\($0)@example.org" }

  @Test func aHostThatTakesFewRecipientsAtATimeGetsSeveralTransactions() async throws {
    let script = ScriptedServer.polite(["PIPELINING", "LIMITS RCPTMAX=2"]) {
      $0 == "RCPT TO:<r3@example.org>" ? .say("550 5.1.1 nobody") : nil
    }
    try await ScriptedServer.run(script) { server in
      let claim = try claim(to: Self.five)
      let report = await (try RelayTransport(.test(server.endpoint))).deliver(claim, content: Self.plain)
      var expected = Array(repeating: Self.queued, count: 5)
      expected[2] = .failed(DeliveryReply(code: 550, text: "550 5.1.1 nobody"))
      #expect(report.outcomes == expected)
      #expect(server.record.connections == 1)
      let words = server.record.commands.map { $0.prefix(4) }.filter { $0 != "QUIT" }  // which we do not wait for
      #expect(
        words == [
          "EHLO", "MAIL", "RCPT", "RCPT", "DATA", "MAIL", "RCPT", "RCPT", "DATA", "MAIL", "RCPT", "DATA",
        ])
    }
  }

  @Test func whoHasNoPlaceInTheSessionGetsAnother() async throws {
    try await ScriptedServer.run(ScriptedServer.polite(["LIMITS RCPTMAX=2 MAILMAX=2"])) { server in
      let claim = try claim(to: Self.five)
      let report = await (try RelayTransport(.test(server.endpoint))).deliver(claim, content: Self.plain)
      #expect(report.outcomes == Array(repeating: Self.queued, count: 5))
      #expect(server.record.connections == 2)
    }
  }

  /// Ten sessions are enough for one attempt.
  @Test(arguments: [1, 2, 9, 10, 11, 12])
  func aHostThatTakesOneRecipientInASession(recipients: Int) async throws {
    try await ScriptedServer.run(ScriptedServer.polite(["PIPELINING", "LIMITS RCPTMAX=1 MAILMAX=1"])) { server in
      let claim = try claim(to: (1...recipients).map { "r\($0)@example.org" })
      let report = await (try RelayTransport(.test(server.endpoint))).deliver(claim, content: Self.plain)
      let delivered = min(recipients, 10)
      #expect(report.outcomes.prefix(10) == Array(repeating: Self.queued, count: delivered)[...])
      #expect(report.outcomes.count == recipients && report.outcomes.dropFirst(10).allSatisfy { $0.isDeferred })
      #expect(server.record.connections == delivered)
    }
  }

  /// A session that brings nothing is the last one.
  @Test func aHostThatIsGoneAfterTheFirstSession() async throws {
    let polite = ScriptedServer.polite(["LIMITS RCPTMAX=1 MAILMAX=1"])
    try await ScriptedServer.run({ event, connection in connection > 1 ? .drop : polite(event, connection) }) {
      server in
      let claim = try claim(to: Self.five)
      let report = await (try RelayTransport(.test(server.endpoint))).deliver(claim, content: Self.plain)
      #expect(report.outcomes.first == Self.queued)
      #expect(report.outcomes.count == 5 && report.outcomes.dropFirst().allSatisfy { $0.isDeferred })
      #expect(server.record.connections == 2)
    }
  }

  @Test func whatWasDeliveredStaysSoWhenALaterTransactionBreaks() async throws {
    let script = ScriptedServer.polite(["LIMITS RCPTMAX=2"]) { $0 == "RCPT TO:<r3@example.org>" ? .drop : nil }
    try await ScriptedServer.run(script) { server in
      let claim = try claim(to: Self.five)
      let report = await (try RelayTransport(.test(server.endpoint))).deliver(claim, content: Self.plain)
      #expect(report.outcomes.prefix(2) == [Self.queued, Self.queued])
      #expect(report.outcomes.dropFirst(2).allSatisfy { $0.isDeferred })
      #expect(report.outcomes.count == 5)
    }
  }
}
