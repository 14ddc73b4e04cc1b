import DeliveryQueue
import MailModel
import SMTPTesting
import Testing

/// The store that fails and dies at a test's word.
@Suite(.timeLimit(.minutes(10))) struct FaultyStoreTests {
  private let store = FaultyStore(InMemoryQueueStore())
  private let ids = QueueIDGenerator()
  private let start = Timestamp(milliseconds: 1_800_000_000_000)

  private func message(_ id: QueueID? = nil, body: MessageBody = .octets([65])) throws -> NewMessage {
    let recipient = try #require(ForwardPath("user@example.org"))
    return NewMessage(
      id: id ?? ids.next(at: start), tenant: nil, envelope: Envelope(reversePath: .null, recipients: [recipient]),
      acceptedAt: start, prefix: [], body: body)
  }

  private var request: ClaimRequest { ClaimRequest(limit: 10, now: start, leasedUntil: start + .seconds(60)) }

  /// The numbers of the operations that succeed, of six: an enqueue, a claim, and so on in turn.
  private func successes() async throws -> [Int] {
    var successes: [Int] = []
    for number in 0..<6 {
      do {
        if number.isMultiple(of: 2) { try await store.enqueue(message()) } else { _ = try await store.claim(request) }
        successes.append(number)
      } catch let error as QueueError {
        #expect(error.code == (store.isDead ? .closed : .cannotWrite))
      }
    }
    return successes
  }

  @Test(arguments: [
    (0, 1, [1, 2, 3, 4, 5]), (3, 1, [0, 1, 2, 4, 5]), (2, 3, [0, 1, 5]), (6, 1, [0, 1, 2, 3, 4, 5]),
  ])
  func anOperationOfAnyKindFails(skipped: Int, count: Int, expected: [Int]) async throws {
    store.fail(after: skipped, count: count)
    #expect(try await successes() == expected)
    #expect(store.calls() == 6)
  }

  @Test func oneKindIsCountedApart() async throws {
    store.fail(.claim, after: 1)
    #expect(try await successes() == [0, 1, 2, 4, 5])
  }

  @Test(arguments: 0...6, [false, true]) func nothingHappensBehindDeath(skipped: Int, isAfterwards: Bool) async throws {
    store.die(after: skipped, afterwards: isAfterwards)
    #expect(try await successes() == Array(0..<skipped))
    #expect(store.isDead == (skipped < 6))
    // Of the operations that were done, every other one queued a message.
    let done = min(6, skipped + (isAfterwards ? 1 : 0))
    #expect(try await store.summary().messages == (done + 1) / 2)
    store.revive()
    #expect(try await successes().count == 6)
  }

  @Test(arguments: [false, true]) func anOrderFails(isAfterwards: Bool) async throws {
    try await store.enqueue(message())
    store.fail(.apply, afterwards: isAfterwards)
    let order = QueueOrder(.hold, by: "test", because: "test", at: start)
    await #expect(throws: QueueError.self) { try await store.apply(order, to: .everything) }
    #expect(try await store.recipientCounts() == [isAfterwards ? .held : .queued: 1])
    #expect(try await store.apply(order, to: .everything).recipients == (isAfterwards ? 0 : 1))
  }

  @Test func deathIsAwaited() async throws {
    store.die(after: 1)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await store.died() }
      group.addTask { _ = try? await successes() }
      await group.waitForAll()
    }
    #expect(store.isDead)
  }

  @Test func theDeadDoNotTidyUp() async throws {
    let id = ids.next(at: start)
    let writer = try await store.makeBody(for: id)
    try await writer.append([1, 2, 3])
    store.die(afterwards: true)
    await #expect(throws: QueueError.self) { try await writer.finish() }
    writer.discard()
    store.revive()
    // Only a body that is still there can be queued; there is one under this name since it was the first.
    try await store.enqueue(message(id, body: .spooled(SpooledBody(name: "\(id)-1", count: 3))))
    #expect(try await store.content(of: id).count == 3)
  }

  @Test func whatIsUnderWayAtDeathLosesItsAnswer() async throws {
    let gate = Gate()
    let held = FaultyStore(SlowStore(base: InMemoryQueueStore(), gate: gate))
    let message = try message()
    let queueing = Task { try await held.enqueue(message) }
    await held.base.entered.pass()
    held.die()
    await #expect(throws: QueueError.self) { try await held.claim(request) }
    await held.died()
    gate.open()
    await #expect(throws: QueueError.self) { try await queueing.value }
    #expect(try await held.base.base.summary().messages == 1)
  }
}

/// A store that takes its time to queue.
private struct SlowStore: QueueStore {
  let base: InMemoryQueueStore
  let gate: Gate
  let entered = Gate()

  func makeBody(for id: QueueID) async throws -> any MessageBodyWriter { try await base.makeBody(for: id) }
  func enqueue(_ message: NewMessage) async throws {
    entered.open()
    await gate.pass()
    try await base.enqueue(message)
  }
  func claim(_ request: ClaimRequest) async throws -> ClaimBatch { try await base.claim(request) }
  func extend(_ tokens: [Claim.Token], until leasedUntil: Timestamp) async throws -> [Claim.Token] {
    try await base.extend(tokens, until: leasedUntil)
  }
  func settle(_ settlement: Settlement) async throws { try await base.settle(settlement) }
  func content(of id: QueueID) async throws -> any MessageContent { try await base.content(of: id) }
}
