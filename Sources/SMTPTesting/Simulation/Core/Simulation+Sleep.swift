import MailModel
import Synchronization

// Sleeping, by the calendar and by the clock.
extension Simulation {
  /// What the calendar shows.
  var calendar: Timestamp { state.withLock { $0.calendarStart + $0.elapsed } }

  func stepCalendar(by duration: Duration) {
    state.withLock { state in
      state.calendarStart = state.calendarStart + duration
      let start = state.calendarStart
      let now = state.clock
      for key in state.sleepers.keys.sorted() {
        guard var sleeper = state.sleepers[key], var calendar = sleeper.calendar else { continue }
        calendar.stepped(at: now) { start + Self.beginning.duration(to: $0) }
        state.events.cancel(sleeper.event)
        sleeper.calendar = calendar
        sleeper.event = state.events.add(at: calendar.wakes) { [self] in wake(key) }
        state.sleepers[key] = sleeper
      }
    }
    note("the calendar steps by \(duration)")
  }

  func sleep(until instant: Timestamp) async throws {
    try await sleep { now, calendar in
      let sleeper = CalendarSleeper(until: instant, at: now, showing: calendar)
      return (sleeper.wakes, sleeper)
    }
  }

  /// Sleeps by the clock, whatever the calendar shows.
  ///
  /// - Throws: `CancellationError` where the task is cancelled meanwhile.
  public func sleep(for duration: Duration) async throws {
    try await sleep { now, _ in (now.advanced(by: duration), nil) }
  }

  /// Sleeps by the clock, also if the task is cancelled: only ``end()`` wakes it earlier.
  func pass(_ duration: Duration) async {
    try? await sleep(as: newSleeper(), isCancellable: false) { now, _ in (now.advanced(by: duration), nil) }
  }

  /// When somebody wakes, and whether by the calendar, who falls asleep at an instant when the calendar shows a time.
  private typealias Plan =
    @Sendable (MonotonicInstant, Timestamp) -> (wakes: MonotonicInstant, calendar: CalendarSleeper?)

  private func sleep(_ plan: Plan) async throws {
    let key = newSleeper()
    try await withTaskCancellationHandler {
      try await sleep(as: key, isCancellable: true, plan)
    } onCancel: {
      let sleeper = state.withLock { state in
        let sleeper = state.sleepers.removeValue(forKey: key)
        if let sleeper { state.events.cancel(sleeper.event) }
        return sleeper
      }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }

  private func newSleeper() -> Int {
    state.withLock { state in
      state.lastSleeper += 1
      return state.lastSleeper
    }
  }

  private func sleep(as key: Int, isCancellable: Bool, _ plan: Plan) async throws {
    try await withCheckedThrowingContinuation { continuation in
      let outcome: Result<Void, any Error>? = state.withLock { state in
        if isCancellable && Task.isCancelled || state.isEnded { return .failure(CancellationError()) }
        let now = state.clock
        let (wakes, calendar) = plan(now, state.calendarStart + state.elapsed)
        guard wakes > now else { return .success(()) }
        let event = state.events.add(at: wakes) { [self] in wake(key) }
        state.sleepers[key] = Sleeper(calendar: calendar, event: event, continuation: continuation)
        return nil
      }
      if let outcome { continuation.resume(with: outcome) }
    }
  }

  private func wake(_ key: Int) {
    state.withLock { $0.sleepers.removeValue(forKey: key) }?.continuation.resume()
  }

  /// Wakes whoever sleeps, for good, and has happen what is to happen at the end.
  func tearDown() {
    let (sleepers, endings) = state.withLock { state in
      state.isEnded = true
      defer { (state.sleepers, state.endings) = ([:], []) }
      return (state.sleepers, state.endings)
    }
    for ending in endings { ending() }
    for key in sleepers.keys.sorted() { sleepers[key]?.continuation.resume(throwing: CancellationError()) }
  }
}
