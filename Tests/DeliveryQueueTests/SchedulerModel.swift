import DeliveryQueue
import MailModel

/// What the ledger should do, in the plainest way: lists that are gone through from end to end.
struct SchedulerModel {
  struct Part {
    var sequence: Int64
    var destination: Mailbox.Host?
    var site: DeliverySite
    var tenant: String?
    var priority: MessagePriority
    var due: Timestamp
    /// `nil` where it waits.
    var claim: UInt64?
  }
  struct Delivery {
    var tenant: String?
    /// `nil` where it was suspended.
    var site: DeliverySite?
    var leasedUntil: Timestamp
    var isRunning = true
    var isSettling = false
  }
  struct Site {
    var window: Int
    var failures = 0
    var pause: (begin: Timestamp, since: Timestamp, length: Duration, until: Timestamp, isOver: Bool)?
    var probe: UInt64?
    var lastPause: UInt64 = 0
    var lastHalving: UInt64 = 0
    var isPaused: Bool { pause?.isOver == false }
  }

  var parts: [Part] = []
  var deliveries: [UInt64: Delivery] = [:]
  var sites: [DeliverySite: Site] = [:]
  /// Of deliveries that were settled before their end was told.
  var settled: [UInt64: DeliverySite] = [:]
  /// Places at a site that were there and then were not: taken, or no more allowed.
  var lost: [DeliverySite: Int] = [:]
  /// As many as there were when a tenant had its last place at a site.
  var lostBefore: [[String?]: Int] = [:]
  var rules = SchedulingRules()
  var now = Timestamp(milliseconds: 0)
  var lastToken: UInt64 = 0

  static func site(_ destination: Mailbox.Host?) -> DeliverySite {
    // Two destinations have one site.
    DeliverySite(destination?.description.replacing("b.", with: "a.") ?? "postmaster")
  }

  func running(at site: DeliverySite) -> Int { deliveries.values.count { $0.isRunning && $0.site == site } }
  func running(for tenant: String?) -> Int { deliveries.values.count { $0.isRunning && $0.tenant == tenant } }

  func room(_ name: DeliverySite) -> Int {
    guard let site = sites[name] else { return 0 }
    guard let pause = site.pause else { return min(site.window, rules.deliveriesPerSite) - running(at: name) }
    return pause.isOver && site.probe == nil && running(at: name) < rules.deliveriesPerSite ? 1 : 0
  }

  /// - Parameter reserved: deliveries that it leaves free.
  func tenantHasRoom(_ tenant: String?, free: Int, _ reserved: Int = 0) -> Bool {
    let running = running(for: tenant) + reserved
    return running < rules.deliveriesPerTenant && (!rules.leavesRoomForOthers || running < free)
  }

  /// Whether it has something for a site that works and is full, and where others had so many places since it had one, that it
  /// may leave a delivery free for that.
  func mayReserve(_ tenant: String?) -> Bool {
    let full = Set(sites.keys.filter { room($0) <= 0 && sites[$0]?.pause == nil })
    return parts.contains { part in
      isDue(part) && part.tenant == tenant && full.contains(part.site)
        && lost[part.site, default: 0] >= lostBefore[[part.site.description, tenant], default: 0] + 7
    }
  }

  func isDue(_ part: Part) -> Bool { part.claim == nil && part.due <= now }
  func isOverdue(_ part: Part) -> Bool {
    guard let pause = sites[part.site]?.pause, !pause.isOver else { return false }
    return max(part.due, pause.since) + rules.patience <= now
  }

  /// A part that could be given now, with so many slots left.
  func eligible(free: Int) -> Part? {
    let open = Set(sites.keys.filter { room($0) > 0 })
    let tenants = Set(
      Set(parts.map(\.tenant)).filter { tenantHasRoom($0, free: free, mayReserve($0) ? 1 : 0) })
    return parts.first { part in
      isDue(part) && tenants.contains(part.tenant) && (open.contains(part.site) || isOverdue(part))
    }
  }
}

// MARK: - What happens

extension SchedulerModel {
  /// All that comes before a claim gives anything.
  mutating func prepare(_ request: ClaimRequest) -> [SiteChange] {
    if request.now < now { setBack(to: request.now) }
    if rules != request.rules { for site in sites.keys { lost[site, default: 0] += 1 } }
    (now, rules) = (request.now, request.rules)
    let changes = request.ended.compactMap { end($0.token.value, $0.condition) }
    for (token, delivery) in deliveries where !delivery.isSettling && delivery.leasedUntil <= now { giveBack(token) }
    for part in parts where sites[part.site] == nil && isDue(part) {
      sites[part.site] = Site(window: rules.firstDeliveriesPerSite)
    }
    for name in sites.keys where sites[name]?.pause.map({ $0.until <= now }) == true {
      if parts.contains(where: { isDue($0) && $0.site == name }) { sites[name]?.pause?.isOver = true }
    }
    return changes
  }

  private mutating func setBack(to now: Timestamp) {
    for name in sites.keys {
      guard let pause = sites[name]?.pause, !pause.isOver, pause.begin > now else { continue }
      sites[name]?.pause = (now, min(pause.since, now), pause.length, now + pause.length, false)
    }
  }

  /// It is over; how it ended may be told later.
  mutating func settle(_ token: UInt64) {
    let site = deliveries[token].flatMap { $0.isRunning ? $0.site : nil }
    _ = end(token, .unknown)
    deliveries[token] = nil
    settled[token] = site
  }

  mutating func giveBack(_ token: UInt64, due: Timestamp? = nil) {
    _ = end(token, .unknown)
    deliveries[token] = nil
    for index in parts.indices where parts[index].claim == token {
      parts[index].claim = nil
      parts[index].due = due ?? parts[index].due
    }
  }

  mutating func end(_ token: UInt64, _ condition: SiteCondition) -> SiteChange? {
    if deliveries[token] == nil, let name = settled.removeValue(forKey: token), var site = sites[name] {
      lost[name, default: 0] += 1
      let kind = learn(condition, token, &site)
      sites[name] = site
      return kind.map { SiteChange(site: name, kind: $0) }
    }
    guard let delivery = deliveries[token], delivery.isRunning else { return nil }
    deliveries[token]?.isRunning = false
    guard let name = delivery.site, var site = sites[name] else { return nil }
    switch condition {
    case .busy, .failed: lost[name, default: 0] += 1
    case .working, .unknown: break
    }
    if site.probe == token { site.probe = nil }
    let kind = learn(condition, token, &site)
    sites[name] = site
    return kind.map { SiteChange(site: name, kind: $0) }
  }

  private func learn(_ condition: SiteCondition, _ token: UInt64, _ site: inout Site) -> SiteChange.Kind? {
    switch condition {
    case .unknown: return nil
    case .working:
      site.failures = 0
      if site.pause != nil {
        (site.pause, site.probe, site.window) = (nil, nil, 1)
        return .resumed
      }
      site.window = min(max(site.window, rules.deliveriesPerSite), site.window + 1)
      return nil
    case .busy(let reason):
      if token <= site.lastPause || token <= site.lastHalving { return nil }
      let window = min(site.window, rules.deliveriesPerSite)
      guard site.pause != nil || window == 1 else {
        (site.window, site.lastHalving) = (window / 2, lastToken)
        return nil
      }
      return fail(reason, &site)
    case .failed(let reason): return token <= site.lastPause ? nil : fail(reason, &site)
    }
  }

  private func fail(_ reason: String, _ site: inout Site) -> SiteChange.Kind? {
    site.failures += 1
    guard site.pause != nil || site.failures >= rules.failuresBeforePause else { return nil }
    let length = min(site.pause.map { $0.length * 2 } ?? rules.firstPause, rules.maximumPause)
    site.pause = (now, min(site.pause?.since ?? now, now), length, now + length, false)
    site.lastPause = lastToken
    return .paused(until: now + length, because: reason)
  }

  /// Takes a grant, and says what is wrong with it.
  mutating func take(_ grant: ClaimLedger.Grant, free: Int, leasedUntil: Timestamp) -> String? {
    let isSuspended = grant.suspension != nil
    let mine = parts.indices.filter { index in
      let part = parts[index]
      return part.sequence == grant.sequence && grant.covers(part.destination)
    }
    guard let first = mine.first.map({ parts[$0] }) else { return "a grant of nothing" }
    guard grant.token.value > lastToken else { return "a token that was given before" }
    for part in mine.map({ parts[$0] }) {
      guard isDue(part) else { return "a part that does not wait, or is not due" }
      guard part.site == grant.site else { return "a part of another site" }
      guard !isSuspended || isOverdue(part) else { return "suspended before its time" }
    }
    guard isSuspended || room(grant.site) > 0 else { return "no room at the site" }
    guard tenantHasRoom(first.tenant, free: free) else { return "no room for the tenant" }
    let left = parts.indices.first { index in
      let part = parts[index]
      return !mine.contains(index) && part.sequence == grant.sequence && isDue(part) && part.due == first.due
        && part.site == grant.site
    }
    guard left == nil else { return "a part of the same message that is due with it was left out" }
    lost[grant.site, default: 0] += 1
    lostBefore[[grant.site.description, first.tenant]] = lost[grant.site]
    lastToken = grant.token.value
    for index in mine { parts[index].claim = lastToken }
    if !isSuspended, sites[grant.site]?.pause != nil { sites[grant.site]?.probe = lastToken }
    deliveries[lastToken] = Delivery(
      tenant: first.tenant, site: isSuspended ? nil : grant.site, leasedUntil: leasedUntil)
    return nil
  }
}

// MARK: - What it says besides

extension SchedulerModel {
  var pausedSites: Int {
    sites.count { name, site in
      site.pause != nil && parts.contains { isDue($0) && $0.site == name }
    }
  }

  /// Whether only the end of a delivery stands between a part and its turn.
  func awaitsEnd(free: Int) -> Bool {
    let full = Set(sites.keys.filter { room($0) <= 0 && sites[$0]?.isPaused == false })
    let tenants = Set(Set(parts.map(\.tenant)).filter { !tenantHasRoom($0, free: free) })
    return parts.contains { part in
      isDue(part) && (full.contains(part.site) || tenants.contains(part.tenant) && sites[part.site]?.isPaused == false)
    }
  }

  /// The first time at which something can be given though no delivery ends.
  ///
  /// - Parameter wentBack: whether the clock did, so that what is not due any more may still wait for what it waited for.
  func nextDue(free: Int, wentBack: Bool) -> Timestamp? {
    var times = deliveries.values.filter { !$0.isSettling }.map(\.leasedUntil)
    for part in parts where part.claim == nil {
      guard part.due <= now else {
        let name = part.site
        if wentBack, sites[name] != nil, room(name) <= 0 || !tenantHasRoom(part.tenant, free: free) { continue }
        times.append(part.due)
        continue
      }
      guard tenantHasRoom(part.tenant, free: free), let site = sites[part.site],
        let pause = site.pause, !pause.isOver
      else { continue }
      times.append(min(pause.until, max(part.due, pause.since) + rules.patience))
    }
    return times.filter { $0 != .never }.min()
  }
}
