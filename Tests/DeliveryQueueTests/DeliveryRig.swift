import DeliveryQueue
import Logging
import MailModel
import MetricsTestKit
import SMTPTesting
import ServiceLifecycle
import Synchronization
import Testing

/// A delivery service over an in-memory queue, with a calendar that the test moves.
struct DeliveryRig: Sendable {
  let time = ManualTime()
  let queue = InMemoryQueueStore()
  let store: FaultyStore<InMemoryQueueStore>
  let transport: RecordingTransport
  let service: DeliveryService
  let logs = RecordingLog(level: .debug)
  let metrics = TestMetrics()
  let start: Timestamp
  private let ids = QueueIDGenerator()

  init(
    configuration: DeliveryConfiguration = .test,
    script: @escaping @Sendable (Claim) async -> DeliveryReport = { $0.report { .delivered($0) } }
  ) {
    store = FaultyStore(queue)
    transport = RecordingTransport(script: script)
    start = time.now()
    service = DeliveryService(
      store: store, transport: transport, time: time, configuration: configuration, logger: logs.logger,
      metrics: metrics)
  }

  func after(_ duration: Duration) -> Timestamp { start + duration }

  @discardableResult
  func enqueue(_ recipients: String..., wakes: Bool = true) async throws -> QueueID {
    try await enqueue(to: recipients.isEmpty ? ["user@example.org"] : recipients, wakes: wakes)
  }

  @discardableResult
  func enqueue(
    from sender: ReversePath = .null, to recipients: [String], tenant: String? = nil, wakes: Bool = true
  ) async throws -> QueueID {
    let paths = recipients.compactMap { ForwardPath($0) }
    let message = NewMessage(
      id: ids.next(at: time.now()), tenant: tenant, envelope: Envelope(reversePath: sender, recipients: paths),
      acceptedAt: time.now(), prefix: Array("Subject: test\r\n\r\n".utf8), body: .octets(Array("Hello\r\n".utf8)))
    try await queue.enqueue(message)
    if wakes { service.wake() }
    return message.id
  }

  /// Runs the service while `body` runs, then cancels it.
  func run(_ body: () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await service.run() }
      try await body()
      group.cancelAll()
      try await group.waitForAll()
    }
  }

  /// Runs the service in a group of the lifecycle's own, which `body` may shut down.
  func runInGroup(_ body: (ServiceGroup) async throws -> Void) async throws {
    let logger = Logger(label: "lifecycle", factory: { _ in SwiftLogNoOpLogHandler() })
    let services = ServiceGroup(configuration: ServiceGroupConfiguration(services: [service], logger: logger))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await services.run() }
      try await body(services)
      try await group.waitForAll()
    }
  }

  func recipient(_ id: QueueID, _ index: Int = 0) async throws -> RecipientStatus {
    let status = try #require(try await queue.status(of: id))
    return status.recipients[index]
  }
}

extension DeliveryConfiguration {
  /// No chance, no polls; and no limit but the workers, no pause of a site: the scheduler has tests of its own.
  static var test: DeliveryConfiguration {
    var configuration = DeliveryConfiguration()
    configuration.rules = .unlimited
    configuration.chance = { 0 }
    configuration.pollInterval = .seconds(100 * 86_400)
    return configuration
  }
}

extension Claim {
  /// The same for every recipient.
  func report(
    problem: String? = nil, _ outcome: (DeliveryReply) -> DeliveryOutcome
  ) -> DeliveryReport {
    let reply = DeliveryReply(problem: "scripted")
    return DeliveryReport(outcomes: recipients.map { _ in outcome(reply) }, hostProblem: problem)
  }
}

/// Holds whoever passes until it is opened.
final class Gate: Sendable {
  private struct State {
    var isOpen = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }
  private let state = Mutex(State())

  func pass() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiting.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }

  func open() {
    let waiting = state.withLock { state in
      state.isOpen = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }
}

/// Never returns, but for cancellation.
func untilCancelled() async {
  let gate = Gate()
  await withTaskCancellationHandler {
    await gate.pass()
  } onCancel: {
    gate.open()
  }
}
