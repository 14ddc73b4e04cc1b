import DeliveryQueue
import Logging
import MailModel
import SMTPProtocol
import SMTPProtocolTesting
import SMTPSubmission
import SMTPTesting
import Testing

/// What operators read of a message, from its acceptance to its end.
@Suite(.timeLimit(.minutes(10))) struct IntakeLogTests {
  @Test func theAcceptanceOfAMessage() async throws {
    let deployment = try await Deployment()
    let driver = try await deployment.session()
    let reply = await deployment.send(
      "Subject: x\r\n\r\nbody\r\n", to: ["bob@example.org", "eve@example.net"], by: driver)
    let id = String(reply.dropLast().suffix(26))
    let content = try await deployment.content(queuedBy: reply)
    let line = try #require(deployment.logs.lines("Message queued").first)
    let expected: Logger.Metadata = [
      "queue-id": "\(id)", "tenant": "\(deployment.instance.id)", "identity": "\(deployment.user.id)",
      "client": "127.0.0.1:40000", "size": "\(content.utf8.count)", "sender": "a@example.com",
      "recipients": ["b*b@example.org", "e*e@example.net"], "recipient-count": "2",
    ]
    #expect(line.metadata == expected)
    #expect(line.level == .info)
  }

  @Test func aRefusalBearsTheQueueIDAndTheReply() async throws {
    let deployment = try await Deployment()
    let content = String(repeating: "Received: by x\r\n", count: 51)
    let reply = await deployment.send(content, by: try await deployment.session())
    let line = try #require(deployment.logs.lines("Message refused").first)
    #expect(reply == "\(try #require(line["reply"]))\r\n")
    #expect(line["size"] == "\(content.utf8.count)")
    #expect(QueueID(try #require(line["queue-id"])) != nil)
  }

  @Test(arguments: [(1, 1), (19, 19), (20, 20), (21, 20), (1_000, 20)])
  func aLineNamesSoManyRecipients(count: Int, named: Int) async throws {
    let deployment = try await Deployment()
    let domain = "\(String(repeating: "d", count: 60)).example"
    let envelope = Envelope(
      reversePath: try #require(ReversePath("a@example.com")),
      recipients: (0..<count).compactMap { ForwardPath("\($0)@\(domain)") })
    let request = MessageRequest(envelope: envelope)
    #expect(try await deployment.queue(request, content: "\r\n").recipients.count == count)
    let line = try #require(deployment.logs.lines("Message queued").first)
    #expect(line["recipient-count"] == "\(count)")
    guard case .array(let recipients)? = line.metadata["recipients"] else {
      Issue.record("no recipients")
      return
    }
    #expect(recipients.count == named)
    #expect(line.text.utf8.count < 10_000)
  }

  /// Whoever reads the whole log of a deployment learns no address, unless it is meant to tell them.
  @Test(arguments: AddressDisplay.allCases) func aWholeDelivery(display: AddressDisplay) async throws {
    let transport = RecordingTransport { claim in
      DeliveryReport(
        outcomes: claim.recipients.map { recipient in
          let text = "<\(recipient.path)> and also gerald@example.org"
          if text.hasPrefix("<benjamin") { return .delivered(DeliveryReply(code: 250, text: "250 \(text)")) }
          if text.hasPrefix("<daniel") { return .failed(DeliveryReply(code: 550, text: "550 \(text)")) }
          return .deferred(DeliveryReply(code: 450, text: "450 \(text)"))
        }, hostProblem: "relay.example refuses frederic@example.org")
    }
    let deployment = try await Deployment(transport: transport, change: { $0.addressesInLog = display })
    let delivery = try #require(deployment.delivery)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await delivery.run() }
      let driver = try await deployment.session()
      _ = await driver.send("MAIL FROM:<charlotte@example.com>\r\n")
      for name in ["benjamin", "daniel", "elisabeth", #""quoted and@"#] {
        _ = await driver.send("RCPT TO:<\(name)\(name.hasPrefix("\"") ? "\"" : "")@example.org>\r\n")
      }
      _ = await driver.send("DATA\r\n")
      #expect(await driver.send("To: harriet@example.org\r\n\r\nivanhoe@example.org\r\n.\r\n").hasPrefix("250"))
      while deployment.logs.lines("Message deferred").count < 2 { await Task.yield() }
      group.cancelAll()
      try await group.waitForAll()
    }
    let messages = Set(deployment.logs.lines.map(\.message))
    #expect(messages.isSuperset(of: ["Message queued", "Message sent", "Message deferred", "Message bounced"]))
    let log = deployment.logs.lines.map(\.text).joined(separator: " ")
    for name in ["charlotte", "benjamin", "daniel", "elisabeth", "quoted", "gerald", "frederic"] {
      #expect(log.contains(name) == (display == .plain), "\(name)")
    }
    for name in ["harriet", "ivanhoe"] { #expect(!log.contains(name), "content") }
    #expect(!log.contains(deployment.password))
  }

  @Test(arguments: AddressDisplay.allCases) func errorsOfAStore(display: AddressDisplay) async throws {
    let error = QueueError(.cannotWrite, "as asked", cause: Trouble(description: "row of harriet@example.org\nis gone"))
    let deployment = try await Deployment(
      queue: { store in
        let faulty = FaultyStore(store)
        faulty.fail(.enqueue, with: error)
        return faulty
      }, change: { $0.addressesInLog = display })
    #expect(await deployment.send("x: y\r\n", by: try await deployment.session()).hasPrefix("451"))
    let line = try #require(deployment.logs.lines("Message could not be kept").first)
    let name = display == .plain ? "harriet" : "h*r*i*t"
    #expect(line["error"] == "cannotWrite: as asked (row of \(name)@example.org?is gone)")
    #expect(line.level == .error)
    #expect(deployment.logs.lines("Message refused").count == 1)
  }
}

private struct Trouble: Error, CustomStringConvertible {
  var description: String
}
