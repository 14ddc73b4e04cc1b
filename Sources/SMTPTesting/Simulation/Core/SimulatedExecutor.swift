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
    /// Which thread ran the loop at last.
    var last: pthread_t?
    /// Threads, neither that nor the loop's, from which a job came while the loop did not run.
    var strangers: [pthread_t] = []
    var foreign = false
  }
  private let state = Mutex(State())

  func add(_ job: UnownedJob, isMachine: Bool) {
    let thread = pthread_self()
    state.withLock { state in
      state.jobs.append(Job(job: job, isMachine: isMachine))
      guard let known = state.loop ?? state.last, pthread_equal(known, thread) == 0 else { return }
      if state.loop != nil { state.foreign = true } else { state.strangers.append(thread) }
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

  /// Whether a job came from another thread than the loop's; between two runs, from one that has run none of them.
  var hasForeign: Bool { state.withLock { $0.foreign } }

  /// This thread runs the loop from now on. What it added before it did is nothing foreign: a test may have gone on there.
  ///
  /// - Returns: `false` where some thread does so already.
  func beginLoop() -> Bool {
    let thread = pthread_self()
    return state.withLock { state in
      guard state.loop == nil else { return false }
      state.loop = thread
      if state.strangers.contains(where: { pthread_equal($0, thread) == 0 }) { state.foreign = true }
      state.strangers = []
      return true
    }
  }

  func endLoop() { state.withLock { state in state.last = state.loop.take() } }

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
