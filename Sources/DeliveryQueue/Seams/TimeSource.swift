public import MailModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The calendar and the patience of a service, so that a test can run four days in a moment.
///
/// The calendar may be set, and then it steps; what must outlive the process goes by it. How long something lasts within the process
/// goes by ``uptime()``, which never steps.
public protocol TimeSource: Sendable {
  /// What the calendar says.
  func now() -> Timestamp

  /// Returns when the calendar has reached `instant`, at once where it is past; and before, within a minute, where the calendar is
  /// set back meanwhile, since whoever sleeps then waits longer than he meant to.
  ///
  /// - Throws: `CancellationError` where the task is cancelled meanwhile.
  func sleep(until instant: Timestamp) async throws

  /// The time since an instant that does not change, whatever becomes of the calendar; by default since 1970 by the calendar, which
  /// is right for one that is never set.
  func uptime() -> Duration

  /// Returns after so long, whatever becomes of the calendar; by default by the calendar as it stands at the call.
  ///
  /// - Throws: `CancellationError` where the task is cancelled meanwhile.
  func sleep(for duration: Duration) async throws
}

extension TimeSource {
  /// By the calendar.
  public func uptime() -> Duration { now() - Timestamp(milliseconds: 0) }

  /// By the calendar.
  public func sleep(for duration: Duration) async throws { try await sleep(until: now() + duration) }
}

/// The system's clocks.
public struct SystemTime: TimeSource {
  private static let start = ContinuousClock.now

  /// The system's clocks.
  public init() {}

  /// The system's idea of the calendar.
  public func now() -> Timestamp {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }

  /// Sleeps, looking at the calendar anew at least once a minute, so that a step of the clock does no lasting harm.
  public func sleep(until instant: Timestamp) async throws {
    let offset = (now() - Timestamp(milliseconds: 0)) - uptime()
    while true {
      let (now, uptime) = (now(), uptime())
      let isSetBack = (now - Timestamp(milliseconds: 0)) - uptime < offset - .seconds(1)
      guard instant > now, !isSetBack else { return }
      try await Task.sleep(for: min(instant - now, .seconds(60)))
    }
  }

  /// Since it was first asked.
  public func uptime() -> Duration { Self.start.duration(to: .now) }

  /// Sleeps by the clock that never steps.
  public func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}
