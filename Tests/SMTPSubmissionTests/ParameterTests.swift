import DeliveryQueue
import MailModel
import SMTPProtocol
import SMTPProtocolTesting
import SMTPSubmission
import SMTPTesting
import Testing

/// What a sender asks of the whole way, from the policy to the queue.
@Suite struct ParameterTests {
  private func request(
    to recipients: [Recipient] = [], _ change: (inout MessageParameters) -> Void = { _ in }
  ) throws -> MessageRequest {
    let someone = Recipient(try #require(ForwardPath("b@example.org")))
    var envelope = Envelope(
      reversePath: try #require(ReversePath("a@example.com")), recipients: recipients.isEmpty ? [someone] : recipients)
    change(&envelope.parameters)
    return MessageRequest(envelope: envelope, protocolKeyword: "ESMTPSA")
  }

  // MARK: What is offered

  private static let promises: [(MailExtensions, MailExtensions)] = [
    (.all, [.eightBitMIME, .smtpUTF8, .transferPriorities]), (.transferPriorities, .transferPriorities),
    (.eightBitMIME, .eightBitMIME), (.smtpUTF8, .smtpUTF8),
    (.deliveryStatusNotifications, []), ([], []),
  ]

  @Test(arguments: promises)
  func theTransportDecidesWhatIsOffered(promised: MailExtensions, offered: MailExtensions) async throws {
    let transport = RecordingTransport(extensions: promised)
    // What the configuration says is about another process's delivery.
    let deployment = try await Deployment(transport: transport, change: { $0.deliveryExtensions = .all })
    #expect(try await deployment.policySession().extensions == offered)
  }

  @Test(arguments: [[], [.eightBitMIME], .all] as [MailExtensions])
  func whereAnotherProcessDeliversTheConfigurationDecides(promised: MailExtensions) async throws {
    let deployment = try await Deployment(change: { $0.deliveryExtensions = promised })
    #expect(try await deployment.policySession().extensions == promised)
  }

  @Test func nothingIsPromisedForADeliveryThatNobodyKnows() async throws {
    #expect(try await Deployment().policySession().extensions == [])
  }

  // MARK: What is queued

  @Test func whatIsAskedIsQueued() async throws {
    var recipients = [
      Recipient(try #require(ForwardPath("b@example.org"))), Recipient(try #require(ForwardPath("c@example.org"))),
      Recipient(.postmaster),
    ]
    recipients[0].parameters.notifications = .never
    recipients[1].parameters = RecipientParameters(
      notifications: [.success, .delay],
      originalRecipient: OriginalRecipient(addressType: "rfc822", address: "x@y.example"))
    let request = try request(to: recipients) {
      $0.bodyType = .eightBitMIME
      $0.isInternationalized = true
      $0.returnedContent = .headers
      $0.envelopeID = EnvelopeID("an ID of theirs")
      $0.priority = TransferPriority(-4)
    }
    let claim = try await Deployment().queue(request, content: "Subject: x\r\n\r\nbody\r\n")
    #expect(claim.parameters == request.envelope.parameters)
    #expect(claim.recipients.map { Recipient($0.path, parameters: $0.parameters) } == recipients)
  }

  /// RFC 4954 §5: no customer is trusted to say who else submitted a message.
  @Test(arguments: [(nil, nil), ("", ""), ("boss@example.org", ""), ("a@example.com", "")] as [(String?, String?)])
  func whoIsClaimedToSubmitIsNotBelieved(claimed: String?, queued: String?) async throws {
    let claim = try await Deployment().queue(
      try request { $0.submitter = claimed.flatMap { ReversePath($0) } }, content: "Subject: x\r\n")
    #expect(claim.parameters.submitter?.description == queued)
  }

  @Test(arguments: [
    ("Subject: x\r\n\r\nplain\r\n", BodyType.sevenBit, BodyType.sevenBit),
    ("Subject: x\r\n\r\nplain \u{7f}\r\n", .sevenBit, .sevenBit),
    ("Subject: x\r\n\r\n\u{e9}\r\n", .sevenBit, .eightBitMIME),
    ("Subject: \u{e9}\r\n\r\nplain\r\n", .sevenBit, .eightBitMIME),
    ("Subject: x\r\n\r\nplain\r\n", .eightBitMIME, .eightBitMIME),
    ("Subject: x\r\n\r\n" + String(repeating: "a line\r\n", count: 1000) + "\u{e9}\r\n", .sevenBit, .eightBitMIME),
  ])
  func whatHoldsEightBitsCountsAs8BITMIME(content: String, declared: BodyType, queued: BodyType) async throws {
    let deployment = try await Deployment(change: { $0.intake.memoryPerMessage = 1000 })
    let claim = try await deployment.queue(try request { $0.bodyType = declared }, content: content)
    #expect(claim.parameters.bodyType == queued)
    #expect(try await deployment.content(of: claim.id).hasSuffix(content))
  }

  // MARK: What Received says

  @Test(arguments: [true, false])
  func receivedHoldsUTF8OnlyInAMessageThatAskedForIt(isInternationalized: Bool) async throws {
    let address = "j\u{f6}rg@example.org"
    let request = try request(to: [Recipient(try #require(ForwardPath(address)))]) {
      $0.isInternationalized = isInternationalized
    }
    let deployment = try await Deployment()
    let claim = try await deployment.queue(request, content: "Subject: x\r\n")
    let content = try await deployment.content(of: claim.id)
    #expect(content.contains("for <\(address)>;") == isInternationalized)
    #expect(content.utf8.contains { $0 >= 0x80 } == isInternationalized)
  }

  @Test(arguments: [(nil, " for <b@example.org>; "), (0, " PRIORITY 0; "), (-4, " PRIORITY -4; ")] as [(Int?, String)])
  func receivedHoldsThePriorityThatWasAsked(level: Int?, expected: String) async throws {
    let request = try request { $0.priority = level.flatMap { TransferPriority($0) } }
    let deployment = try await Deployment()
    // The level that a field asks for is no parameter of MAIL.
    let claim = try await deployment.queue(request, content: "Priority: urgent\r\n\r\n")
    let content = try await deployment.content(of: claim.id).replacing(/\r\n[ \t]/, with: " ")
    #expect(content.contains(expected), "\(content)")
    #expect(content.contains("PRIORITY") == (level != nil))
  }

  // MARK: From the first line to the last

  @Test func aConversationThatAsksForEverything() async throws {
    let deployment = try await Deployment(change: { $0.deliveryExtensions = .all })
    let driver = try await deployment.session()
    let address = "j\u{f6}rg@example.org"
    let sender = "MAIL FROM:<a@example.com> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=an+20ID"
    #expect(await driver.send(sender + " MT-PRIORITY=4 AUTH=boss@example.org\r\n").hasPrefix("250 2.1.0 "))
    let recipient = "RCPT TO:<\(address)> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+2By@z.example\r\n"
    #expect(await driver.send(recipient).hasPrefix("250 2.1.5 "))
    #expect(await driver.send("DATA\r\n").hasPrefix("354 "))
    #expect(await driver.send("Subject: \u{fc}\r\n\r\nbody\r\n.\r\n").hasPrefix("250 2.0.0 "))

    let now = deployment.time.now()
    let request = ClaimRequest(limit: 1, now: now, leasedUntil: now + .seconds(60))
    let claim = try #require(try await deployment.memory.claim(request).claims.first)
    var parameters = MessageParameters(bodyType: .eightBitMIME)
    parameters.isInternationalized = true
    parameters.returnedContent = .headers
    parameters.envelopeID = EnvelopeID("an ID")
    parameters.priority = TransferPriority(4)
    parameters.submitter = .null
    #expect(claim.parameters == parameters)
    #expect(claim.recipients.map(\.path.description) == [address])
    let original = OriginalRecipient(addressType: "rfc822", address: "x+y@z.example")
    let asked = RecipientParameters(notifications: [.success, .delay], originalRecipient: original)
    #expect(claim.recipients.map(\.parameters) == [asked])
    let content = try await deployment.content(of: claim.id)
    #expect(content.contains("with UTF8SMTPSA (TLSv1.3) "))
    #expect(content.contains("for <\(address)>"))
    #expect(content.contains("PRIORITY 4;"))
  }

  @Test(arguments: [true, false])
  func ehloOffersWhatIsKept(hasDelivery: Bool) async throws {
    let deployment = try await Deployment(transport: hasDelivery ? RecordingTransport() : nil)
    let driver = try deployment.connection()
    _ = await driver.connect()
    let offered = await driver.send("EHLO client.example.org\r\n").split(separator: "\r\n").map { $0.dropFirst(4) }
    #expect(offered.contains("8BITMIME") == hasDelivery)
    #expect(offered.contains("SMTPUTF8") == hasDelivery)
    #expect(offered.contains("MT-PRIORITY") == hasDelivery)
    #expect(!offered.contains("DSN"), "nobody makes reports")
  }
}
