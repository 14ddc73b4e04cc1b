public import MailModel

/// A clock that stands still until it is told to go on.
public struct ManualClock: Sendable {
  /// What it shows; one hour after its origin at first.
  public private(set) var now = MonotonicInstant(nanoseconds: 3_600_000_000_000)

  /// A new clock.
  public init() {}

  /// Goes on by `duration`.
  public mutating func advance(by duration: Duration) { now = now.advanced(by: duration) }
}
