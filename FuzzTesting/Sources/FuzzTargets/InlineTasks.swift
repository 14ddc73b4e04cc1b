import Synchronization

/// Runs tasks on the thread that waits for them, in the order in which they become ready. So what is asynchronous can be looked at
/// within a function that is not, takes the same way each time, and no thread is handed over to.
final class InlineTasks: TaskExecutor {
  private let jobs = Mutex<[UnownedJob]>([])

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    jobs.withLock { $0.append(job) }
  }

  /// What `work` returns. It traps where that waits for something that nobody will ever do.
  static func result<Value: Sendable>(of work: @escaping @Sendable () async -> Value) -> Value {
    let tasks = InlineTasks()
    let result = Result<Value>()
    Task(executorPreference: tasks) {
      let value = await work()
      result.value.withLock { $0 = value }
    }
    tasks.run()
    guard let value = result.value.withLock({ $0 }) else { fatalError("a task waits for ever") }
    return value
  }

  private final class Result<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
  }

  private func run() {
    var ready: [UnownedJob] = []
    repeat {
      for job in ready { job.runSynchronously(on: asUnownedTaskExecutor()) }
      ready.removeAll(keepingCapacity: true)
      jobs.withLock { swap(&$0, &ready) }
    } while !ready.isEmpty
  }
}

/// A clock on which no time passes: whoever sleeps by it does so until his task is cancelled.
struct StoppedClock: Clock {
  typealias Instant = ContinuousClock.Instant

  let now = ContinuousClock.now
  let minimumResolution = Duration.nanoseconds(1)

  func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    let (stream, end) = AsyncStream<Never>.makeStream()
    for await _ in stream {}
    end.finish()
    throw CancellationError()
  }
}
