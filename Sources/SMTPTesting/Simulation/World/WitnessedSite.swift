import DeliveryQueue
import MailModel

/// What ``DeliveryQueue/SchedulingRules`` allow at a site after what deliveries told of it, as the witness has it: no less than
/// the rules, and more only where the scheduler may have forgotten the site.
struct WitnessedSite: Sendable {
  struct Pause: Sendable {
    var begin: Timestamp
    var length: Duration
    var until: Timestamp { begin + length }
    /// Whether its time is over: one delivery at a time may probe the site.
    var isOver = false
  }

  /// From the first of so many failures in a row until the site works.
  private(set) var pause: Pause?
  /// The delivery that probes it.
  var probe: Claim.Token?
  /// Deliveries that there may be at once while it is not paused.
  private(set) var window: Int
  private var failures = 0
  /// The last claim that had been given when it was paused, and when its window was halved: what began before says nothing new.
  private var lastBeforePause: UInt64 = 0
  private var lastBeforeHalving: UInt64 = 0
  /// When something was last under way, or became known.
  var lastUse: Timestamp

  init(_ rules: SchedulingRules, at now: Timestamp) { (window, lastUse) = (rules.firstDeliveriesPerSite, now) }

  /// A delivery has ended.
  ///
  /// - Parameter last: the last claim that was given, to whomever.
  mutating func hears(
    _ condition: SiteCondition, from token: UInt64, last: UInt64, at now: Timestamp, _ rules: SchedulingRules
  ) {
    guard condition != .unknown else { return }
    lastUse = now
    switch condition {
    case .working:
      failures = 0
      window = pause == nil ? min(window + 1, rules.deliveriesPerSite) : 1
      pause = nil
    case .busy where token > max(lastBeforePause, lastBeforeHalving) && pause == nil && window > 1:
      (window, lastBeforeHalving) = (window / 2, last)
    case .busy where token > max(lastBeforePause, lastBeforeHalving), .failed where token > lastBeforePause:
      fails(last: last, at: now, rules)
    default: break
    }
  }

  private mutating func fails(last: UInt64, at now: Timestamp, _ rules: SchedulingRules) {
    failures += 1
    guard pause != nil || failures >= rules.failuresBeforePause else { return }
    let length = pause.map { min($0.length * 2, rules.maximumPause) } ?? rules.firstPause
    (pause, probe, lastBeforePause) = (Pause(begin: now, length: length), nil, last)
  }

  /// Time goes on, or back: then a pause is no longer for that.
  mutating func advance(to now: Timestamp) {
    lastUse = min(lastUse, now)
    guard let pause, !pause.isOver else { return }
    if pause.begin > now { self.pause?.begin = now }
    if pause.until <= now { self.pause?.isOver = true }
  }

  /// What is known of it may have been forgotten: whoever knows nothing allows more, but perhaps not at once.
  mutating func mayBeForgotten(_ rules: SchedulingRules) {
    (pause, failures) = (nil, 0)
    window = max(window, rules.firstDeliveriesPerSite)
  }
}
