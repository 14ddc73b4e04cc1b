import DeliveryQueue
import MailModel
import SMTPTesting
import Testing

@Suite struct InMemoryQueueStoreTests {
  private let conformance = QueueStoreConformance { InMemoryQueueStore() }
  private let ids = QueueIDGenerator()
  private let start = Timestamp(milliseconds: 1_800_000_000_000)

  @Test(arguments: QueueStoreConformance.Check.allCases)
  func conforms(_ check: QueueStoreConformance.Check) async {
    #expect(await conformance.run(check) == [])
  }

  private func message(octets: Int = 10) throws -> NewMessage {
    let recipient = try #require(ForwardPath("user@example.org"))
    return NewMessage(
      id: ids.next(at: start), tenant: nil, envelope: Envelope(reversePath: .null, recipients: [recipient]),
      acceptedAt: start, prefix: [], body: .octets([UInt8](repeating: 65, count: octets)))
  }

  private func deliverOne(_ store: InMemoryQueueStore) async throws {
    let request = ClaimRequest(limit: 1, now: start, leasedUntil: start + .seconds(60))
    let claim = try #require(try await store.claim(request).claims.first)
    let changes = [Settlement.Change(index: 0, state: .delivered, reply: nil)]
    try await store.settle(Settlement(id: claim.id, token: claim.token, at: start, changes: changes))
  }

  @Test func aFullQueueRefusesUntilSomethingIsDelivered() async throws {
    let store = InMemoryQueueStore(limits: QueueLimits(messages: 3, octets: 1000))
    for _ in 0..<3 { try await store.enqueue(message()) }
    let late = try message()
    await #expect { try await store.enqueue(late) } throws: { ($0 as? QueueError)?.code == .insufficientStorage }
    try await deliverOne(store)
    try await store.enqueue(late)
  }

  @Test(arguments: [(99, true), (100, true), (101, false)])
  func octetsAreLimited(octets: Int, fits: Bool) async throws {
    let store = InMemoryQueueStore(limits: QueueLimits(messages: 10, octets: 100))
    let message = try message(octets: octets)
    if fits {
      try await store.enqueue(message)
    } else {
      await #expect { try await store.enqueue(message) } throws: { ($0 as? QueueError)?.code == .insufficientStorage }
    }
  }

  @Test func bodiesOnTheirWayInCountAsOctets() async throws {
    let store = InMemoryQueueStore(limits: QueueLimits(messages: 10, octets: 100))
    let writer = try await store.makeBody(for: ids.next(at: start))
    try await writer.append([UInt8](repeating: 1, count: 60))
    await #expect { try await writer.append([UInt8](repeating: 1, count: 41)) } throws: {
      ($0 as? QueueError)?.code == .insufficientStorage
    }
    let other = try message(octets: 41)
    await #expect(throws: QueueError.self) { try await store.enqueue(other) }
    var spooled = try message()
    spooled.body = .spooled(try await writer.finish())
    try await store.enqueue(spooled)
    try await store.enqueue(message(octets: 40))
  }

  @Test func historyIsBounded() async throws {
    let store = InMemoryQueueStore(finishedMessages: 16)
    for _ in 0..<100 {
      try await store.enqueue(message())
      try await deliverOne(store)
    }
    let open = try message()
    try await store.enqueue(open)
    let known = try await store.messages(after: nil, limit: 1000)
    #expect((17...19).contains(known.count))
    #expect(known.last?.id == open.id)
  }
}
