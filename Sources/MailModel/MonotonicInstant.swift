/// A point on a clock that never steps: nanoseconds since an origin that whoever keeps the clock chose.
///
/// The protocol machines compare such instants and never read a clock themselves.
public struct MonotonicInstant: Hashable, Sendable, InstantProtocol {
  /// Nanoseconds since the clock's origin.
  public var nanoseconds: Int64

  /// That many nanoseconds after the origin.
  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// `duration` later; at the ends of time where it would go beyond.
  public func advanced(by duration: Duration) -> MonotonicInstant {
    let (seconds, attoseconds) = duration.components
    let sum = Int128(nanoseconds) + Int128(seconds) * 1_000_000_000 + Int128(attoseconds / 1_000_000_000)
    return MonotonicInstant(nanoseconds: Int64(clamping: sum))
  }

  /// From here to `other`.
  public func duration(to other: MonotonicInstant) -> Duration {
    .nanoseconds(other.nanoseconds) - .nanoseconds(nanoseconds)  // an Int64 could not hold every difference
  }

  /// Earlier before later.
  public static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }
}
