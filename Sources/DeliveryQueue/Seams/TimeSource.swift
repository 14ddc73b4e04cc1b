public import MailModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The calendar and the patience of a service, so that a test can run four days in a moment.
public protocol TimeSource: Sendable {
  /// What the calendar says.
  func now() -> Timestamp

  /// Returns when the calendar has reached `instant`, at once where it is past.
  ///
  /// - Throws: `CancellationError` where the task is cancelled meanwhile.
  func sleep(until instant: Timestamp) async throws
}

/// The system's clock.
public struct SystemTime: TimeSource {
  /// The system's clock.
  public init() {}

  /// The system's idea of the calendar.
  public func now() -> Timestamp {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }

  /// Sleeps, looking at the calendar anew at least once a minute, so that a step of the clock does no lasting harm.
  public func sleep(until instant: Timestamp) async throws {
    while true {
      let rest = instant - now()
      guard rest > .zero else { return }
      try await Task.sleep(for: min(rest, .seconds(60)))
    }
  }
}
