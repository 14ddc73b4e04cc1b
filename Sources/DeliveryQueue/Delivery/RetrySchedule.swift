public import MailModel

/// When a deferred recipient is tried again: a pure function of how often it was tried, and of chance.
public struct RetrySchedule: Hashable, Sendable {
  /// Between the first attempt and the second; default 1 minute.
  public var firstDelay = Duration.seconds(60)
  /// How much longer each delay is than the one before; default 2.
  public var factor = 2
  /// The longest delay; default 4 hours.
  public var maximumDelay = Duration.seconds(4 * 3600)
  /// How much of a delay is left to chance, in percent of it, so that what failed together does not come back
  /// together: a delay is longer by 0 to this much. 0 to 100, default 20.
  public var jitterPercent = 20
  /// How long after its acceptance a message is given up (RFC 5321 §4.5.4.1: four to five days at least);
  /// default 4 days.
  public var lifetime = Duration.seconds(4 * 86_400)

  /// The defaults.
  public init() {}

  /// When to try again after an attempt that was deferred.
  ///
  /// - Parameters:
  ///   - attempts: made so far, the deferred one included; 1 or more.
  ///   - now: when that one ended.
  ///   - acceptedAt: when the message was accepted.
  ///   - chance: 0 to 1.
  /// - Returns: `nil` where the message's life ends before a next attempt could be made.
  public func nextAttempt(
    after attempts: Int, at now: Timestamp, acceptedAt: Timestamp, chance: Double
  ) -> Timestamp? {
    let end = acceptedAt + lifetime
    guard now < end else { return nil }
    var delay = firstDelay
    var step = 1
    while step < attempts, delay < maximumDelay {
      delay = delay * factor
      step += 1
    }
    delay = min(delay, maximumDelay)
    let perMille = Int64(min(max(chance, 0), 1) * Double(min(max(jitterPercent, 0), 100)) * 10)
    let (thousands, rest) = delay.wholeMilliseconds.quotientAndRemainder(dividingBy: 1000)
    let jitter = Duration.milliseconds(thousands * perMille + rest * perMille / 1000)
    // The last attempt comes at the very end of the message's life rather than never.
    return min(now + delay + jitter, end)
  }
}
