import Synchronization

/// A value that changes under a lock, and whose changes can be awaited.
final class Watched<Value: Sendable>: Sendable {
  private struct Watcher: Sendable {
    var isSatisfied: @Sendable (Value) -> Bool
    var continuation: CheckedContinuation<Void, Never>
  }
  private struct State: Sendable {
    var value: Value
    var watchers: [Int: Watcher] = [:]
    var lastWatcher = 0
  }
  private let state: Mutex<State>

  init(_ value: Value) { state = Mutex(State(value: value)) }

  var value: Value { state.withLock { $0.value } }

  @discardableResult
  func change<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
    let (result, satisfied) = state.withLock { state in
      let result = body(&state.value)
      let satisfied = state.watchers.filter { $0.value.isSatisfied(state.value) }
      for key in satisfied.keys { state.watchers[key] = nil }
      return (result, satisfied)
    }
    for key in satisfied.keys.sorted() { satisfied[key]?.continuation.resume() }
    return result
  }

  /// Returns when the value satisfies `condition`, or when the task is cancelled.
  func until(_ condition: @escaping @Sendable (Value) -> Bool) async {
    let key = state.withLock { state in
      state.lastWatcher += 1
      return state.lastWatcher
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isSatisfied = state.withLock { state in
          if Task.isCancelled || condition(state.value) { return true }
          state.watchers[key] = Watcher(isSatisfied: condition, continuation: continuation)
          return false
        }
        if isSatisfied { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.watchers.removeValue(forKey: key) }?.continuation.resume()
    }
  }
}
