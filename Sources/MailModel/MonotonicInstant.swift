/// A point on a clock that never steps: nanoseconds since an origin that whoever keeps the clock chose.
///
/// The protocol machines compare such instants and never read a clock themselves.
public struct MonotonicInstant: Hashable, Sendable, InstantProtocol {
  /// Nanoseconds since the clock's origin.
  public var nanoseconds: Int64

  /// That many nanoseconds after the origin.
  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// `duration` later.
  public func advanced(by duration: Duration) -> MonotonicInstant {
    let (seconds, attoseconds) = duration.components
    let span = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let sum = nanoseconds.addingReportingOverflow(span.partialValue &+ attoseconds / 1_000_000_000)
    guard !span.overflow, !sum.overflow else { return MonotonicInstant(nanoseconds: seconds < 0 ? .min : .max) }
    return MonotonicInstant(nanoseconds: sum.partialValue)
  }

  /// From here to `other`.
  public func duration(to other: MonotonicInstant) -> Duration { .nanoseconds(other.nanoseconds - nanoseconds) }

  /// Earlier before later.
  public static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }
}
