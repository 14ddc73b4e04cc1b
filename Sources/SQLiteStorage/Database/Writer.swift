import DeliveryQueue
import Dispatch
package import GRDB
import GRDBSQLite
import Synchronization

/// One writer for every change of the database. Changes that come while a commit is under way join the next one, so
/// that many share one sync.
///
/// A change may say that it can wait for others. A transaction begins when the first of those that wait can wait no
/// longer, or when they fill it, and takes all: so those that have time ride with those that have none.
package final class Writer: Sendable {
  /// Changes in one transaction at most.
  package static let batchLimit = 512
  /// Octets of content in one transaction at most, but for a single change that has more: what one transaction writes
  /// lies in memory until its commit, and holds up everybody who waits.
  package static let batchOctets = 16 << 20

  /// A transaction that was committed.
  package struct Commit: Sendable {
    /// Changes in it.
    package var changes: Int
    /// From its begin until it was on stable storage.
    package var duration: Duration
  }

  fileprivate struct State {
    var line = WaitingLine()
    var isRunning = false
    /// For when the alarm is set; `nil` where it is not.
    var alarm: Duration?
    /// Why no change is taken any more: the writer was closed, or the database failed.
    var refusal: QueueError?
    var commits = 0
    /// Who waits for a failure.
    var watchers: [Int: CheckedContinuation<QueueError?, Never>] = [:]
    var lastWatcher = 0
  }
  private let state = Mutex(State())
  private let queue: DatabaseQueue
  private let clock: WriterClock
  private let committed: (@Sendable (Commit) -> Void)?
  private let systemError: @Sendable (Database) -> Int32

  /// - Parameters:
  ///   - clock: the machine's; tests bring their own.
  ///   - committed: hears of every commit, on the writer's thread, before those who wait for it; must be quick.
  ///   - systemError: the system's own number for the connection's last error; tests bring their own.
  package init(
    _ queue: DatabaseQueue, clock: WriterClock = .system, committed: (@Sendable (Commit) -> Void)? = nil,
    systemError: @escaping @Sendable (Database) -> Int32 = { sqlite3_system_errno($0.sqliteConnection) }
  ) {
    (self.queue, self.clock, self.committed, self.systemError) = (queue, clock, committed, systemError)
  }

  /// Transactions committed so far.
  package var commits: Int { state.withLock { $0.commits } }

  /// Changes that wait for the next transaction.
  package var waiting: Int { state.withLock { $0.line.count } }

  /// Makes a change: all of it, on stable storage, or nothing.
  ///
  /// - Parameters:
  ///   - octets: about how much it writes, if that is much.
  ///   - delay: how long it may wait for others, in addition to a commit that is under way.
  ///   - change: touches nothing but the database, since it may be run again: where one change of a transaction fails
  ///     half-way, all of them are undone and made again one by one. It runs on the writer's own thread, whether or not
  ///     the caller's task is cancelled, and opens no transaction itself.
  /// - Throws: what `change` throws; or ``QueueError``: with ``QueueError/Code/insufficientStorage`` or
  ///   ``QueueError/Code/cannotWrite`` nothing was kept, with ``QueueError/Code/unknownOutcome`` it may have been.
  package func perform<Value: Sendable>(
    octets: Int = 0, delay: Duration = .zero, _ change: @escaping @Sendable (Database) throws -> Value
  ) async throws -> Value {
    try await perform(octets: octets, delay: delay) { (statements: QueueStatements) in try change(statements.database) }
  }

  /// The same for a change that every message brings.
  func perform<Value: Sendable>(
    octets: Int = 0, delay: Duration = .zero, _ change: @escaping @Sendable (QueueStatements) throws -> Value
  ) async throws -> Value {
    let now = delay > .zero ? clock.now() : .zero
    return try await withUnsafeThrowingContinuation { continuation in
      let pending = PendingChange(octets: octets, latest: now + delay, continuation: continuation, change)
      let (refusal, step) = state.withLock { state -> (QueueError?, Step) in
        guard state.refusal == nil else { return (state.refusal, .none) }
        state.line.append(pending)
        return (nil, state.step(at: now))
      }
      if let refusal { pending.conclude(refusal) }
      take(step)
    }
  }

  /// Refuses further changes, makes those that wait, and closes the connection.
  func close() async {
    refuse(QueueError(.closed, "the store was closed"), overrides: false)
    advance()
    await withCheckedContinuation { continuation in
      queue.asyncWriteWithoutTransaction { database in
        // So that the log is empty for those who read next; it is not needed for anything.
        _ = try? database.checkpoint(.truncate)
        continuation.resume()
      }
    }
    try? await DispatchQueue.global().perform { [queue] in try queue.close() }
  }
}

// MARK: - When

extension Writer {
  /// What is to be done about the changes that wait.
  fileprivate enum Step {
    case none
    /// They are to be made.
    case run
    /// They have time until then.
    case wake(at: Duration)
  }

  private func take(_ step: Step) {
    switch step {
    case .none: break
    case .run: queue.asyncWriteWithoutTransaction { self.run(on: $0) }
    case .wake(let instant): clock.wake(instant) { self.alarm(of: instant) }
    }
  }

  private func alarm(of instant: Duration) {
    state.withLock { if $0.alarm == instant { $0.alarm = nil } }
    advance()
  }

  private func advance() {
    let now = clock.now()
    take(state.withLock { $0.step(at: now) })
  }

  private func run(on database: Database) {
    let statements = QueueStatements(database)
    while true {
      let now = clock.now()
      let (batch, step) = state.withLock { $0.next(at: now) }
      guard let batch else { return take(step) }
      commit(batch, with: statements)
    }
  }
}

extension Writer.State {
  /// Whether what waits is to be made now. After a refusal, nothing waits any longer.
  private func isTime(at now: Duration) -> Bool {
    guard let latest = line.latest else { return false }
    return latest <= now || line.isFull || refusal != nil
  }

  /// What to do when something may have changed.
  fileprivate mutating func step(at now: Duration) -> Writer.Step {
    guard !isRunning, let latest = line.latest else { return .none }
    if isTime(at: now) {
      isRunning = true
      return .run
    }
    if let alarm, alarm <= latest { return .none }
    alarm = latest
    return .wake(at: latest)
  }

  /// What to do when a transaction has ended: the next one, or how to go on without.
  fileprivate mutating func next(at now: Duration) -> ([PendingChange]?, Writer.Step) {
    if isTime(at: now) { return (line.takeBatch(), .none) }
    isRunning = false
    return (nil, step(at: now))
  }
}

// MARK: - The end

extension Writer {
  /// Waits until the database has failed.
  ///
  /// - Returns: how; `nil` when the writer was closed or the task cancelled.
  func failure() async -> QueueError? {
    let key = state.withLock { state in
      state.lastWatcher += 1
      return state.lastWatcher
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let (isOver, refusal) = state.withLock { state in
          if state.refusal != nil || Task.isCancelled { return (true, state.refusal) }
          state.watchers[key] = continuation
          return (false, nil)
        }
        if isOver { continuation.resume(returning: refusal?.ifFailure) }
      }
    } onCancel: {
      state.withLock { $0.watchers.removeValue(forKey: key) }?.resume(returning: nil)
    }
  }

  private func refuse(_ refusal: QueueError, overrides: Bool) {
    let (refusal, watchers) = state.withLock { state in
      state.refusal = overrides ? refusal : state.refusal ?? refusal
      defer { state.watchers = [:] }
      return (state.refusal, state.watchers)
    }
    for watcher in watchers.values { watcher.resume(returning: refusal?.ifFailure) }
  }
}

extension QueueError {
  /// The error, unless it only says that the store was closed.
  fileprivate var ifFailure: QueueError? { code == .closed ? nil : self }
}

// MARK: - Transactions

extension Writer {
  private enum Outcome {
    case kept
    case undone(any Error)
    /// As `undone`, and nothing more may be written.
    case broken(any Error)
    /// The commit failed in a way that may leave it to be found after a crash.
    case unknown(any Error)
  }

  private func commit(_ batch: [PendingChange], with statements: QueueStatements) {
    if let refusal = state.withLock({ $0.refusal }), refusal.code != .closed {
      return batch.forEach { $0.conclude(refusal) }
    }
    let start = committed == nil ? .zero : clock.now()
    switch transact(batch, with: statements) {
    case .kept:
      state.withLock { $0.commits += 1 }
      committed?(Commit(changes: batch.count, duration: clock.now() - start))
      batch.forEach { $0.conclude(nil) }
    case .undone(let error) where batch.count > 1 && (error as? DatabaseError)?.resultCode != .SQLITE_BUSY:
      for change in batch { commit([change], with: statements) }
    case .undone(let error):
      batch.forEach { $0.conclude(QueueError.undone(error)) }
    case .broken(let error):
      stop(error)
      batch.forEach { $0.conclude(QueueError.undone(error)) }
    case .unknown(let error):
      stop(error)
      let failure = QueueError(.unknownOutcome, "a commit failed; it may have been kept", cause: error)
      batch.forEach { $0.conclude(failure) }
    }
  }

  private func stop(_ error: any Error) {
    refuse(
      QueueError(.cannotWrite, "the database failed earlier and takes nothing more", cause: error), overrides: true)
  }

  private func transact(_ batch: [PendingChange], with statements: QueueStatements) -> Outcome {
    let database = statements.database
    do {
      try database.beginTransaction(.immediate)
      for change in batch {
        let changes = database.totalChangesCount
        guard let error = change.make(statements) else { continue }
        // A change that failed before it had an effect has kept its error, and harms no other.
        let isHarmless =
          !(error is DatabaseError) || (error as? DatabaseError)?.resultCode == .SQLITE_CONSTRAINT
        guard isHarmless, changes == database.totalChangesCount, database.isInsideTransaction else { throw error }
      }
    } catch {
      let error = recognized(error, on: database)
      return undo(on: database) && !QueueError.isFatal(error) ? .undone(error) : .broken(error)
    }
    do {
      try database.commit()
      return .kept
    } catch {
      let error = recognized(error, on: database)
      return undo(on: database) && leavesNothing(error) ? .undone(error) : .unknown(error)
    }
  }

  /// The error, where a quota that is used up is told like a disk that is full. To be asked before anything else is done
  /// with the connection.
  private func recognized(_ error: any Error, on database: Database) -> any Error {
    guard let failure = error as? DatabaseError,
      Connections.isQuotaUsedUp(failure.extendedResultCode, systemError(database))
    else { return error }
    return DatabaseError(resultCode: .SQLITE_FULL, message: "the quota is used up")
  }

  /// Whether a commit that failed like this has certainly not reached the disk.
  private func leavesNothing(_ error: any Error) -> Bool {
    switch (error as? DatabaseError)?.resultCode {
    case .SQLITE_FULL?, .SQLITE_CONSTRAINT?, .SQLITE_BUSY?: true
    default: false
    }
  }

  /// - Returns: `false` where the transaction could not be ended.
  private func undo(on database: Database) -> Bool {
    guard database.isInsideTransaction else { return true }
    do {
      try database.rollback()
      return true
    } catch {
      return false
    }
  }
}
