import Dispatch
import Synchronization

/// Runs long computations on threads of its own: so many at once, and so many that wait their turn, first come first
/// served. Neither event loops nor the tasks of others feel it.
final class SlowWork: Sendable {
  typealias Outcome = Result<[UInt8], AuthenticationError>

  private struct Job: Sendable {
    var number: Int
    var work: @Sendable () -> Outcome
    var continuation: CheckedContinuation<Outcome, Never>
  }

  private struct State: Sendable {
    var idleThreads: [Int]
    var waiting: [Job] = []
    var lastNumber = 0
  }

  private enum Admission {
    case start(thread: Int)
    case wait
    case refuse(AuthenticationError)
  }

  // Each of these queues is serial, since a serial queue gets a thread that belongs to no pool. A concurrent queue
  // would borrow those on which tasks run.
  private let threads: [DispatchQueue]
  private let waitingLimit: Int
  private let state: Mutex<State>

  /// - Parameters:
  ///   - threads: at least one is had in any case.
  ///   - waiting: how many may wait beside those that run.
  init(threads: Int, waiting: Int) {
    self.threads = (0..<max(1, threads)).map { DispatchQueue(label: "slow-verification-\($0)") }
    waitingLimit = waiting
    state = Mutex(State(idleThreads: Array(self.threads.indices)))
  }

  /// What `work` gives; or an error where too many wait already, or the task is cancelled before its turn has come.
  func perform(_ work: @escaping @Sendable () -> Outcome) async -> Outcome {
    let number = state.withLock { state in
      state.lastNumber += 1
      return state.lastNumber
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { admit(Job(number: number, work: work, continuation: $0)) }
    } onCancel: {
      cancel(number)
    }
  }

  /// How many wait.
  var waitingCount: Int { state.withLock { $0.waiting.count } }

  private func admit(_ job: Job) {
    let admission: Admission = state.withLock { state in
      // Asked under the lock: whoever cancels after this finds the job in the list.
      if Task.isCancelled { return .refuse(.cancelled) }
      if let thread = state.idleThreads.popLast() { return .start(thread: thread) }
      guard state.waiting.count < waitingLimit else { return .refuse(.overloaded) }
      state.waiting.append(job)
      return .wait
    }
    switch admission {
    case .start(let thread): threads[thread].async { self.run(job, onThread: thread) }
    case .wait: break
    case .refuse(let error): job.continuation.resume(returning: .failure(error))
    }
  }

  private func cancel(_ number: Int) {
    let job = state.withLock { state in
      state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0) }
    }
    job?.continuation.resume(returning: .failure(.cancelled))
  }

  private func run(_ first: Job, onThread thread: Int) {
    var next: Job? = first
    while let job = next {
      job.continuation.resume(returning: job.work())
      next = state.withLock { state in
        guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
        state.idleThreads.append(thread)
        return nil
      }
    }
  }
}

extension AuthenticationError {
  fileprivate static let cancelled = AuthenticationError(.cancelled, "the client went away")
  fileprivate static let overloaded = AuthenticationError(.overloaded, "too many slow verifications wait")
}
