/// How many deliveries there may be at once beside the limit in all, and how a site that fails is left alone.
///
/// A site begins with few deliveries at a time; each that works allows one more, up to its limit. Where so many in a row find
/// that it does not work, nothing is attempted there for a while; then a single message probes it. If that fails as well, the
/// next pause is twice as long; if it works, the site begins again with one delivery at a time, and what waits for it goes on; what was deferred keeps its time.
public struct SchedulingRules: Hashable, Sendable {
  /// At one site at once; 1 or more, default 20, as Postfix has it.
  public var deliveriesPerSite = 20
  /// At a site of which nothing is known yet; 1 or more, default 2.
  public var firstDeliveriesPerSite = 2
  /// For one tenant at once; 1 or more, default 100.
  public var deliveriesPerTenant = 100
  /// Whether a tenant never has more deliveries under way than are left for the others, so that however many tenants have
  /// messages to hosts that are dead or slow, the next one finds room, unless one is gone for each time that the slots can be
  /// halved: of 400 and with 100 for a tenant, ten tenants can use up all. A tenant that is alone then has half of all.
  /// Default `true`.
  public var leavesRoomForOthers = true
  /// Failures of a site in a row after which it is paused; 1 or more, default 2.
  public var failuresBeforePause = 2
  /// How long a site is left alone first; default 1 minute.
  public var firstPause = Duration.seconds(60)
  /// The longest pause; default 15 minutes.
  public var maximumPause = Duration.seconds(900)
  /// How long a message waits for a paused site, from when it is due, before it is deferred without an attempt, so that its
  /// status tells why, and its life ends in time; default 15 minutes.
  public var patience = Duration.seconds(900)

  /// The defaults.
  public init() {}

  /// No limit, and no pause.
  public static var unlimited: SchedulingRules {
    var rules = SchedulingRules()
    (rules.deliveriesPerSite, rules.firstDeliveriesPerSite, rules.deliveriesPerTenant) = (.max, .max, .max)
    (rules.leavesRoomForOthers, rules.failuresBeforePause) = (false, .max)
    return rules
  }

  /// The same with every limit in its range, so that something always gets through: counts of 1 or more, pauses of a second or
  /// more, the longest no shorter than the first.
  package var sane: SchedulingRules {
    var sane = self
    sane.deliveriesPerSite = max(deliveriesPerSite, 1)
    sane.firstDeliveriesPerSite = min(max(firstDeliveriesPerSite, 1), sane.deliveriesPerSite)
    sane.deliveriesPerTenant = max(deliveriesPerTenant, 1)
    sane.failuresBeforePause = max(failuresBeforePause, 1)
    sane.firstPause = max(firstPause, .seconds(1))
    sane.maximumPause = max(maximumPause, sane.firstPause)
    sane.patience = max(patience, .zero)
    return sane
  }
}
