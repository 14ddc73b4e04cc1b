public import DeliveryQueue
public import MailModel

/// The calendar of a ``Simulation``, which goes on with the simulation's clock and steps where a test says so; and that clock.
public struct SimulatedTime: TimeSource {
  let simulation: Simulation

  /// What the calendar shows, to the millisecond.
  public func now() -> Timestamp { simulation.calendar }

  /// Sleeps as ``DeliveryQueue/SystemTime`` does: who sleeps notices a step of the calendar at the next look at it, and looks
  /// at least once a minute.
  ///
  /// - Throws: `CancellationError` where the task is cancelled meanwhile.
  public func sleep(until instant: Timestamp) async throws { try await simulation.sleep(until: instant) }

  /// Virtual time since the simulation began, whatever becomes of the calendar.
  public func uptime() -> Duration { simulation.elapsed }

  /// Sleeps by the clock, whatever becomes of the calendar.
  ///
  /// - Throws: `CancellationError` where the task is cancelled meanwhile.
  public func sleep(for duration: Duration) async throws { try await simulation.sleep(for: duration) }

  /// The calendar steps, forward or back, as a system's does that is set; the clock does not.
  public func step(by duration: Duration) { simulation.stepCalendar(by: duration) }
}

/// Somebody who sleeps until the calendar shows an instant.
///
/// It would look at the calendar each minute, and see nothing new but after a step. So its looks are not events: they are
/// reckoned when the calendar steps.
struct CalendarSleeper: Sendable {
  static let longestNap = Duration.seconds(60)

  var instant: Timestamp
  /// One of its looks: the others follow minute by minute.
  private var base: MonotonicInstant
  /// When it wakes, unless the calendar steps.
  private(set) var wakes: MonotonicInstant
  /// By how much the calendar was before the clock when the sleep began.
  private var offset: Duration

  /// Somebody who looks for the first time at `now`, when the calendar shows `calendar`.
  init(until instant: Timestamp, at now: MonotonicInstant, showing calendar: Timestamp) {
    (self.instant, base) = (instant, now)
    wakes = now.advanced(by: max(.zero, instant - calendar))
    offset = Self.offset(at: now, showing: calendar)
  }

  private static func offset(at now: MonotonicInstant, showing calendar: Timestamp) -> Duration {
    (calendar - Timestamp(milliseconds: 0)) - MonotonicInstant(nanoseconds: 0).duration(to: now)
  }

  /// At `now` the calendar has stepped: what it shows at some instant, `calendar` says.
  mutating func stepped(at now: MonotonicInstant, showing calendar: (MonotonicInstant) -> Timestamp) {
    let nap = Self.longestNap.wholeNanoseconds
    let naps = now < base ? 0 : base.duration(to: now).wholeNanoseconds / nap + 1
    let look = min(wakes, base.advanced(by: .nanoseconds(naps * nap)))
    let offset = offset
    self = CalendarSleeper(until: instant, at: look, showing: calendar(look))
    // Where it was set back, it sleeps no longer.
    if self.offset < offset - .seconds(1) { wakes = look }
    self.offset = offset
  }
}
