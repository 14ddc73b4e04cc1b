import DeliveryQueue
import Logging
import MailModel
import Metrics
import MetricsTestKit
import SMTPTesting
import ServiceLifecycle
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(10))) struct QueueMonitorTests {
  private let time = ManualTime()
  private let metrics = TestMetrics()
  private let logs = RecordingLog(level: .debug)

  private func monitor(_ queue: any QueueInspection, every interval: Duration = .seconds(15)) -> QueueMonitor {
    QueueMonitor(
      queue: queue, every: interval, time: time, logger: logs.logger, metrics: metrics)
  }

  private func gauge(_ name: String, state: String? = nil) -> Double? {
    metrics.meters(label: "submission.queue.\(name)", dimensions: state.map { [("state", $0)] } ?? []).first?.lastValue
  }

  private var levels: [Logger.Level] { logs.lines.map(\.level) }

  private func run(_ monitor: QueueMonitor, _ body: () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await monitor.run() }
      try await body()
      group.cancelAll()
      try await group.waitForAll()
    }
  }

  @Test func theFiguresOfASummary() async throws {
    let start = time.now()
    let queue = ScriptedInspection(
      QueueSummary(
        messages: 7, octets: 4_000_000_000_000, recipients: [.queued: 5, .deferred: 3, .held: 2], oldest: start))
    try await run(monitor(queue)) {
      await time.sleeper(until: start + .seconds(15))
      #expect(gauge("messages") == 7)
      #expect(gauge("octets") == 4_000_000_000_000)
      #expect(gauge("recipients", state: "queued") == 5)
      #expect(gauge("recipients", state: "deferred") == 3)
      #expect(gauge("recipients", state: "held") == 2)
      #expect(gauge("oldest.age") == 0)
      time.advance(by: .milliseconds(15_500))
      await time.sleeper(until: start + .milliseconds(30_500))
      #expect(gauge("oldest.age") == 15.5)
      queue.answer = .success(QueueSummary())
      time.advance(by: .seconds(15))
      await time.sleeper(until: start + .milliseconds(45_500))
      for name in ["messages", "octets", "oldest.age"] { #expect(gauge(name) == 0) }
      for state in ["queued", "deferred", "held"] { #expect(gauge("recipients", state: state) == 0) }
    }
    #expect(logs.lines.isEmpty)
  }

  @Test func aCalendarSetBackMakesNoNegativeAge() async throws {
    let queue = ScriptedInspection(QueueSummary(messages: 1, oldest: time.now() + .seconds(3600)))
    try await run(monitor(queue)) {
      await time.sleeper(until: time.now() + .seconds(15))
      #expect(gauge("oldest.age") == 0)
    }
  }

  @Test func aRealQueue() async throws {
    let rig = DeliveryRig()
    try await rig.enqueue("a@example.org", "b@example.org")
    let monitor = QueueMonitor(
      queue: rig.queue, time: rig.time, logger: logs.logger, metrics: metrics)
    try await run(monitor) {
      await rig.time.sleeper(until: rig.after(.seconds(15)))
      #expect(gauge("messages") == 1)
      #expect(gauge("octets") == 24)
      #expect(gauge("recipients", state: "queued") == 2)
    }
  }

  @Test func troubleIsToldOnceAndSurvived() async throws {
    let start = time.now()
    let queue = ScriptedInspection(QueueSummary(messages: 7))
    try await run(monitor(queue)) {
      await time.sleeper(until: start + .seconds(15))
      queue.answer = .failure(QueueError(.damaged, "a page is gone"))
      for step in 1...3 {
        time.advance(by: .seconds(15))
        await time.sleeper(until: start + .seconds(15 * (step + 1)))
      }
      #expect(levels == [.error])
      #expect(gauge("messages") == 7)
      queue.answer = .success(QueueSummary(messages: 8))
      time.advance(by: .seconds(15))
      await time.sleeper(until: start + .seconds(75))
      #expect(gauge("messages") == 8)
      #expect(levels == [.error, .notice])
      queue.answer = .failure(QueueError(.damaged, "another page is gone"))
      time.advance(by: .seconds(15))
      await time.sleeper(until: start + .seconds(90))
      #expect(levels == [.error, .notice, .error])
    }
  }

  @Test(arguments: [(0, 1_000), (999, 1_000), (1_000, 1_000), (1_001, 1_001)])
  func itNeverSpins(interval: Int, pause: Int) async throws {
    let start = time.now()
    try await run(monitor(ScriptedInspection(QueueSummary()), every: .milliseconds(interval))) {
      await time.sleeper(until: start + .milliseconds(pause))
    }
  }

  @Test func aGracefulShutdownEndsIt() async throws {
    let quiet = Logger(label: "lifecycle", factory: { _ in SwiftLogNoOpLogHandler() })
    let monitor = monitor(ScriptedInspection(QueueSummary()))
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [.init(service: monitor, successTerminationBehavior: .gracefullyShutdownGroup)], logger: quiet))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      await time.sleeper(until: time.now() + .seconds(15))
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }
}

/// Answers as it was told.
private final class ScriptedInspection: QueueInspection {
  private let kept: Mutex<Result<QueueSummary, QueueError>>

  init(_ summary: QueueSummary) { kept = Mutex(.success(summary)) }

  var answer: Result<QueueSummary, QueueError> {
    get { kept.withLock { $0 } }
    set { kept.withLock { $0 = newValue } }
  }

  func summary() async throws -> QueueSummary { try answer.get() }
  func status(of id: QueueID) async throws -> MessageStatus? { nil }
  func messages(_ selection: QueueSelection, after id: QueueID?, limit: Int) async throws -> [MessageStatus] { [] }
  func counts(_ selection: QueueSelection, by grouping: QueueGrouping, limit: Int) async throws -> [QueueCount] { [] }
  func recipientCounts() async throws -> [RecipientState: Int] { [:] }
}
