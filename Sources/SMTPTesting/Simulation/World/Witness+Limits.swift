import DeliveryQueue
import MailModel

// How much is attempted at once, and where: by the configuration and by what was seen of each attempt, whatever the service
// says of itself.
extension Witness {
  /// A delivery from its claim until the scheduler is told that it has ended.
  struct Delivery: Sendable {
    var site: DeliverySite
    var tenant: String?
    /// Whether the transport is at it.
    var isAttempted = false
    /// When it ended; `nil` as long as it counts against the limits.
    var endedAfter: Duration?
    /// What the transport told of the site.
    var condition = SiteCondition.unknown
  }

  /// What the scheduler knows of sites, from the ends that it is told.
  struct Limits: Sendable {
    let rules: SchedulingRules
    let workers: Int
    fileprivate(set) var deliveries: [Claim.Token: Delivery] = [:]
    fileprivate var sites: [DeliverySite: WitnessedSite] = [:]
    fileprivate var lastToken: UInt64 = 0
    /// When the last claim was given.
    fileprivate var lastClaim = Duration.zero

    init(_ configuration: DeliveryConfiguration) {
      (rules, workers) = (configuration.rules.sane, max(1, configuration.workers))
    }

    fileprivate var underWay: [Delivery] { deliveries.values.filter { $0.endedAfter == nil } }
  }
}

// MARK: - Attempts

extension Witness.Limits {
  mutating func attemptBegins(_ claim: Claim) throws(Violation) {
    guard deliveries[claim.token] != nil else {
      throw Violation("\(claim.id) is attempted by claim \(claim.token.value), which is over")
    }
    deliveries[claim.token]?.isAttempted = true
    let running = deliveries.values.count(where: \.isAttempted)
    guard running <= workers else { throw Violation("\(running) attempts with \(workers) workers") }
  }

  /// - Parameter condition: of the site, if there was an attempt.
  mutating func ends(_ token: Claim.Token, _ condition: SiteCondition, after elapsed: Duration) {
    guard var delivery = deliveries[token], delivery.endedAfter == nil else { return }
    (delivery.isAttempted, delivery.endedAfter, delivery.condition) = (false, elapsed, condition)
    deliveries[token] = delivery
  }

  /// The process is no more, and what it knew.
  mutating func processEnded() { (deliveries, sites, lastToken, lastClaim) = ([:], [:], 0, .zero) }
}

// MARK: - Claims

extension Witness.Limits {
  mutating func claimed(_ request: ClaimRequest, _ batch: ClaimBatch, after elapsed: Duration) throws(Violation) {
    for site in sites.keys { sites[site]?.advance(to: request.now) }
    for end in request.ended { try hears(end, at: request.now) }
    try checkAllTold()
    lastClaim = elapsed
    forget(at: request.now)
    for site in sites.keys { sites[site]?.advance(to: request.now) }
    let free = workers - underWay.count
    guard batch.claims.count <= free else {
      throw Violation("\(batch.claims.count) claims were given with \(free) free workers")
    }
    for claim in batch.claims {
      if claim.suspension == nil { try begins(claim, at: request.now) }
      lastToken = max(lastToken, claim.token.value)
    }
  }

  /// The service tells that a delivery has ended: it has, and with what the transport saw. What lasted too long, so that the
  /// transport could not know, it may hold against the site.
  private mutating func hears(_ end: DeliveryEnd, at now: Timestamp) throws(Violation) {
    guard let delivery = deliveries.removeValue(forKey: end.token) else { return }
    let name = "the end of claim \(end.token.value) at \(delivery.site)"
    guard !delivery.isAttempted else { throw Violation("\(name) is told, and its attempt goes on") }
    var isTrue = end.condition == delivery.condition
    if case .failed = end.condition, delivery.condition == .unknown { isTrue = true }
    guard isTrue else { throw Violation("\(name) is told as \(end.condition), and was \(delivery.condition)") }
    sites[delivery.site]?.hears(end.condition, from: end.token.value, last: lastToken, at: now, rules)
  }

  /// What ended before the last claim was given is told with this one.
  private func checkAllTold() throws(Violation) {
    let untold = deliveries.filter { $0.value.endedAfter.map { $0 < lastClaim } ?? false }.keys.map(\.value).min()
    if let untold { throw Violation("the end of claim \(untold) was not told") }
  }

  /// Where nothing happens for twice the longest pause, the scheduler need not know any more what happened.
  private mutating func forget(at now: Timestamp) {
    let used = Set(deliveries.values.map(\.site))
    for site in sites.keys {
      if used.contains(site) { sites[site]?.lastUse = now }
      guard let lastUse = sites[site]?.lastUse, lastUse + rules.maximumPause * 2 <= now else { continue }
      sites[site]?.mayBeForgotten(rules)
    }
  }

  private mutating func begins(_ claim: Claim, at now: Timestamp) throws(Violation) {
    let underWay = underWay
    let ofTenant = underWay.count { $0.tenant == claim.tenant }
    let ofSite = underWay.count { $0.site == claim.site }
    let free = workers - underWay.count
    guard ofTenant < rules.deliveriesPerTenant else {
      throw Violation("\(ofTenant + 1) deliveries for \(claim.tenant ?? "nobody")")
    }
    guard !rules.leavesRoomForOthers || ofTenant < free else {
      throw Violation("\(ofTenant + 1) deliveries for \(claim.tenant ?? "nobody"), and only \(free) left for others")
    }
    guard ofSite < rules.deliveriesPerSite else { throw Violation("\(ofSite + 1) deliveries at \(claim.site)") }
    var site = sites[claim.site] ?? WitnessedSite(rules, at: now)
    if let pause = site.pause {
      guard pause.isOver else {
        throw Violation("a delivery at \(claim.site) at \(now), which is paused until \(pause.until)")
      }
      guard site.probe.map({ deliveries[$0]?.endedAfter != nil || deliveries[$0] == nil }) ?? true else {
        throw Violation("a second delivery at \(claim.site), which is being probed")
      }
      site.probe = claim.token
    } else {
      guard ofSite < site.window else {
        throw Violation("\(ofSite + 1) deliveries at \(claim.site), which is trusted with \(site.window)")
      }
      site.probe = nil
    }
    site.lastUse = now
    sites[claim.site] = site
    deliveries[claim.token] = Witness.Delivery(site: claim.site, tenant: claim.tenant)
  }
}
