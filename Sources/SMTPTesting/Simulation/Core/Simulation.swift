public import MailModel
import Synchronization

/// A world of its own, on one loop, in virtual time: the same seed gives the same run, in every process.
///
/// Tasks that are started here, and the children that they wait for, run on the simulation's executor: of those that are ready
/// the seed picks the next, and when none is, time goes on to the next event. Nothing waits for real time, so days take
/// milliseconds. What keeps a run from being repeated: a plain `Task { }`, `Task.detached`, `Task.sleep`, an executor or a
/// thread of somebody's own, and whatever depends on the order of a dictionary or a set, on addresses or on the system's
/// random numbers. Where the first kind is waited for, the simulation says so; the second shows in ``fingerprint``.
///
/// ```swift
/// let simulation = Simulation(seed: 7)
/// let answer = try simulation.perform {
///   try await simulation.time.sleep(until: simulation.time.now() + .seconds(86_400))
///   return 42
/// }
/// ```
///
/// One thread at a time may run it. Nothing is freed that unfinished tasks hold: ``end()`` ends them.
public final class Simulation: Sendable {
  struct State: Sendable {
    var clock = Simulation.beginning
    var elapsed: Duration { Simulation.beginning.duration(to: clock) }
    /// What the calendar would show at the beginning, had it not stepped since.
    var calendarStart: Timestamp
    var events = EventQueue()
    var generator: SimulationGenerator
    var fingerprint: UInt64 = 0xCBF2_9CE4_8422_2325
    var notes: SimulationNotes
    var roots: [SimulatedTask] = []
    var sleepers: [Int: Sleeper] = [:]
    var lastSleeper = 0
    var endings: [@Sendable () -> Void] = []
    /// Nobody sleeps any more.
    var isEnded = false
  }
  struct Sleeper: Sendable {
    /// `nil` for one that sleeps by the clock.
    var calendar: CalendarSleeper?
    var event: Int
    var continuation: CheckedContinuation<Void, any Error>
  }

  /// What determines the run.
  public let seed: UInt64
  let stepsAtOnce: Int
  let ready: ReadyJobs
  let executor: SimulatedExecutor
  let machines: MachineExecutor
  let state: Mutex<State>

  /// A world in which nothing has happened.
  ///
  /// - Parameters:
  ///   - seed: determines everything that is left to chance.
  ///   - start: what the calendar shows at first; by default 2027-01-15T08:00:00Z.
  ///   - traceLimit: how many lines the trace has at most, the last; 0 for none. Default 100,000, which is some 20 MB.
  ///   - stepsAtOnce: after how many steps at one instant the loop takes it that there is no end to them; default 10,000,000,
  ///     which takes seconds.
  public init(
    seed: UInt64, start: Timestamp = Timestamp(milliseconds: 1_800_000_000_000), traceLimit: Int = 100_000,
    stepsAtOnce: Int = 10_000_000
  ) {
    (self.seed, self.stepsAtOnce) = (seed, stepsAtOnce)
    ready = ReadyJobs()
    executor = SimulatedExecutor(ready)
    machines = MachineExecutor(ready)
    state = Mutex(
      State(
        calendarStart: start, generator: SimulationGenerator(seed: seed), notes: SimulationNotes(limit: traceLimit)))
  }

  // MARK: Time

  /// The calendar, which a test may step.
  public var time: SimulatedTime { SimulatedTime(simulation: self) }

  /// The clock, which never steps. It began at one hour.
  public var clock: MonotonicInstant { state.withLock { $0.clock } }

  /// Virtual time since the beginning.
  public var elapsed: Duration { state.withLock { $0.elapsed } }

  static let beginning = MonotonicInstant(nanoseconds: 3_600_000_000_000)

  // MARK: Chance

  /// What `body` draws from a generator that follows from all that happened before.
  public func random<T>(_ body: (inout SimulationGenerator) -> T) -> T {
    var generator = SimulationGenerator(seed: state.withLock { $0.generator.next() })
    return body(&generator)
  }

  /// A number for all steps that were taken so far: two runs that differ in the order of anything differ in it.
  public var fingerprint: UInt64 { state.withLock { $0.fingerprint } }

  // MARK: The trace

  /// What was noted so far, each with its time: `t+12.345 a message is accepted`. Of more than its limit, the last.
  public var trace: [String] { state.withLock { $0.notes }.lines }

  /// Adds a line to the trace.
  public func note(_ text: String) { state.withLock { $0.notes.add(text, at: $0.elapsed) } }

  // MARK: Tasks

  /// Starts a task. It runs when the simulation does.
  ///
  /// - Parameter name: for messages.
  @discardableResult
  public func start(_ name: String, _ work: @escaping @Sendable () async throws -> Void) -> SimulatedTask {
    let root = SimulatedTask(name: name)
    state.withLock { $0.roots.append(root) }
    root.begin(
      Task(executorPreference: executor) { [self] in
        do {
          try await work()
          finish(root, nil)
        } catch {
          finish(root, error)
        }
      })
    return root
  }

  private func finish(_ root: SimulatedTask, _ error: (any Error)?) {
    root.finish(error)
    state.withLock { $0.roots.removeAll { $0 === root } }
  }

  /// Tasks that were started and are not finished, in that order.
  public var unfinished: [SimulatedTask] { state.withLock { $0.roots } }

  // MARK: Events

  /// Has something happen later, on the loop; what is due at the same instant happens in the order in which it was ordered.
  ///
  /// - Parameters:
  ///   - delay: from now on; what is negative counts as zero.
  ///   - event: must not wait for anything.
  @discardableResult
  public func schedule(after delay: Duration, _ event: @escaping @Sendable () -> Void) -> SimulatedEvent {
    let number = state.withLock { state in
      state.events.add(at: state.clock.advanced(by: max(.zero, delay)), event)
    }
    return SimulatedEvent(simulation: self, number: number)
  }

  func schedule(at instant: MonotonicInstant, _ event: @escaping @Sendable () -> Void) -> SimulatedEvent {
    SimulatedEvent(simulation: self, number: state.withLock { $0.events.add(at: instant, event) })
  }

  /// Has something happen within ``end()``, when the tasks have ended.
  func atEnd(_ ending: @escaping @Sendable () -> Void) { state.withLock { $0.endings.append(ending) } }

  func cancelEvent(_ number: Int) { state.withLock { $0.events.cancel(number) } }

  func cancelAllEvents() { state.withLock { $0.events.removeAll() } }
}
