import DeliveryQueue
import MailModel

// When what was deferred may be tried again: the words of ``DeliveryQueue/RetrySchedule``, worked out a second time.
extension Witness {
  private enum Wish { case none, soon, late }

  /// What a host of this world wants: who greylists, that somebody comes again soon; who objects to us, that nobody does.
  private static func wish(_ reply: DeliveryReply?) -> Wish {
    let codes = (reply?.text ?? "").split(separator: " ").prefix(2).joined(separator: " ")
    return switch codes {
    case "450 4.2.0", "451 4.7.1": .soon
    case "554 5.7.1": .late
    default: .none
    }
  }

  /// How long after an attempt the next one may be made, whatever chance says.
  ///
  /// - Parameter attempts: made so far.
  func delays(after attempts: Int, _ reply: DeliveryReply?) -> ClosedRange<Duration> {
    let longest = schedule.maximumDelay / .seconds(1)
    var delay = min(max(schedule.firstDelay / .seconds(1), 1), longest)
    for _ in stride(from: 1, to: min(attempts, 100), by: 1) {
      delay = min(delay * Double(max(schedule.factor, 1)), longest)
    }
    switch Self.wish(reply) {
    case .soon: delay = min(delay, schedule.longestGreylistingDelay / .seconds(1))
    case .late: delay = max(delay, schedule.shortestPolicyDelay / .seconds(1))
    case .none: break
    }
    delay = max(delay, 1)
    // Instants are of milliseconds.
    return .seconds(delay - 0.002) ... .seconds(delay * jitter + 0.002)
  }

  private var jitter: Double { 1 + Double(min(max(schedule.jitterPercent, 0), 100)) / 100 }

  /// What no delay is over.
  var longestDelay: Duration {
    .seconds(max(schedule.maximumDelay, schedule.shortestPolicyDelay, .seconds(1)) / .seconds(1) * jitter)
  }
}
