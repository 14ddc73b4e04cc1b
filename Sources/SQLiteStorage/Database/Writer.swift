import DeliveryQueue
import Dispatch
package import GRDB
import GRDBSQLite
import Synchronization

/// One writer for every change of the database. Changes that come while a commit is under way join the next one, so
/// that many share one sync; no change waits for others to come.
package final class Writer: Sendable {
  /// Changes in one transaction at most.
  package static let batchLimit = 512
  /// Octets of content in one transaction at most, but for a single change that has more: what one transaction writes
  /// lies in memory until its commit, and holds up everybody who waits.
  package static let batchOctets = 16 << 20

  private struct State {
    var waiting: [any PendingChange] = []
    var isRunning = false
    /// Why no change is taken any more: the writer was closed, or the database failed.
    var refusal: QueueError?
    var commits = 0
    /// Who waits for a failure.
    var watchers: [Int: CheckedContinuation<QueueError?, Never>] = [:]
    var lastWatcher = 0
  }
  private let state = Mutex(State())
  private let queue: DatabaseQueue
  private let observer: @Sendable (_ changes: Int, _ duration: Duration) -> Void
  private let systemError: @Sendable (Database) -> Int32

  /// - Parameters:
  ///   - observer: is told of every transaction kept: its changes, and how long it took from its beginning to the end of
  ///     its commit. Called on the writer's own thread, before those who wait are answered.
  ///   - systemError: the system's own number for the connection's last error; tests bring their own.
  package init(
    _ queue: DatabaseQueue, observer: @escaping @Sendable (_ changes: Int, _ duration: Duration) -> Void = { _, _ in },
    systemError: @escaping @Sendable (Database) -> Int32 = { sqlite3_system_errno($0.sqliteConnection) }
  ) {
    (self.queue, self.observer, self.systemError) = (queue, observer, systemError)
  }

  /// Transactions committed so far.
  package var commits: Int { state.withLock { $0.commits } }

  /// Changes that wait for the next transaction.
  package var waiting: Int { state.withLock { $0.waiting.count } }

  /// Makes a change: all of it, on stable storage, or nothing.
  ///
  /// - Parameters:
  ///   - octets: about how much it writes, if that is much.
  ///   - change: touches nothing but the database, since it may be run again: where one change of a transaction fails
  ///     half-way, all of them are undone and made again one by one. It runs on the writer's own thread, whether or not
  ///     the caller's task is cancelled, and opens no transaction itself.
  /// - Throws: what `change` throws; or ``QueueError``: with ``QueueError/Code/insufficientStorage`` or
  ///   ``QueueError/Code/cannotWrite`` nothing was kept, with ``QueueError/Code/unknownOutcome`` it may have been.
  package func perform<Value: Sendable>(
    octets: Int = 0, _ change: @escaping @Sendable (Database) throws -> Value
  ) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      let pending = Change(make: change, octets: octets, continuation: continuation)
      let (refusal, starts) = state.withLock { state -> (QueueError?, Bool) in
        guard state.refusal == nil else { return (state.refusal, false) }
        state.waiting.append(pending)
        defer { state.isRunning = true }
        return (nil, !state.isRunning)
      }
      if let refusal { pending.conclude(refusal) }
      if starts { queue.asyncWriteWithoutTransaction { self.run(on: $0) } }
    }
  }

  /// Refuses further changes, waits for those under way, and closes the connection.
  func close() async {
    refuse(QueueError(.closed, "the store was closed"), overrides: false)
    await withCheckedContinuation { continuation in
      queue.asyncWriteWithoutTransaction { database in
        // So that the log is empty for those who read next; it is not needed for anything.
        _ = try? database.checkpoint(.truncate)
        continuation.resume()
      }
    }
    try? await DispatchQueue.global().perform { [queue] in try queue.close() }
  }

  private func run(on database: Database) {
    while let batch = nextBatch() { commit(batch, on: database) }
  }

  private func nextBatch() -> [any PendingChange]? {
    state.withLock { state in
      guard !state.waiting.isEmpty else {
        state.isRunning = false
        return nil
      }
      var octets = 0
      let fitting = state.waiting.prefix(Self.batchLimit).prefix { change in
        octets += change.octets
        return octets <= Self.batchOctets
      }
      let batch = Array(fitting.isEmpty ? state.waiting.prefix(1) : fitting)
      state.waiting.removeFirst(batch.count)
      return batch
    }
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

  private func commit(_ batch: [any PendingChange], on database: Database) {
    if let refusal = state.withLock({ $0.refusal }), refusal.code != .closed {
      return batch.forEach { $0.conclude(refusal) }
    }
    let start = ContinuousClock.now
    switch transact(batch, on: database) {
    case .kept:
      state.withLock { $0.commits += 1 }
      observer(batch.count, start.duration(to: .now))
      batch.forEach { $0.conclude(nil) }
    case .undone where batch.count > 1:
      for change in batch { commit([change], on: database) }
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

  private func transact(_ batch: [any PendingChange], on database: Database) -> Outcome {
    do {
      try database.beginTransaction(.immediate)
      for change in batch {
        let changes = database.totalChangesCount
        guard let error = change.make(on: database) else { continue }
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

// MARK: - Changes

private protocol PendingChange: Sendable {
  var octets: Int { get }
  /// Makes the change, and keeps what came of it. May be called again, after a rollback.
  func make(on database: Database) -> (any Error)?
  /// Answers the caller: with `failure`, or with what came of the change.
  func conclude(_ failure: (any Error)?)
}

private final class Change<Value: Sendable>: PendingChange {
  let octets: Int
  private let change: @Sendable (Database) throws -> Value
  private let continuation: CheckedContinuation<Value, any Error>
  private let result = Mutex<Result<Value, any Error>?>(nil)

  init(
    make change: @escaping @Sendable (Database) throws -> Value, octets: Int,
    continuation: CheckedContinuation<Value, any Error>
  ) {
    (self.change, self.octets, self.continuation) = (change, octets, continuation)
  }

  func make(on database: Database) -> (any Error)? {
    let made = Result { try change(database) }
    result.withLock { $0 = made }
    if case .failure(let error) = made { return error }
    return nil
  }

  func conclude(_ failure: (any Error)?) {
    if let failure { return continuation.resume(throwing: failure) }
    let made = result.withLock { $0 } ?? .failure(QueueError(.cannotWrite, "the change was not made"))
    continuation.resume(with: made.mapError(QueueError.undone))
  }
}
