import MailModel
import SMTPProtocol
import SMTPProtocolTesting
import Testing

/// Our client and our server use every extension with each other.
@Suite("Extensions, from our client to our server")
struct SessionPairExtensionTests {
  private let content = Array("Subject: x\r\n\r\n.dot\r\n..two\r\n".utf8)

  private func pair(
    script: RecordingPolicy.Script = .init(), server changeServer: (inout ServerConfiguration) -> Void = { _ in },
    client changeClient: (inout ClientConfiguration) -> Void = { _ in }
  ) throws -> (SessionPair<RecordingPolicy>, RecordingPolicy) {
    let (server, policy) = try server(script: script, change: changeServer)
    var configuration = ClientConfiguration(helloName: try #require(DomainName("client.example.org")))
    configuration.credentials = ClientCredentials(username: "username", password: "password")
    changeClient(&configuration)
    return (SessionPair(server: server, client: configuration), policy)
  }

  private func transaction(
    to recipients: [String] = ["b@example.org"], from sender: String = "a@example.com",
    change: (inout ClientTransaction) -> Void = { _ in }
  ) throws -> ClientTransaction {
    var transaction = ClientTransaction(
      envelope: Envelope(
        reversePath: try #require(ReversePath(sender)), recipients: try recipients.map { try #require(ForwardPath($0)) }
      ))
    change(&transaction)
    return transaction
  }

  /// What the client said after STARTTLS and AUTH.
  private func commands(of pair: SessionPair<RecordingPolicy>) -> [Substring] {
    let lines = String(decoding: pair.said, as: UTF8.self).split(separator: "\r\n")
    return Array(lines.drop { !$0.hasPrefix("AUTH ") }.dropFirst())
  }

  private func isAccepted(_ outcome: ClientOutcome?) -> Bool {
    if case .accepted = outcome { true } else { false }
  }

  @Test func startTLSAndAuthentication() async throws {
    let (pair, policy) = try pair()
    #expect(await pair.connect())
    #expect(isAccepted(await pair.send(try transaction(), content: content).first))
    let said = String(decoding: pair.said, as: UTF8.self)
    #expect(said.hasPrefix("EHLO client.example.org\r\nSTARTTLS\r\nEHLO client.example.org\r\nAUTH PLAIN "))
    let request = try #require(policy.record.messages.first).request
    #expect(request.identity == "username" && request.tls != nil && request.protocolKeyword == "ESMTPSA")
  }

  @Test(arguments: [1, 3, 50])
  func pipelining(_ recipients: Int) async throws {
    let (pair, policy) = try pair(client: { $0.pipelinesData = true })
    #expect(await pair.connect())
    let names = (0..<recipients).map { "user\($0)@example.org" }
    for _ in 1...3 {
      let outcomes = await pair.send(try transaction(to: names), content: content)
      #expect(outcomes.count == recipients && outcomes.allSatisfy { isAccepted($0) })
    }
    await pair.quit()
    #expect(pair.failure == nil)
    #expect(policy.record.messages.map(\.content) == [content, content, content])
    #expect(policy.record.messages.allSatisfy { $0.request.envelope.recipients.map(\.path.description) == names })
  }

  @Test func pipeliningToNobody() async throws {
    var script = RecordingPolicy.Script()
    let refusal = SMTPReply(550, EnhancedStatusCode("5.1.1"), "No such mailbox")
    script.recipients["b@example.org"] = refusal
    let (pair, policy) = try pair(script: script, client: { $0.pipelinesData = true })
    #expect(await pair.connect())
    #expect(await pair.send(try transaction(), content: content) == [.refused(refusal, at: .recipient)])
    #expect(isAccepted(await pair.send(try transaction(to: ["c@example.org"]), content: content).first))
    #expect(policy.record.messages.count == 1)
    #expect(commands(of: pair).contains("RSET"))
  }

  @Test func size() async throws {
    let (pair, policy) = try pair(server: { $0.limits.messageSize = 1_000 })
    #expect(await pair.connect())
    #expect(pair.capabilities.sizeLimit == 1_000)
    for (count, isTaken) in [(999, true), (1_000, true), (1_001, false)] {
      let body = [UInt8](repeating: 0x78, count: count - 2) + Array("\r\n".utf8)
      let outcome = await pair.send(try transaction { $0.size = count }, content: body).first
      if isTaken {
        #expect(isAccepted(outcome))
      } else {
        guard case .unsuitable(let code, _) = outcome else {
          Issue.record("\(String(describing: outcome))")
          continue
        }
        #expect("\(code)" == "5.3.4")
      }
    }
    #expect(policy.record.messages.map(\.request.declaredSize) == [999, 1_000])
    // Whoever does not say how much comes hears of it at the end.
    let outcome = await pair.send(try transaction(), content: [UInt8](repeating: 0x78, count: 2_000)).first
    guard case .refused(let reply, at: .endOfContent) = outcome else {
      Issue.record("\(String(describing: outcome))")
      return
    }
    #expect(reply.code == 552)
  }

  @Test func eightBitMIME() async throws {
    let body = Array("Subject: x\r\n\r\n".utf8) + [0xE9, 0xFF, 0x0D, 0x0A]
    let eightBit = try transaction { $0.envelope.parameters.bodyType = .eightBitMIME }
    let (pair, policy) = try pair()
    #expect(await pair.connect())
    #expect(isAccepted(await pair.send(eightBit, content: body).first))
    let message = try #require(policy.record.messages.first)
    #expect(message.content == body && message.request.envelope.parameters.bodyType == .eightBitMIME)

    let (without, _) = try self.pair(server: { $0.extensions = [] })
    #expect(await without.connect())
    guard case .unsuitable(let code, _) = await without.send(eightBit, content: body).first else {
      Issue.record("it was sent")
      return
    }
    #expect("\(code)" == "5.6.3")
  }

  @Test func smtpUTF8() async throws {
    let transaction = try transaction(to: ["bjørn@exämple.org", "c@example.org"], from: "jürgen@example.com") {
      $0.envelope.parameters.isInternationalized = true
      $0.envelope.parameters.bodyType = .eightBitMIME
    }
    let body = Array("Subject: grüße\r\n\r\nx\r\n".utf8)
    let (pair, policy) = try pair()
    #expect(await pair.connect())
    #expect(await pair.send(transaction, content: body).allSatisfy { isAccepted($0) })
    let message = try #require(policy.record.messages.first)
    #expect(message.content == body && message.request.envelope == transaction.envelope)
    #expect(message.request.envelope.recipients[0].path.description == "bjørn@xn--exmple-cua.org")

    // Without it only who can be named in US-ASCII is sent to, and only what is US-ASCII.
    let (without, kept) = try self.pair(server: { $0.extensions = .eightBitMIME })
    #expect(await without.connect())
    var plain = try self.transaction(to: ["bjørn@example.org", "c@example.org"])
    plain.isASCII = true
    let outcomes = await without.send(plain, content: content)
    guard case .unsuitable(let code, _) = outcomes.first else {
      Issue.record("\(outcomes)")
      return
    }
    #expect("\(code)" == "5.6.7" && isAccepted(outcomes.last))
    #expect(kept.record.messages.first?.request.envelope.recipients.map(\.path.description) == ["c@example.org"])
  }

  @Test(arguments: [1, 2, 3, 7, 26, 27, 28, 65_536], [false, true])
  func chunking(_ pieceSize: Int, _ readsBetweenPieces: Bool) async throws {
    let (pair, policy) = try pair(client: { $0.usesChunking = true })
    (pair.pieceSize, pair.readsBetweenPieces) = (pieceSize, readsBetweenPieces)
    #expect(await pair.connect())
    for _ in 1...2 { #expect(isAccepted(await pair.send(try transaction(), content: content).first)) }
    await pair.quit()
    #expect(pair.failure == nil)
    #expect(policy.record.messages.map(\.content) == [content, content])
    #expect(!commands(of: pair).contains("DATA") && commands(of: pair).contains("BDAT 27 LAST"))
  }

  /// A server refuses whoever sends many chunks that are hardly worth their command.
  @Test(arguments: [1, 100, 1_000, 1_024, 8_192, 65_536], [false, true])
  func chunkingInPieces(_ pieceSize: Int, _ readsBetweenPieces: Bool) async throws {
    let (pair, policy) = try pair(client: { $0.usesChunking = true })
    (pair.pieceSize, pair.readsBetweenPieces) = (pieceSize, readsBetweenPieces)
    #expect(await pair.connect())
    let body = Array(String(repeating: String(repeating: "x", count: 62) + "\r\n", count: 2_000).utf8)
    #expect(isAccepted(await pair.send(try transaction(), content: body).first))
    #expect(policy.record.messages.first?.content == body)
    let sizes = commands(of: pair).filter { $0.hasPrefix("BDAT ") }.compactMap { Int($0.dropFirst(5)) }
    #expect(!sizes.isEmpty && sizes.allSatisfy { $0 >= 8_192 && $0 < 8_192 + pieceSize })
  }

  @Test func chunkingWithARefusalAtTheEnd() async throws {
    var script = RecordingPolicy.Script()
    let refusal = SMTPReply(554, EnhancedStatusCode("5.7.1"), "Spam")
    script.content = refusal
    let (pair, _) = try pair(script: script, client: { $0.usesChunking = true })
    #expect(await pair.connect())
    #expect(await pair.send(try transaction(), content: content) == [.refused(refusal, at: .endOfContent)])
    #expect(await pair.send(try transaction(), content: content) == [.refused(refusal, at: .endOfContent)])
    #expect(commands(of: pair).contains("RSET"))
  }

  @Test func chunkingWithMoreThanTheServerTakes() async throws {
    let (pair, policy) = try pair(server: { $0.limits.messageSize = 10_000 }, client: { $0.usesChunking = true })
    pair.pieceSize = 400
    #expect(await pair.connect())
    let body = [UInt8](repeating: 0x78, count: 30_000)
    guard case .refused(let reply, at: .content) = await pair.send(try transaction(), content: body).first else {
      Issue.record("it was taken")
      return
    }
    #expect(reply.code == 552)
    #expect(policy.record.messages.isEmpty)
    #expect(isAccepted(await pair.send(try transaction(), content: content).first))
    #expect(policy.record.messages.map(\.content) == [content])
  }

  @Test func enhancedStatusCodes() async throws {
    let (pair, _) = try pair()
    #expect(await pair.connect())
    #expect(pair.capabilities.enhancedStatusCodes)
    guard case .accepted(let reply) = await pair.send(try transaction(), content: content).first else {
      Issue.record("it was refused")
      return
    }
    #expect(reply.enhancedCode == EnhancedStatusCode("2.0.0"))
  }

  @Test func deliveryStatusNotifications() async throws {
    let transaction = try transaction(to: ["b@example.org", "c@example.org", "d@example.org"]) {
      $0.envelope.parameters.returnedContent = .full
      $0.envelope.parameters.envelopeID = EnvelopeID("QQ 314+1=2")
      $0.envelope.recipients[0].parameters = RecipientParameters(
        notifications: [.success, .failure, .delay],
        originalRecipient: OriginalRecipient(addressType: "rfc822", address: "b+=@example.org"))
      $0.envelope.recipients[1].parameters.notifications = .never
      $0.envelope.recipients[2].parameters.originalRecipient = OriginalRecipient(
        addressType: "utf-8", address: "jürgen@example.org")
    }
    let (pair, policy) = try pair()
    #expect(await pair.connect())
    #expect(pair.passesNotifications)
    #expect(await pair.send(transaction, content: content).allSatisfy { isAccepted($0) })
    var asked = try #require(policy.record.messages.first).request.envelope
    // ORCPT travels in US-ASCII; it is the same address.
    #expect(asked.recipients[2].parameters.originalRecipient?.address == "j\\x{FC}rgen@example.org")
    asked.recipients[2].parameters = transaction.envelope.recipients[2].parameters
    #expect(asked == transaction.envelope)

    let (without, kept) = try self.pair(server: { $0.extensions = .eightBitMIME })
    #expect(await without.connect())
    #expect(!without.passesNotifications)
    #expect(await without.send(transaction, content: content).allSatisfy { isAccepted($0) })
    let envelope = try #require(kept.record.messages.first).request.envelope
    #expect(envelope.parameters == MessageParameters())
    #expect(envelope.recipients.allSatisfy { $0.parameters == RecipientParameters() })
  }

  @Test func transferPriorities() async throws {
    let levels = [nil] + (-9...9).map { TransferPriority($0) }
    let (pair, policy) = try pair()
    #expect(await pair.connect())
    for level in levels {
      #expect(
        isAccepted(await pair.send(try transaction { $0.envelope.parameters.priority = level }, content: content).first)
      )
    }
    #expect(policy.record.messages.map(\.request.envelope.parameters.priority) == levels)

    // Whoever does not know it is not told of it, and gets the message all the same.
    let (without, kept) = try self.pair(server: { $0.extensions = .eightBitMIME })
    #expect(await without.connect())
    let urgent = try transaction { $0.envelope.parameters.priority = TransferPriority(9) }
    #expect(isAccepted(await without.send(urgent, content: content).first))
    #expect(kept.record.messages.map(\.request.envelope.parameters) == [MessageParameters()])
  }

  @Test func theSubmitter() async throws {
    let (pair, policy) = try pair()
    #expect(await pair.connect())
    let paths = [ReversePath.null, try #require(ReversePath("e+f=g@example.com"))]
    for path in paths {
      let outcomes = await pair.send(try transaction { $0.envelope.parameters.submitter = path }, content: content)
      #expect(isAccepted(outcomes.first))
    }
    #expect(policy.record.messages.map(\.request.envelope.parameters.submitter) == paths)
  }

  @Test func limitsOnRecipients() async throws {
    let (pair, policy) = try pair(server: { $0.limits.recipients = 2 })
    #expect(await pair.connect())
    let names = ["b@example.org", "c@example.org", "d@example.org"]
    let outcomes = await pair.send(try transaction(to: names), content: content)
    #expect(outcomes.map { isAccepted($0) } == [true, true, false])
    #expect(outcomes.last == .postponed("The next host takes 2 recipients at a time"))
    #expect(isAccepted(await pair.send(try transaction(to: [names[2]]), content: content).first))
    #expect(policy.record.messages.map(\.request.envelope.recipients.count) == [2, 1])
  }

  @Test func limitsOnTransactions() async throws {
    let (pair, policy) = try pair(server: { $0.limits.messages = 2 })
    #expect(await pair.connect())
    for left in [1, 0] {
      #expect(isAccepted(await pair.send(try transaction(), content: content).first))
      #expect(pair.transactionsLeft == left)
    }
    #expect(
      await pair.send(try transaction(), content: content)
        == [.postponed("The next host takes no more messages in this session")])
    await pair.quit()
    #expect(pair.failure == nil)
    #expect(policy.record.messages.count == 2)
  }
}
