public import MailModel

/// When a deferred recipient is tried again: a pure function of how often it was tried, what it failed for, and chance.
///
/// Each delay is twice the one before, from a minute to four hours. That begins sooner than RFC 5321 §4.5.4.1 has it (30
/// minutes) and than others (Postfix 5 minutes, Exim 15, KumoMTA 20), because much of what fails at first is greylisting or a
/// moment's trouble; after four attempts it is slower than they are. A site that fails as a whole is left alone by
/// ``SchedulingRules`` in any case. What the attempt failed for (``FailureKind``) changes this much:
///
/// - greylisting: no delay is over ``longestGreylistingDelay``;
/// - policy: none is under ``shortestPolicyDelay``;
/// - else nothing.
///
/// No value makes it trap: a delay is never under a second, a factor under 2 makes all delays alike, and what would go beyond the
/// end of time stays there.
///
/// All instants are the calendar's. Where that is set forward, what waits is tried sooner, once, and goes on from there; where it
/// is set back, what waits is tried later by as much, and lives longer by as much. A message from the future, accepted before
/// the calendar was set back, is tried like one that was accepted just now, and its life ends when it would have ended.
public struct RetrySchedule: Hashable, Sendable {
  /// Between the first attempt and the second; a second at least, default 1 minute.
  public var firstDelay = Duration.seconds(60)
  /// How much longer each delay is than the one before; default 2.
  public var factor = 2
  /// The longest delay, before chance makes it longer; default 4 hours.
  public var maximumDelay = Duration.seconds(4 * 3600)
  /// How much of a delay is left to chance, in percent of it, so that what failed together does not come back
  /// together: a delay is longer by 0 to this much. 0 to 100, default 20.
  public var jitterPercent = 20
  /// How long after its acceptance a message is given up (RFC 5321 §4.5.4.1: four to five days at least);
  /// default 4 days.
  public var lifetime = Duration.seconds(4 * 86_400)
  /// The longest delay after greylisting, before chance makes it longer; default 25 minutes, so never over 30. Who greylists
  /// (RFC 6647) lets in who comes again after some minutes (postgrey 5, OpenBSD's spamd 25, milter-greylist 30), and some forget
  /// who does not come within hours (spamd 4).
  public var longestGreylistingDelay = Duration.seconds(1500)
  /// The shortest delay after a refusal for reasons of policy; default 10 minutes, since limits of rate are counted over minutes
  /// to hours, and who comes again at once makes them worse.
  public var shortestPolicyDelay = Duration.seconds(600)

  /// The defaults.
  public init() {}

  /// When to try again after an attempt that was deferred.
  ///
  /// - Parameters:
  ///   - attempts: made so far, the deferred one included; 1 or more.
  ///   - kind: what the last one failed for.
  ///   - now: when that one ended.
  ///   - acceptedAt: when the message was accepted.
  ///   - chance: 0 to 1.
  /// - Returns: `nil` where the message's life ends before a next attempt could be made. The last attempt is made at the very end
  ///   of that life, however soon that is.
  public func nextAttempt(
    after attempts: Int, failing kind: FailureKind, at now: Timestamp, acceptedAt: Timestamp, chance: Double
  ) -> Timestamp? {
    let end = acceptedAt + lifetime
    guard now < end else { return nil }
    let delay = delay(after: attempts, failing: kind)
    // The end of time is no instant at which anything is tried.
    let latest = min(end, Timestamp(milliseconds: .max - 1))
    return min(now + .milliseconds(delay) + .milliseconds(jitter(of: delay, chance)), latest)
  }

  /// In milliseconds.
  private func delay(after attempts: Int, failing kind: FailureKind) -> Int64 {
    let delay = min(growingDelay(after: attempts), maximumDelay.wholeMilliseconds)
    let suited =
      switch kind {
      case .greylisting: min(delay, longestGreylistingDelay.wholeMilliseconds)
      case .policy: max(delay, shortestPolicyDelay.wholeMilliseconds)
      case .recipient, .transaction, .host: delay
      }
    return max(suited, 1000)
  }

  /// In milliseconds. Doubles 63 times at most, then it is beyond all measure.
  private func growingDelay(after attempts: Int) -> Int64 {
    var delay = max(firstDelay.wholeMilliseconds, 1000)
    guard factor > 1 else { return delay }
    var step = 1
    while step < attempts, delay < maximumDelay.wholeMilliseconds {
      let (product, overflow) = delay.multipliedReportingOverflow(by: Int64(factor))
      guard !overflow else { return .max }
      delay = product
      step += 1
    }
    return delay
  }

  /// In milliseconds.
  private func jitter(of delay: Int64, _ chance: Double) -> Int64 {
    let share = chance > 0 ? min(chance, 1) : 0  // not a number is none
    let perMille = Int64(share * Double(min(max(jitterPercent, 0), 100)) * 10)
    let (thousands, rest) = delay.quotientAndRemainder(dividingBy: 1000)
    return thousands * perMille + rest * perMille / 1000
  }
}
