public import DeliveryQueue
public import MailModel

/// A calendar that stands still until a test moves it.
///
/// What sleeps is woken in the order of its instants. It then runs when the executor lets it: a test that wants to see
/// its effect waits for that effect, or for the next sleep by ``sleeper(until:)``.
public final class ManualTime: TimeSource {
  private struct State: Sendable {
    var now: Timestamp
    var uptime = Duration.zero
    var sleepers: [Int: Sleeper] = [:]
    var lastSleeper = 0

    mutating func set(_ instant: Timestamp) {
      if instant < now { for key in sleepers.keys { sleepers[key]?.isSetBack = true } }
      now = instant
    }
  }
  private struct Sleeper: Sendable {
    var instant: Timestamp
    /// Whether the calendar was set back since.
    var isSetBack = false
    var continuation: CheckedContinuation<Void, any Error>
  }
  private let state: Watched<State>

  /// A calendar that shows `start`; by default 2027-01-15T08:00:00Z.
  public init(_ start: Timestamp = Timestamp(milliseconds: 1_800_000_000_000)) {
    state = Watched(State(now: start))
  }

  /// What the calendar shows.
  public func now() -> Timestamp { state.value.now }

  /// How far the calendar was moved on, steps and ways back not counted.
  public func uptime() -> Duration { state.value.uptime }

  /// Returns when the calendar was moved to `instant` or beyond, or set back and moved on.
  public func sleep(until instant: Timestamp) async throws {
    let key = state.change { state in
      state.lastSleeper += 1
      return state.lastSleeper
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let outcome: Result<Void, any Error>? = state.change { state in
          if Task.isCancelled { return .failure(CancellationError()) }
          if instant <= state.now { return .success(()) }
          state.sleepers[key] = Sleeper(instant: instant, continuation: continuation)
          return nil
        }
        if let outcome { continuation.resume(with: outcome) }
      }
    } onCancel: {
      state.change { $0.sleepers.removeValue(forKey: key) }?.continuation.resume(throwing: CancellationError())
    }
  }

  /// Moves the calendar on and wakes what sleeps until then.
  public func advance(by duration: Duration) { advance(to: now() + duration) }

  /// Moves the calendar to `instant`, back too, and wakes what sleeps until then.
  public func advance(to instant: Timestamp) {
    let woken = state.change { state in
      state.uptime += max(instant - state.now, .zero)
      state.set(instant)
      let woken = state.sleepers.filter { $0.value.instant <= instant || $0.value.isSetBack }
      for key in woken.keys { state.sleepers[key] = nil }
      return woken.sorted { ($0.value.instant, $0.key) < ($1.value.instant, $1.key) }
    }
    for sleeper in woken { sleeper.value.continuation.resume() }
  }

  /// Moves the calendar and wakes nobody, as a step of the system's clock does: who sleeps notices it later, at the
  /// next ``advance(by:)``.
  public func step(by duration: Duration) { state.change { $0.set($0.now + duration) } }

  /// Until when the tasks that sleep now do so, the earliest first.
  public var wakeUps: [Timestamp] { state.value.sleepers.values.map(\.instant).sorted() }

  /// Returns when some task sleeps until exactly `instant`.
  public func sleeper(until instant: Timestamp) async {
    await state.until { $0.sleepers.values.contains { $0.instant == instant } }
  }
}
