import DeliveryQueue
import MailModel
import SMTPProtocolTesting
import SMTPSubmission
import SMTPTesting
import Synchronization
import Testing

/// How soon a message is to be delivered, as its sender says.
struct PriorityTests {
  /// Header sections, as people's programs write them.
  static let headers: [(String, MessagePriority)] = [
    ("Subject: x\r\n", .normal), ("", .normal),
    ("Priority: urgent\r\n", .urgent), ("PRIORITY :\r\n\tURGENT \r\n", .urgent), ("priority:Normal\r\n", .normal),
    ("Subject: x\r\nPriority: non-urgent\r\nTo: b@example.org\r\n", .bulk), ("Priority: Non-Urgent\r\n", .bulk),
    ("Precedence: bulk\r\n", .bulk), ("Precedence: list\r\nList-Id: <x.example.com>\r\n", .bulk),
    ("precedence: JUNK\r\n", .bulk), ("Precedence: first-class\r\n", .normal),
    ("Precedence: special-delivery\r\n", .normal),
    // The field that a standard defines goes before the one that none does.
    ("Precedence: bulk\r\nPriority: urgent\r\n", .urgent), ("Priority: normal\r\nPrecedence: bulk\r\n", .normal),
    // What nobody understands says nothing.
    ("Priority:\r\n", .normal), ("Priority: 1\r\n", .normal), ("Priority: urgently\r\n", .normal),
    ("Priority: urg\r\n ent\r\n", .normal), ("Priority: urgent, urgent\r\n", .normal),
    ("Priority: \u{FC}rgent\r\n", .normal),
    ("Precedence: bulk mail\r\n", .normal), ("Precedence:\r\n", .normal),
    ("Priority: x\r\nPrecedence: bulk\r\n", .normal),
    ("Priority: urgent\r\nPriority: urgent\r\n", .normal),
    ("Priority: urgent\r\nSubject: x\r\npriority: normal\r\n", .normal),
    ("Precedence: bulk\r\nPrecedence: list\r\n", .normal),
    // What concerns others than the transfer.
    ("X-Priority: 1 (Highest)\r\nX-MSMail-Priority: High\r\nImportance: high\r\n", .normal),
    ("X-Priority: 5\r\nImportance: low\r\n", .normal), ("Auto-Submitted: auto-generated\r\n", .normal),
    ("Subject: Priority: urgent\r\n Precedence: bulk\r\n", .normal), ("\r\nPriority: urgent\r\n", .normal),
  ]

  @Test(arguments: headers) func theHeaderSaysIt(header: String, expected: MessagePriority) async throws {
    let queued = QueuedPriorities()
    let deployment = try await Deployment(queue: queued.store)
    let message = header + "\r\nPriority: urgent\r\nPrecedence: bulk\r\n"
    let reply = await deployment.send(message, by: try await deployment.session())
    #expect(queued.all == [expected])
    // Told to the queue, and to whoever comes next, as it stands.
    #expect(try await deployment.content(queuedBy: reply).hasSuffix(message))
  }

  /// What MAIL says goes before what the header says.
  @Test(
    arguments: [
      ("-9", .bulk), ("-1", .bulk), ("0", .normal), ("1", .urgent), ("9", .urgent), ("10", nil), ("-10", nil),
      ("", nil),
    ] as [(String, MessagePriority?)])
  func theCommandSaysIt(level: String, expected: MessagePriority?) async throws {
    for header in ["", "Priority: urgent\r\n", "Precedence: bulk\r\n"] {
      let queued = QueuedPriorities()
      let deployment = try await Deployment(
        queue: queued.store, change: { $0.deliveryExtensions = .transferPriorities })
      let driver = try await deployment.session()
      let reply = await driver.send("MAIL FROM:<a@example.com> MT-PRIORITY=\(level)\r\n")
      #expect(reply.hasPrefix(expected == nil ? "501 5.5.4 " : "250 "))
      _ = await driver.send("RCPT TO:<b@example.org>\r\nDATA\r\n\(header)\r\nbody\r\n.\r\n")
      #expect(queued.all == (expected.map { [$0] } ?? []))
    }
  }

  @Test func nobodyAsksForItWithoutAUTH() async throws {
    let deployment = try await Deployment(change: { $0.deliveryExtensions = .transferPriorities })
    let driver = try deployment.connection()
    _ = await driver.connect()
    #expect(await driver.send("EHLO client.example.org\r\n").contains("250-MT-PRIORITY\r\n"))
    #expect(await driver.send("MAIL FROM:<a@example.com> MT-PRIORITY=9\r\n").hasPrefix("530 5.7.0 "))
  }

  /// A delivery that would forget it is offered nothing.
  @Test func whereNobodyKeepsItItIsNoParameter() async throws {
    let deployment = try await Deployment(change: { $0.deliveryExtensions = .eightBitMIME })
    let driver = try await deployment.session()
    #expect(await driver.send("MAIL FROM:<a@example.com> MT-PRIORITY=1\r\n").hasPrefix("555 5.5.4 "))
  }

  @Test func eachMessageOfASessionHasItsOwn() async throws {
    let queued = QueuedPriorities()
    let deployment = try await Deployment(queue: queued.store)
    let driver = try await deployment.session()
    for header in ["Precedence: bulk\r\n", "", "Priority: urgent\r\n", "X: y\r\n"] {
      #expect(await deployment.send(header + "\r\n", by: driver).hasPrefix("250"))
    }
    #expect(queued.all == [.bulk, .normal, .urgent, .normal])
  }
}

/// The priorities of the messages that a store was given.
private final class QueuedPriorities: Sendable {
  private let kept = Mutex<[MessagePriority]>([])

  var all: [MessagePriority] { kept.withLock { $0 } }

  func store(_ store: InMemoryQueueStore) -> any QueueStore {
    Store(store: store) { priority in self.kept.withLock { $0.append(priority) } }
  }

  private struct Store: QueueStore {
    let store: InMemoryQueueStore
    let noted: @Sendable (MessagePriority) -> Void

    func enqueue(_ message: NewMessage) async throws {
      noted(message.priority)
      try await store.enqueue(message)
    }
    func makeBody(for id: QueueID) async throws -> any MessageBodyWriter { try await store.makeBody(for: id) }
    func claim(_ request: ClaimRequest) async throws -> ClaimBatch { try await store.claim(request) }
    func extend(_ tokens: [Claim.Token], until leasedUntil: Timestamp) async throws -> [Claim.Token] {
      try await store.extend(tokens, until: leasedUntil)
    }
    func settle(_ settlement: Settlement) async throws { try await store.settle(settlement) }
    func content(of id: QueueID) async throws -> any MessageContent { try await store.content(of: id) }
  }
}
