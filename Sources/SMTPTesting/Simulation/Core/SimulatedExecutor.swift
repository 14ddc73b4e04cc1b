import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Jobs that are ready to run, until the loop runs them.
final class ReadyJobs: Sendable {
  struct Job: Sendable {
    var job: UnownedJob
    /// Whether it belongs to an actor of the simulation, rather than to no actor.
    var isMachine: Bool
  }
  private struct State: Sendable {
    var jobs: [Job] = []
    var loop: pthread_t?
    var foreign = false
  }
  private let state = Mutex(State())

  func add(_ job: UnownedJob, isMachine: Bool) {
    let thread = pthread_self()
    state.withLock { state in
      if let loop = state.loop, pthread_equal(loop, thread) == 0 { state.foreign = true }
      state.jobs.append(Job(job: job, isMachine: isMachine))
    }
  }

  /// One of those that are ready; with their number, `pick` says which.
  func take(_ pick: (Int) -> Int) -> Job? {
    let count = state.withLock { $0.jobs.count }
    guard count > 0 else { return nil }
    // Others may only add meanwhile.
    let place = count == 1 ? 0 : pick(count)
    return state.withLock { state in
      state.jobs.swapAt(place, state.jobs.count - 1)
      return state.jobs.removeLast()
    }
  }

  var isEmpty: Bool { state.withLock { $0.jobs.isEmpty } }

  /// Whether, while the loop ran, a job came from another thread than the loop's.
  var hasForeign: Bool { state.withLock { $0.foreign } }

  /// This thread runs the loop from now on.
  ///
  /// - Returns: `false` where some thread does so already.
  func beginLoop() -> Bool {
    let thread = pthread_self()
    return state.withLock { state in
      guard state.loop == nil else { return false }
      state.loop = thread
      return true
    }
  }

  func endLoop() { state.withLock { $0.loop = nil } }

  /// Whether this is the thread that runs the loop.
  var isOnLoop: Bool {
    let thread = pthread_self()
    return state.withLock { state in state.loop.map { pthread_equal($0, thread) != 0 } ?? false }
  }
}

/// Where tasks of the simulation run that are at no actor.
final class SimulatedExecutor: TaskExecutor {
  private let ready: ReadyJobs

  init(_ ready: ReadyJobs) { self.ready = ready }

  func enqueue(_ job: consuming ExecutorJob) { ready.add(UnownedJob(job), isMachine: false) }
}

/// Where the actors run that drive the protocol's machines. Since one loop runs everything, what it calls may enter any of
/// them by `assumeIsolated`.
final class MachineExecutor: SerialExecutor {
  private let ready: ReadyJobs

  init(_ ready: ReadyJobs) { self.ready = ready }

  func enqueue(_ job: consuming ExecutorJob) { ready.add(UnownedJob(job), isMachine: true) }

  func checkIsolated() { precondition(ready.isOnLoop, "only the simulation's loop may enter its actors") }
}
