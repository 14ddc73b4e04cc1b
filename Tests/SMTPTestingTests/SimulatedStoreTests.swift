import DeliveryQueue
import MailModel
import SMTPTesting
import Synchronization
import Testing

@Suite struct SimulatedStoreTests {
  private let simulation = Simulation(seed: 1)
  private let ids = QueueIDGenerator(secret: { 0 })

  private func message(_ recipients: [String] = ["a@x.example", "b@y.example"]) -> NewMessage {
    NewMessage(
      id: ids.next(at: simulation.time.now()), tenant: "t",
      envelope: Envelope(reversePath: .null, recipients: recipients.compactMap { ForwardPath($0) }),
      acceptedAt: simulation.time.now(), prefix: Array("Subject: test\r\n\r\n".utf8),
      body: .octets(Array("Hello\r\n".utf8)))
  }

  private func keeps(_ store: SimulatedStore, _ message: NewMessage) throws -> Bool {
    try simulation.perform { try await store.status(of: message.id) } != nil
  }

  private func request(_ simulation: Simulation) -> ClaimRequest {
    let now = simulation.time.now()
    return ClaimRequest(limit: 10, now: now, leasedUntil: now + .seconds(60))
  }

  @Test func takesTimeHalfBeforeAndHalfAfter() throws {
    let store = SimulatedStore(in: simulation)
    store.weather.duration = .seconds(2) ... .seconds(2)
    let message = message()
    simulation.start("enqueue") { try await store.enqueue(message) }
    try simulation.run(for: .milliseconds(999))
    #expect(try !keeps(store, message))
    try simulation.run(for: .milliseconds(2))
    #expect(try keeps(store, message))
    #expect(simulation.unfinished.count == 1)
    try simulation.run(for: .seconds(1))
    #expect(simulation.unfinished.isEmpty)
  }

  @Test(arguments: [false, true]) func diesInTheMiddleOfAnOperation(isDone: Bool) throws {
    let store = SimulatedStore(in: simulation)
    store.weather.duration = .seconds(2) ... .seconds(2)
    let message = message()
    let task = simulation.start("enqueue") { try await store.enqueue(message) }
    try simulation.run(for: isDone ? .milliseconds(1500) : .milliseconds(500))
    let next = store.reopened()
    try simulation.run(for: .seconds(5))
    #expect((task.error as? QueueError)?.code == .closed)
    #expect(try keeps(next, message) == isDone)
  }

  @Test func whatTheDeadAskedIsNotDone() throws {
    let store = SimulatedStore(in: simulation)
    let message = message()
    _ = store.reopened()
    #expect(throws: QueueError.self) { try simulation.perform { try await store.enqueue(message) } }
    #expect(try !keeps(store, message))
  }

  @Test func freesClaimsAndForgetsBodiesWhenItIsReopened() throws {
    let store = SimulatedStore(in: simulation)
    let (kept, simulation) = (message(), simulation)
    let next = try simulation.perform {
      try await store.enqueue(kept)
      let first = try await store.claim(self.request(simulation))
      #expect(first.claims.count == 1)
      #expect(try await store.claim(self.request(simulation)).claims.isEmpty)
      let writer = try await store.makeBody(for: kept.id)
      try await writer.append([1, 2, 3])
      let body = try await writer.finish()
      let next = store.reopened()
      #expect(try await next.claim(self.request(simulation)).claims.map(\.id) == [kept.id])
      var named = self.message()
      named.body = .spooled(body)
      await #expect(throws: QueueError.self) { try await next.enqueue(named) }
      return next
    }
    #expect(try simulation.perform { try await next.summary().messages } == 1)
  }

  @Test func refusesByChance() throws {
    let store = SimulatedStore(in: simulation)
    store.weather.refusals = 0.5
    let messages = (0..<100).map { _ in message() }
    let refused = try simulation.perform {
      var refused = 0
      for message in messages {
        do { try await store.enqueue(message) } catch { refused += 1 }
      }
      return refused
    }
    #expect((30...70).contains(refused))
    #expect(try simulation.perform { try await store.summary().messages } == 100 - refused)
  }

  @Test func collapsesOnceAndTakesNothingMore() throws {
    let store = SimulatedStore(in: simulation)
    store.weather.collapses = 1
    let collapses = Mutex(0)
    store.onCollapse { collapses.withLock { $0 += 1 } }
    let (first, second) = (message(), message())
    let codes = try simulation.perform {
      var codes: [QueueError.Code] = []
      for message in [first, second] {
        do { try await store.enqueue(message) } catch let error as QueueError { codes.append(error.code) }
      }
      return codes
    }
    #expect(codes == [.unknownOutcome, .cannotWrite])
    try simulation.run(for: .zero)
    #expect(collapses.withLock { $0 } == 1)
    #expect(try !keeps(store.reopened(), second))
  }

  @Test func failsInOrderAsFaultyStoreDoes() throws {
    let store = SimulatedStore(in: simulation)
    store.faults.fail(.enqueue, with: QueueError(.insufficientStorage, "full"))
    let message = message()
    #expect(throws: QueueError.self) { try simulation.perform { try await store.enqueue(message) } }
    try simulation.perform { try await store.enqueue(message) }
  }
}
