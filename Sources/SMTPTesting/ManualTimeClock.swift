import DeliveryQueue
import MailModel

/// A ``ManualTime`` as a clock, for what measures durations: it shows how far the calendar was moved on, and never goes back.
public struct ManualTimeClock: Clock {
  /// How far the calendar had been moved on.
  public struct Instant: InstantProtocol {
    /// Since the beginning.
    public var uptime: Duration
    /// `duration` later.
    public func advanced(by duration: Duration) -> Instant { Instant(uptime: uptime + duration) }
    /// From here to `other`.
    public func duration(to other: Instant) -> Duration { other.uptime - uptime }
    /// Earlier before later.
    public static func < (left: Instant, right: Instant) -> Bool { left.uptime < right.uptime }
  }

  private let time: ManualTime

  fileprivate init(_ time: ManualTime) { self.time = time }

  /// How far the calendar was moved on.
  public var now: Instant { Instant(uptime: time.uptime()) }

  /// A millisecond, as the calendar has it.
  public var minimumResolution: Duration { .milliseconds(1) }

  /// Returns when the calendar was moved on so far.
  public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
    while true {
      let rest = now.duration(to: deadline)
      guard rest > .zero else { return try Task.checkCancellation() }
      // Whoever sets the calendar back wakes us before the deadline.
      try await time.sleep(until: time.now() + rest.roundedUp)
    }
  }
}

extension ManualTime {
  /// This calendar as a clock.
  public var clock: ManualTimeClock { ManualTimeClock(self) }
}
