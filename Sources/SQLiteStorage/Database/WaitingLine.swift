import DeliveryQueue
import Synchronization

/// A change that waits for its transaction.
struct PendingChange: Sendable {
  /// About how much it writes.
  var octets: Int
  /// Until when it may wait, by the writer's clock.
  var latest: Duration
  /// Makes the change, and keeps what came of it. May be called again, after a rollback.
  var make: @Sendable (QueueStatements) -> (any Error)?
  /// Answers the caller: with an error, or with what came of the change.
  var conclude: @Sendable ((any Error)?) -> Void
}

extension PendingChange {
  /// A change, and who waits for it. Its continuation is an unsafe one, which costs less: every change of the line is
  /// concluded, and only once.
  init<Value: Sendable>(
    octets: Int, latest: Duration, continuation: UnsafeContinuation<Value, any Error>,
    _ change: @escaping @Sendable (QueueStatements) throws -> Value
  ) {
    let outcome = Outcome<Value>()
    (self.octets, self.latest) = (octets, latest)
    make = { statements in
      do {
        let value = try change(statements)
        outcome.result.withLock { $0 = .success(value) }
        return nil
      } catch {
        outcome.result.withLock { $0 = .failure(error) }
        return error
      }
    }
    conclude = { failure in
      if let failure { return continuation.resume(throwing: failure) }
      continuation.resume(with: outcome.result.withLock { $0 }.mapError(QueueError.undone))
    }
  }

  /// What came of a change.
  private final class Outcome<Value: Sendable>: Sendable {
    let result = Mutex<Result<Value, any Error>>(.failure(QueueError(.cannotWrite, "the change was not made")))
  }
}

/// Changes in the order in which they came.
struct WaitingLine {
  private var changes: [PendingChange] = []
  private var octets = 0
  /// Until when the least patient of them may wait; `nil` where there is none.
  private(set) var latest: Duration?

  var count: Int { changes.count }

  /// Whether they fill a transaction.
  var isFull: Bool { changes.count >= Writer.batchLimit || octets >= Writer.batchOctets }

  mutating func append(_ change: PendingChange) {
    changes.append(change)
    octets += change.octets
    latest = min(latest ?? change.latest, change.latest)
  }

  /// Takes as many as fit into one transaction, but one at least.
  mutating func takeBatch() -> [PendingChange] {
    if changes.count <= Writer.batchLimit, octets <= Writer.batchOctets {
      defer { self = WaitingLine() }
      return changes
    }
    var sum = 0
    let fitting = changes.prefix(Writer.batchLimit).prefix { change in
      sum += change.octets
      return sum <= Writer.batchOctets
    }
    let batch = Array(fitting.isEmpty ? changes.prefix(1) : fitting)
    changes.removeFirst(batch.count)
    octets = changes.reduce(0) { $0 + $1.octets }
    latest = changes.map(\.latest).min()
    return batch
  }
}
