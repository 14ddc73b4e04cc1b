public import MailModel
import Synchronization

// The loop: one thing at a time, on the thread that called.
extension Simulation {
  /// Starts a task and runs until it is finished.
  ///
  /// - Parameter patience: virtual time that it may take; default 30 days.
  /// - Throws: what it throws; ``SimulationError`` where it cannot finish.
  public func perform<T: Sendable>(
    atMost patience: Duration = .seconds(30 * 86_400), _ work: @escaping @Sendable () async throws -> T
  ) throws -> T {
    let outcome = Outcome<T>()
    start("perform") {
      do { outcome.set(.success(try await work())) } catch { outcome.set(.failure(error)) }
    }
    try run(until: { outcome.value != nil }, atMost: patience)
    guard let value = outcome.value else { throw SimulationError(.deadlock, stillness) }
    return try value.get()
  }

  /// Runs for so much virtual time.
  ///
  /// - Throws: ``SimulationError`` with code ``SimulationError/Code/escape``, ``SimulationError/Code/livelock`` or
  ///   ``SimulationError/Code/nested``.
  public func run(for duration: Duration) throws { try run(until: clock.advanced(by: duration)) }

  /// Runs until the clock shows `instant`.
  ///
  /// - Throws: as ``run(for:)`` does.
  public func run(until instant: MonotonicInstant) throws {
    try loop(until: instant) { false }
    if unfinished.count > 0, nextEvent == nil { note(stillness) }
    advance(to: instant)
  }

  /// Runs until `condition` holds.
  ///
  /// - Parameters:
  ///   - condition: looked at after each step.
  ///   - patience: virtual time that it may take; default 30 days.
  /// - Throws: ``SimulationError`` where it does not come to hold.
  public func run(until condition: () -> Bool, atMost patience: Duration = .seconds(30 * 86_400)) throws {
    if try loop(until: clock.advanced(by: patience), condition) { return }
    if nextEvent == nil { throw SimulationError(.deadlock, stillness) }
    throw SimulationError(
      .tooLate, "what was waited for has not come within \(patience); unfinished: \(names). \(Self.suspicion)")
  }

  /// Runs until nothing is left to happen: no task can go on by itself, and no event is to come.
  ///
  /// - Parameter patience: virtual time that it may take.
  /// - Returns: whether it came so far.
  /// - Throws: as ``run(for:)`` does.
  @discardableResult
  public func runUntilIdle(atMost patience: Duration) throws -> Bool {
    try loop(until: clock.advanced(by: patience)) { false }
    return nextEvent == nil
  }

  /// Cancels every task, lets them end, and forgets what is left to happen: networks are torn down, whoever sleeps is woken with a
  /// `CancellationError`. The simulation is of no use after it but for its trace, and holds nothing any more. It can be ended
  /// whatever a run of it has thrown.
  ///
  /// - Throws: ``SimulationError`` where a task does not end within an hour of virtual time.
  public func end() throws {
    for task in unfinished { task.cancel() }
    try loop(until: clock.advanced(by: .seconds(3600)), mindsEscapes: false) { unfinished.isEmpty && ready.isEmpty }
    tearDown()
    try loop(until: clock, mindsEscapes: false) { false }
    cancelAllEvents()
    if !unfinished.isEmpty { throw SimulationError(.tooLate, "cancelled, and did not end: \(names)") }
  }

  private var names: String {
    let names = unfinished.map(\.name)
    return names.isEmpty ? "none" : names.joined(separator: ", ")
  }

  private var stillness: String {
    "nothing can happen any more; unfinished: \(names). \(Self.suspicion)"
  }

  private static let suspicion = "Do they wait for a plain Task, a Task.sleep or another executor?"

  /// - Returns: whether `condition` came to hold; `false` when all is done that is to happen until `end`.
  @discardableResult
  private func loop(
    until end: MonotonicInstant, mindsEscapes: Bool = true, _ condition: () -> Bool
  ) throws -> Bool {
    guard ready.beginLoop() else {
      throw SimulationError(.nested, "the simulation runs already; unfinished: \(names)")
    }
    defer { ready.endLoop() }
    var (instant, steps) = (clock, 0)
    while !condition() {
      if mindsEscapes, ready.hasForeign {
        throw SimulationError(.escape, "a task was woken from outside the simulation; unfinished: \(names)")
      }
      guard step(until: end) else { return false }
      steps += 1
      if clock != instant { (instant, steps) = (clock, 0) }
      if steps > stepsAtOnce {
        throw SimulationError(.livelock, "\(steps) steps at one instant; unfinished: \(names)")
      }
    }
    return true
  }

  private func run(_ job: ReadyJobs.Job) {
    if job.isMachine {
      job.job.runSynchronously(
        isolatedTo: machines.asUnownedSerialExecutor(), taskExecutor: executor.asUnownedTaskExecutor())
    } else {
      job.job.runSynchronously(on: executor.asUnownedTaskExecutor())
    }
  }
}

// MARK: - Steps

extension Simulation {
  /// One event or one job. Of events that are due now the first comes next, or else, if chance says so, a job that is ready; time
  /// goes on when there is neither.
  ///
  /// - Returns: `false` where there is nothing to do until `end`.
  private func step(until end: MonotonicInstant) -> Bool {
    if isEventDue, ready.isEmpty || toss(), let event = takeEvent(until: clock) {
      event()
    } else if let job = takeJob() {
      run(job)
    } else if let event = takeEvent(until: end) {
      event()
    } else {
      return false
    }
    return true
  }

  private var isEventDue: Bool {
    state.withLock { state in state.events.nextInstant.map { $0 <= state.clock } ?? false }
  }

  private func toss() -> Bool {
    state.withLock { state in
      let isHeads = state.generator.next() & 1 == 1
      state.mix(isHeads ? 1 : 2)
      return isHeads
    }
  }

  private func takeJob() -> ReadyJobs.Job? {
    ready.take { count in
      state.withLock { state in
        let place = Int(state.generator.next() % UInt64(count))
        state.mix(UInt64(count) << 32 | UInt64(place))
        return place
      }
    }
  }

  /// The next event, unless it is later than `end`; time goes on to it.
  private func takeEvent(until end: MonotonicInstant) -> (@Sendable () -> Void)? {
    state.withLock { state -> (@Sendable () -> Void)? in
      guard let instant = state.events.nextInstant, instant <= end else { return nil }
      state.clock = max(state.clock, instant)
      state.mix(UInt64(truncatingIfNeeded: instant.nanoseconds))
      return state.events.take(until: instant)
    }
  }

  private var nextEvent: MonotonicInstant? { state.withLock { $0.events.nextInstant } }

  /// Time goes on, past nothing that is to happen.
  private func advance(to instant: MonotonicInstant) {
    state.withLock { state in state.clock = max(state.clock, instant) }
  }
}

extension Simulation.State {
  /// FNV-1a, a word at a time.
  fileprivate mutating func mix(_ step: UInt64) { fingerprint = (fingerprint ^ step) &* 0x100_0000_01B3 }
}

/// What a task gave, once it has.
private final class Outcome<Value: Sendable>: Sendable {
  private let state = Mutex<Result<Value, any Error>?>(nil)

  var value: Result<Value, any Error>? { state.withLock { $0 } }

  func set(_ result: Result<Value, any Error>) { state.withLock { $0 = result } }
}
