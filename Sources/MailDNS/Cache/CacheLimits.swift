extension CachingResolver {
  /// How long answers are remembered, and how many.
  ///
  /// The defaults are shorter than those of a recursive resolver, behind which this cache usually stands: who repairs a
  /// record should not wait for us when everybody else has seen it.
  public struct Limits: Hashable, Sendable {
    /// Longest that records are remembered, whatever their TTL (RFC 2181 §8 and RFC 8767 §4 leave a cap to the
    /// resolver); 1 hour by default.
    public var longestTimeToLive: Duration
    /// Shortest that an answer is remembered that could be had; 1 second by default, so that a zone with a TTL of zero
    /// is asked once a second at most, not with each message. Zero keeps to RFC 1035 §3.2.1 by the letter. The longest
    /// times go before.
    public var shortestTimeToLive: Duration
    /// Longest that it is remembered that there is nothing (RFC 2308 §5 asks for a cap, and calls 1 to 3 hours sensible
    /// for a recursive resolver); 15 minutes by default.
    public var longestNegativeTimeToLive: Duration
    /// How long a temporary failure or a malformed answer is remembered, so that a zone that is dead is not asked by
    /// each message; 5 seconds by default. Never more than 5 minutes (RFC 2308 §7) nor less than 1 second (RFC 9520
    /// §3.2).
    public var failureTimeToLive: Duration {
      didSet { failureTimeToLive = Self.lawful(failureTimeToLive) }
    }
    /// Most answers that are remembered; 10,000 by default. Who was used least lately goes first.
    public var entries: Int
    /// Most octets that the answers take, as far as that can be told; 16 MiB by default. An answer that takes more is
    /// not remembered.
    public var octets: Int

    /// The defaults, but for what is given.
    public init(
      longestTimeToLive: Duration = .seconds(3600), shortestTimeToLive: Duration = .seconds(1),
      longestNegativeTimeToLive: Duration = .seconds(900), failureTimeToLive: Duration = .seconds(5),
      entries: Int = 10_000, octets: Int = 16 << 20
    ) {
      (self.longestTimeToLive, self.shortestTimeToLive) = (longestTimeToLive, shortestTimeToLive)
      self.longestNegativeTimeToLive = longestNegativeTimeToLive
      self.failureTimeToLive = Self.lawful(failureTimeToLive)
      (self.entries, self.octets) = (entries, octets)
    }

    private static func lawful(_ duration: Duration) -> Duration { min(max(duration, .seconds(1)), .seconds(300)) }

    /// How long an answer may be remembered.
    func timeToLive(of answer: DNSAnswer) -> Duration {
      switch answer.outcome {
      case .records: min(max(answer.timeToLive, shortestTimeToLive), longestTimeToLive)
      case .noRecords, .noSuchName: min(max(answer.timeToLive, shortestTimeToLive), longestNegativeTimeToLive)
      case .temporaryFailure, .malformed: failureTimeToLive
      }
    }
  }
}
