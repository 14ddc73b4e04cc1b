import DeliveryQueue
import Dispatch
package import GRDB

/// A connection that reads, one reading at a time, on its own thread.
package final class Reader: Sendable {
  private let queue: DatabaseQueue

  init(_ queue: DatabaseQueue) { self.queue = queue }

  /// Reads one state of the database. Goes on when the caller's task is cancelled.
  ///
  /// - Throws: what `body` throws; for SQLite's own errors a ``QueueError``.
  package func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      queue.asyncRead { [path = queue.path] database in
        let value = Result { try body(database.get()) }
        continuation.resume(with: value.mapError { QueueError.unread($0, in: path) })
      }
    }
  }

  func close() async { try? await DispatchQueue.global().perform { [queue] in try queue.close() } }
}

extension DispatchQueue {
  /// Runs what blocks outside the threads that tasks run on.
  func perform<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      async { continuation.resume(with: Result { try body() }) }
    }
  }
}
