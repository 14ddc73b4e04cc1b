import DeliveryQueue
import Dispatch
import Logging
import MailModel
import SMTPTesting
import Synchronization
import Testing

/// All that a service does runs where the caller wants it to, so that a simulation sees all of it.
@Suite(.timeLimit(.minutes(10))) struct DeliveryTasksTests {
  @Test func everythingRunsOnTheCallersExecutor() async throws {
    let executor = SerialExecutor()
    let places = Places(executor)
    let time = PlacedTime(places: places)
    let base = InMemoryQueueStore()
    let store = FaultyStore(PlacedStore(base: base, places: places))
    let transport = RecordingTransport { claim in
      places.note("deliver")
      // One lasts until it is cancelled for being overdue, one fails, one is delivered.
      switch claim.recipients[0].attempts {
      case 0:
        await untilCancelled()
        return claim.report { .deferred($0) }
      case 1: return claim.report { .deferred($0) }
      default: return claim.report { .delivered($0) }
      }
    }
    var configuration = DeliveryConfiguration.test
    (configuration.attemptLimit, configuration.lease) = (.seconds(100), .seconds(60))
    let service = DeliveryService(
      store: store, transport: transport, time: time, configuration: configuration,
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    let message = NewMessage(
      id: QueueIDGenerator().next(at: time.now()), tenant: nil,
      envelope: Envelope(reversePath: .null, recipients: [try #require(ForwardPath("user@example.org"))]),
      acceptedAt: time.now(), prefix: [], body: .octets([65]))
    try await base.enqueue(message)
    store.fail(.settle)
    await withTaskGroup(of: Void.self) { group in
      group.addTask(executorPreference: executor) { try? await service.run() }
      group.addTask {
        while (try? await base.status(of: message.id))?.isFinal != true {
          await Task.yield()
          guard let next = time.base.wakeUps.first else { continue }
          time.base.advance(to: max(next, time.now()))
        }
      }
      await group.next()
      group.cancelAll()
    }
    let seen = places.seen
    #expect(Set(seen.keys) == ["deliver", "claim", "extend", "settle", "content", "sleep"])
    for (call, isElsewhere) in seen { #expect(!isElsewhere, "\(call)") }
  }
}

/// One queue, whose jobs know where they are.
private final class SerialExecutor: TaskExecutor {
  static let key = DispatchSpecificKey<Bool>()
  private let queue = DispatchQueue(label: "serial")

  init() { queue.setSpecific(key: Self.key, value: true) }

  var isHere: Bool { DispatchQueue.getSpecific(key: Self.key) == true }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

/// Which calls were made, and whether any of the kind was made elsewhere.
private final class Places: Sendable {
  private let executor: SerialExecutor
  private let calls = Mutex<[String: Bool]>([:])

  init(_ executor: SerialExecutor) { self.executor = executor }

  var seen: [String: Bool] { calls.withLock { $0 } }

  func note(_ call: String) {
    let isElsewhere = !executor.isHere
    calls.withLock { calls in calls[call] = (calls[call] ?? false) || isElsewhere }
  }
}

private struct PlacedTime: TimeSource {
  let base = ManualTime()
  let places: Places

  func now() -> Timestamp { base.now() }
  func uptime() -> Duration { base.uptime() }
  func sleep(until instant: Timestamp) async throws {
    places.note("sleep")
    try await base.sleep(until: instant)
  }
}

private struct PlacedStore: QueueStore {
  let base: InMemoryQueueStore
  let places: Places

  func makeBody(for id: QueueID) async throws -> any MessageBodyWriter { try await base.makeBody(for: id) }
  func enqueue(_ message: NewMessage) async throws { try await base.enqueue(message) }
  func claim(_ request: ClaimRequest) async throws -> ClaimBatch {
    places.note("claim")
    return try await base.claim(request)
  }
  func extend(_ tokens: [Claim.Token], until leasedUntil: Timestamp) async throws -> [Claim.Token] {
    places.note("extend")
    return try await base.extend(tokens, until: leasedUntil)
  }
  func settle(_ settlement: Settlement) async throws {
    places.note("settle")
    try await base.settle(settlement)
  }
  func content(of id: QueueID) async throws -> any MessageContent {
    places.note("content")
    return try await base.content(of: id)
  }
}
