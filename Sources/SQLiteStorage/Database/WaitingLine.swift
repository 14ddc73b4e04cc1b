import DeliveryQueue
import Synchronization

/// A change that waits for its transaction.
protocol PendingChange: Sendable {
  /// About how much it writes.
  var octets: Int { get }
  /// Until when it may wait, by the writer's clock.
  var latest: Duration { get }
  /// Makes the change, and keeps what came of it. May be called again, after a rollback.
  func make(with statements: QueueStatements) -> (any Error)?
  /// Answers the caller: with `failure`, or with what came of the change.
  func conclude(_ failure: (any Error)?)
}

/// Changes in the order in which they came.
struct WaitingLine {
  private var changes: [any PendingChange] = []
  private var octets = 0
  /// Until when the least patient of them may wait; `nil` where there is none.
  private(set) var latest: Duration?

  var count: Int { changes.count }

  /// Whether they fill a transaction.
  var isFull: Bool { changes.count >= Writer.batchLimit || octets >= Writer.batchOctets }

  mutating func append(_ change: any PendingChange) {
    changes.append(change)
    octets += change.octets
    latest = min(latest ?? change.latest, change.latest)
  }

  /// Takes as many as fit into one transaction, but one at least.
  mutating func takeBatch() -> [any PendingChange] {
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

/// A change, who waits for it, and what came of it.
final class Change<Value: Sendable>: PendingChange {
  let octets: Int
  let latest: Duration
  private let change: @Sendable (QueueStatements) throws -> Value
  private let continuation: CheckedContinuation<Value, any Error>
  private let result = Mutex<Result<Value, any Error>?>(nil)

  init(
    make change: @escaping @Sendable (QueueStatements) throws -> Value, octets: Int, latest: Duration,
    continuation: CheckedContinuation<Value, any Error>
  ) {
    (self.change, self.octets, self.latest, self.continuation) = (change, octets, latest, continuation)
  }

  func make(with statements: QueueStatements) -> (any Error)? {
    let made = Result { try change(statements) }
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
