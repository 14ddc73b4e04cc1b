import Synchronization

/// A value that comes once, and those who wait for it.
final class Latch<Value: Sendable>: Sendable {
  private enum State {
    case waiting([Int: CheckedContinuation<Value, any Error>], next: Int)
    case settled(Result<Value, any Error>)
  }

  private let state = Mutex(State.waiting([:], next: 0))

  /// Gives the value, or why there will be none. The first time counts.
  func settle(_ result: Result<Value, any Error>) {
    let waiters = state.withLock { state -> [CheckedContinuation<Value, any Error>] in
      guard case .waiting(let waiters, _) = state else { return [] }
      state = .settled(result)
      return Array(waiters.values)
    }
    for waiter in waiters { waiter.resume(with: result) }
  }

  /// Waits for the value.
  ///
  /// - Throws: why there is none; `CancellationError` where the task is cancelled first.
  func value() async throws -> Value {
    let ticket = state.withLock { state -> Int in
      guard case .waiting(let waiters, let next) = state else { return 0 }
      state = .waiting(waiters, next: next + 1)
      return next
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        // A cancellation that came before is seen here, a later one finds the continuation.
        let result = state.withLock { state -> Result<Value, any Error>? in
          switch state {
          case .settled(let result): return result
          case .waiting where Task.isCancelled: return .failure(CancellationError())
          case .waiting(var waiters, let next):
            waiters[ticket] = continuation
            state = .waiting(waiters, next: next)
            return nil
          }
        }
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      let waiter = state.withLock { state -> CheckedContinuation<Value, any Error>? in
        guard case .waiting(var waiters, let next) = state else { return nil }
        let waiter = waiters.removeValue(forKey: ticket)
        state = .waiting(waiters, next: next)
        return waiter
      }
      waiter?.resume(throwing: CancellationError())
    }
  }
}
