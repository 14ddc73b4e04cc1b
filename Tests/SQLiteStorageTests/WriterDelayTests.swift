import DeliveryQueue
import Dispatch
import GRDB
import SQLiteStorage
import Synchronization
import Testing

@Suite(.serialized) struct WriterDelayTests {
  private let folders = TemporaryFolders()
  private let clock = SetClock()

  private func writer(committed: (@Sendable (Writer.Commit) -> Void)? = nil) throws -> (Writer, DatabaseQueue) {
    let queue = try DatabaseQueue(path: folders.newPath())
    try queue.write { try $0.execute(sql: "CREATE TABLE number (value INTEGER PRIMARY KEY)") }
    return (Writer(queue, clock: clock.clock, committed: committed), queue)
  }

  /// Begins a change that may wait, and returns when it does.
  private func begin(
    _ number: Int, on writer: Writer, delay: Duration, octets: Int = 0
  ) async -> Task<Void, any Error> {
    let waiting = writer.waiting
    let task = Task {
      try await writer.perform(octets: octets, delay: delay) {
        try $0.execute(sql: "INSERT INTO number VALUES (?)", arguments: [number])
      }
    }
    while writer.waiting == waiting { await Task.yield() }
    return task
  }

  /// How many transactions there were, once whatever was begun has ended.
  private func commits(_ writer: Writer, _ queue: DatabaseQueue) throws -> Int {
    try queue.read { _ in }
    return writer.commits
  }

  @Test func aChangeThatMayWaitIsMadeAtTheEndOfItsTime() async throws {
    let (writer, queue) = try writer()
    let change = await begin(1, on: writer, delay: .milliseconds(5))
    clock.set(.milliseconds(4))
    #expect(try commits(writer, queue) == 0)
    clock.set(.milliseconds(5))
    try await change.value
    #expect(writer.commits == 1)
  }

  @Test func aChangeThatMayNotWaitTakesThoseThatMay() async throws {
    let (writer, _) = try writer()
    let patient = [await begin(1, on: writer, delay: .seconds(5)), await begin(2, on: writer, delay: .seconds(1))]
    try await writer.perform { try $0.execute(sql: "INSERT INTO number VALUES (3)") }
    for change in patient { try await change.value }
    #expect(writer.commits == 1)
  }

  @Test func theLeastPatientChangeRules() async throws {
    let (writer, queue) = try writer()
    let changes = [
      await begin(1, on: writer, delay: .milliseconds(50)), await begin(2, on: writer, delay: .milliseconds(5)),
      await begin(3, on: writer, delay: .milliseconds(20)),
    ]
    clock.set(.milliseconds(5))
    for change in changes { try await change.value }
    #expect(writer.commits == 1)
    // The alarm for the others finds nothing to do, and later changes have their own.
    clock.set(.milliseconds(50))
    #expect(try commits(writer, queue) == 1)
    let later = await begin(4, on: writer, delay: .milliseconds(5))
    #expect(try commits(writer, queue) == 1)
    clock.set(.milliseconds(55))
    try await later.value
    #expect(writer.commits == 2)
  }

  @Test func aChangeThatComesDuringACommitKeepsItsTime() async throws {
    let (writer, queue) = try writer()
    let (urgent, gate) = await blocked(writer, failing: nil)
    let patient = await begin(1, on: writer, delay: .milliseconds(5))
    gate.signal()
    try await urgent.value
    #expect(try commits(writer, queue) == 1)
    clock.set(.milliseconds(5))
    try await patient.value
    #expect(writer.commits == 2)
  }

  @Test(arguments: [(511, 0), (512, 1), (513, 1)])
  func changesThatFillATransactionDoNotWait(changes: Int, transactions: Int) async throws {
    let (writer, queue) = try writer()
    try await fill(writer, queue, octets: Array(repeating: 0, count: changes), transactions: transactions)
  }

  @Test(arguments: [([8 << 20, (8 << 20) - 1], 0), ([8 << 20, 8 << 20], 1), ([8 << 20, (8 << 20) + 1], 1)])
  func octetsThatFillATransactionDoNotWait(octets: [Int], transactions: Int) async throws {
    let (writer, queue) = try writer()
    try await fill(writer, queue, octets: octets, transactions: transactions)
  }

  private func fill(_ writer: Writer, _ queue: DatabaseQueue, octets: [Int], transactions: Int) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for count in octets {
        group.addTask { try await writer.perform(octets: count, delay: .seconds(1)) { _ in } }
      }
      // All are there: each waits, or was made.
      while writer.waiting + writer.commits * (octets.count - writer.waiting) < octets.count { await Task.yield() }
      if transactions > 0 { while writer.commits == 0 { await Task.yield() } }
      #expect(try commits(writer, queue) == transactions)
      clock.set(.seconds(1))
      try await group.waitForAll()
    }
  }

  @Test func whatWaitsWhenTheWriterIsClosedIsMade() async throws {
    let folder = try await folders.open()
    let writer = folder.resources.writer
    try await writer.perform { try $0.execute(sql: "CREATE TABLE number (value INTEGER PRIMARY KEY)") }
    let change = await begin(1, on: writer, delay: .seconds(3600))
    await folder.close()
    try await change.value
    let again = try await folders.open(folder.path)
    #expect(try await again.resources.writer.perform { try Int.fetchAll($0, sql: "SELECT value FROM number") } == [1])
  }

  @Test func whatWaitsWhenTheDatabaseFailsIsRefusedAtOnce() async throws {
    let (writer, _) = try writer()
    let (urgent, gate) = await blocked(writer, failing: DatabaseError(resultCode: .SQLITE_IOERR_WRITE))
    let patient = await begin(1, on: writer, delay: .seconds(3600))
    gate.signal()
    for change in [urgent, patient] {
      await #expect { try await change.value } throws: { code($0) == .cannotWrite }
    }
  }

  @Test func aChangeWhoseCallerIsCancelledIsMade() async throws {
    let (writer, queue) = try writer()
    let change = await begin(7, on: writer, delay: .milliseconds(5))
    change.cancel()
    clock.set(.milliseconds(5))
    try await change.value
    #expect(try await queue.read { try Int.fetchAll($0, sql: "SELECT value FROM number") } == [7])
  }

  @Test func everyCommitIsToldOf() async throws {
    let told = Mutex<[Int]>([])
    let (writer, _) = try writer { commit in told.withLock { $0.append(commit.changes) } }
    try await writer.perform { _ in }
    let patient = await begin(1, on: writer, delay: .seconds(1))
    try await writer.perform { _ in }
    try await patient.value
    #expect(told.withLock { $0 } == [1, 2])
  }

  /// A change under way that ends when the gate is opened.
  private func blocked(
    _ writer: Writer, failing error: DatabaseError?
  ) async -> (Task<Void, any Error>, DispatchSemaphore) {
    let gate = DispatchSemaphore(value: 0)
    let (begun, begin) = AsyncStream.makeStream(of: Void.self)
    let task = Task {
      try await writer.perform { _ in
        begin.finish()
        gate.wait()
        if let error { throw error }
      }
    }
    for await _ in begun {}
    return (task, gate)
  }
}

/// A writer's clock that a test sets forward.
final class SetClock: Sendable {
  private struct State {
    var now = Duration.zero
    var alarms: [(instant: Duration, body: @Sendable () -> Void)] = []
  }
  private let state = Mutex(State())

  var clock: WriterClock {
    WriterClock {
      self.state.withLock { $0.now }
    } wake: { instant, body in
      self.state.withLock { $0.alarms.append((instant, body)) }
    }
  }

  /// Sets the time, and rings what was to ring by then.
  func set(_ now: Duration) {
    let due = state.withLock { state in
      state.now = now
      defer { state.alarms.removeAll { $0.instant <= now } }
      return state.alarms.filter { $0.instant <= now }
    }
    for alarm in due { alarm.body() }
  }
}
