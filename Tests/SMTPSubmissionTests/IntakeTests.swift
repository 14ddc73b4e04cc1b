import DeliveryQueue
import MailModel
import SMTPProtocol
import SMTPProtocolTesting
import SMTPSubmission
import SMTPTesting
import Synchronization
import Testing

@Suite struct IntakeTests {
  private func header(_ content: String) -> [String] {
    // By octets: a CRLF is one character.
    let unfolded = content.replacing("\r\n\t", with: " ")
    let lines = unfolded.split(separator: "\r\n", omittingEmptySubsequences: false)
    return lines.prefix { !$0.isEmpty }.map(String.init)
  }

  private func body(_ content: String) -> String {
    guard let gap = content.firstRange(of: "\r\n\r\n") else { return "" }
    return String(content[gap.upperBound...])
  }

  @Test func fieldsAreAddedInFront() async throws {
    let deployment = try await Deployment()
    let reply = await deployment.send("Subject: x\r\n\r\nbody\r\n", by: try await deployment.session())
    #expect(reply.hasPrefix("250 2.0.0 Ok: queued as "))
    let id = reply.dropLast().suffix(26)
    let content = try await deployment.content(queuedBy: reply)
    let date = deployment.time.now().internetMessageDate
    #expect(
      header(content) == [
        "Received: from client.example.org ([127.0.0.1]) by mail.example.net with ESMTPSA (TLSv1.3) id \(id) "
          + "for <b@example.org>; \(date)",
        "Message-ID: <\(id)@mail.example.net>", "Date: \(date)", "Subject: x",
      ])
    #expect(body(content) == "body\r\n")
    #expect(content.hasSuffix("Subject: x\r\n\r\nbody\r\n"))
  }

  @Test func whatThereIsStays() async throws {
    let deployment = try await Deployment()
    let message = "message-id : <own@example.com>\r\nDATE: Sun, 22 Nov 2026 15:04:05 +0000\r\n\r\n"
    let reply = await deployment.send(
      message, to: ["b@example.org", "c@example.org"], by: try await deployment.session())
    let content = try await deployment.content(queuedBy: reply)
    #expect(content.hasSuffix(message))
    #expect(header(content).count == 3)
    #expect(!content.contains(" for <"), "a recipient would be told of another")
  }

  @Test func blindCopiesGo() async throws {
    let deployment = try await Deployment()
    let reply = await deployment.send(
      "Bcc: secret@example.org,\r\n\tanother@example.org\r\nSubject: x\r\nBCC : more@example.org\r\nResent-Bcc: y@z.example\r\n\r\nBcc: in the body\r\n",
      by: try await deployment.session())
    let content = try await deployment.content(queuedBy: reply)
    #expect(header(content).suffix(1) == ["Subject: x"])
    #expect(!content.contains("another@example.org"))
    #expect(body(content) == "Bcc: in the body\r\n")
  }

  @Test(arguments: [
    ("Subject: x\r\nThis is no field\r\n", "Subject: x\r\n\r\nThis is no field\r\n"),
    ("Subject: x\r\n", "Subject: x\r\n\r\n"),
    ("no field at all\r\n", "\r\nno field at all\r\n"),
    (" blank first\r\nSubject: x\r\n", "\r\n blank first\r\nSubject: x\r\n"),
    ("\r\nonly a body\r\n", "\r\nonly a body\r\n"),
    ("", "\r\n"),
    ("Subject: x\r\n folded\r\n:odd\r\n", "Subject: x\r\n folded\r\n\r\n:odd\r\n"),
    ("Sub\u{e9}ct: x\r\n", "\r\nSub\u{e9}ct: x\r\n"),
  ])
  func aHeaderSectionEndsWhereFieldsEnd(message: String, expected: String) async throws {
    let deployment = try await Deployment()
    for isDripped in [false, true] {
      let driver = try await deployment.session()
      var reply = ""
      if isDripped {
        _ = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
        for octet in (message + ".\r\n").utf8 {
          reply += String(decoding: await driver.receive([octet]), as: UTF8.self)
        }
      } else {
        reply = await deployment.send(message, by: driver)
      }
      let content = try await deployment.content(queuedBy: reply)
      #expect(content.utf8.reversed().starts(with: expected.utf8.reversed()))
      let added = content.utf8.count - expected.utf8.count
      #expect(String(decoding: content.utf8.prefix(added), as: UTF8.self).hasSuffix("+0000\r\n"))
    }
  }

  @Test(arguments: [
    ("client.example.org", "from client.example.org ([127.0.0.1]) by"), ("my_host", "from my_host ([127.0.0.1]) by"),
    ("[192.0.2.7]", "from unknown ([127.0.0.1]) by"), ("192.0.2.7", "from unknown ([127.0.0.1]) by"),
    ("a;b(c", "from unknown ([127.0.0.1]) by"),
  ])
  func theClientsNameCannotBreakTheField(name: String, expected: String) async throws {
    let deployment = try await Deployment()
    let driver = try await deployment.session()
    _ = await driver.send("EHLO \(name)\r\n")
    let content = try await deployment.content(queuedBy: await deployment.send("x: y\r\n", by: driver))
    #expect(header(content)[0].hasPrefix("Received: " + expected))
  }

  @Test(arguments: [("client.example.org", "from client.example.org by"), ("[127.0.0.1]", "by"), ("127.0.0.1", "by")])
  func theClientsAddressCanBeHidden(name: String, expected: String) async throws {
    let deployment = try await Deployment(change: { $0.showsClientAddress = false })
    let driver = try await deployment.session()
    _ = await driver.send("EHLO \(name)\r\n")
    let content = try await deployment.content(queuedBy: await deployment.send("x: y\r\n", by: driver))
    #expect(header(content)[0].hasPrefix("Received: \(expected) mail.example.net"))
    #expect(!content.contains("127.0.0.1"))
  }

  @Test(arguments: [(-1, true), (0, true), (1, false)])
  func headerSection(excess: Int, isTaken: Bool) async throws {
    for text in ["\r\nbody\r\n", "no field\r\n", ""] {
      let deployment = try await Deployment(change: {
        $0.intake.headerSection = 1000
        $0.intake.headerField = 10_000
      })
      let message = "Subject: " + String(repeating: "x", count: 989 + excess) + "\r\n" + text
      let reply = await deployment.send(message, by: try await deployment.session())
      #expect(reply.hasPrefix(isTaken ? "250" : "552 5.3.4 The header section"))
    }
  }

  @Test(arguments: [(-1, true), (0, true), (1, false)])
  func headerField(excess: Int, isTaken: Bool) async throws {
    let deployment = try await Deployment(change: { $0.intake.headerField = 100 })
    let message = "Subject: x\r\n " + String(repeating: "x", count: 85 + excess) + "\r\n\r\n"
    #expect(message.utf8.count - 2 == 100 + excess)
    let reply = await deployment.send(message, by: try await deployment.session())
    #expect(reply.hasPrefix(isTaken ? "250" : "552 5.3.4 A header field"))
  }

  @Test(arguments: [(-1, true), (0, true), (1, false)])
  func headerFields(excess: Int, isTaken: Bool) async throws {
    let deployment = try await Deployment(change: { $0.intake.headerFields = 10 })
    let reply = await deployment.send(
      String(repeating: "X: y\r\n", count: 10 + excess), by: try await deployment.session())
    #expect(reply.hasPrefix(isTaken ? "250" : "552 5.3.4 "))
  }

  @Test(arguments: [(-1, true), (0, true), (1, false)])
  func hops(excess: Int, isTaken: Bool) async throws {
    let deployment = try await Deployment()
    let reply = await deployment.send(
      String(repeating: "Received: by x\r\n", count: 50 + excess), by: try await deployment.session())
    #expect(reply.hasPrefix(isTaken ? "250" : "554 5.4.6 "))
  }

  @Test(arguments: [-1, 0, 1, 5000])
  func largeBodiesGoThroughTheSpool(excess: Int) async throws {
    let bodies = Mutex(0)
    let deployment = try await Deployment(
      queue: { CountingStore(store: $0) { bodies.withLock { $0 += 1 } } },
      change: { $0.intake.memoryPerMessage = 4096 })
    let driver = try await deployment.session()
    _ = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nSubject: x\r\n\r\n")
    let text = String((0..<(4094 + excess)).map { _ in "abcdefghijklmnop".randomElement() ?? "x" }) + "\r\n"
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      _ = await driver.receive(Array(rest.prefix(1000)))
      rest = rest.dropFirst(1000)
    }
    let reply = await driver.send(".\r\n")
    #expect(body(try await deployment.content(queuedBy: reply)) == text)
    #expect(bodies.withLock { $0 } == (excess > 0 ? 1 : 0))
  }

  @Test(arguments: [(-1, true), (0, true), (1, false)])
  func memoryInAll(excess: Int, isTaken: Bool) async throws {
    let deployment = try await Deployment(change: { $0.intake.memoryInAll = 1000 })
    let driver = try await deployment.session()
    for _ in 0..<2 {  // nothing of the first one is held when it is over, whichever way it ended
      let message = "X: " + String(repeating: "x", count: 995 + excess) + "\r\n"
      #expect(await deployment.send(message, by: driver).hasPrefix(isTaken ? "250" : "452 4.3.1 "))
    }
  }

  @Test func theMemoryOfAllMessagesIsBounded() async throws {
    let deployment = try await Deployment(change: { $0.intake.memoryInAll = 10_000 })
    let first = try await deployment.session()
    _ = await first.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
    _ = await first.send("X: " + String(repeating: "x", count: 6_000))
    let second = try await deployment.session()
    let message = "X: " + String(repeating: "x", count: 6_000) + "\r\n"
    #expect(await deployment.send(message, by: second).hasPrefix("452 4.3.1 "))
    // What the first one held is free again when it is through, or gone.
    #expect(await first.send("\r\n.\r\n").hasPrefix("250"))
    #expect(await deployment.send(message, by: second).hasPrefix("250"))
    _ = await first.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
    _ = await first.send(message)
    first.disconnect()
    #expect(await deployment.send(message, by: second).hasPrefix("250"))
  }

  @Test func nothingIsPromisedThatTheStoreDoesNotKeep() async throws {
    for (code, expected) in [(QueueError.Code.insufficientStorage, "452 4.3.1 "), (.cannotWrite, "451 4.3.0 ")] {
      let deployment = try await Deployment(queue: { RefusingStore(store: $0, error: QueueError(code, "as asked")) })
      let driver = try await deployment.session()
      #expect(await deployment.send("x: y\r\n", by: driver).hasPrefix(expected))
      // Also where the trouble begins with the spool.
      let large = "x: y\r\n\r\n" + String(repeating: "a line of text\r\n", count: 20_000)
      #expect(await deployment.send(large, by: driver).hasPrefix(expected))
      #expect(try await deployment.memory.messages(after: nil, limit: 10).isEmpty)
      #expect(await driver.send("NOOP\r\n") == "250 2.0.0 Ok\r\n")
    }
  }
}

/// Says when a body goes to the spool.
private struct CountingStore: QueueStore {
  let store: InMemoryQueueStore
  let madeBody: @Sendable () -> Void

  func makeBody(for id: QueueID) async throws -> any MessageBodyWriter {
    madeBody()
    return try await store.makeBody(for: id)
  }
  func enqueue(_ message: NewMessage) async throws { try await store.enqueue(message) }
  func claim(_ request: ClaimRequest) async throws -> ClaimBatch { try await store.claim(request) }
  func extend(_ tokens: [Claim.Token], until leasedUntil: Timestamp) async throws -> [Claim.Token] { [] }
  func settle(_ settlement: Settlement) async throws { try await store.settle(settlement) }
  func content(of id: QueueID) async throws -> any MessageContent { try await store.content(of: id) }
}

/// Keeps nothing.
private struct RefusingStore: QueueStore {
  let store: InMemoryQueueStore
  let error: QueueError

  func makeBody(for id: QueueID) async throws -> any MessageBodyWriter { throw error }
  func enqueue(_ message: NewMessage) async throws { throw error }
  func claim(_ request: ClaimRequest) async throws -> ClaimBatch { try await store.claim(request) }
  func extend(_ tokens: [Claim.Token], until leasedUntil: Timestamp) async throws -> [Claim.Token] { [] }
  func settle(_ settlement: Settlement) async throws { throw error }
  func content(of id: QueueID) async throws -> any MessageContent { try await store.content(of: id) }
}
