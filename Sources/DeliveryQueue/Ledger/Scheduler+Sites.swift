import MailModel

// MARK: - Sites

extension Scheduler {
  /// Sites that nothing waits for and nothing runs at, and that are remembered for what is known of them, at most.
  static let idleSites = 10_000

  /// The number of a site.
  mutating func site(_ name: DeliverySite) -> UInt32 {
    if let site = siteNumbers[name] { return site }
    let site = sites.insert(Site(name: name, state: SiteState(rules)))
    siteNumbers[name] = site
    return site
  }

  /// Changes a site, and what is counted of all of them.
  mutating func change(_ number: UInt32, _ body: (inout Site, inout Links) -> Void) {
    count(number, -1)
    body(&sites[number], &laneLinks)
    count(number, 1)
  }

  mutating func change(_ number: UInt32, _ body: (inout Site) -> Void) {
    change(number) { site, _ in body(&site) }
  }

  private mutating func count(_ number: UInt32, _ sign: Int) {
    if !sites[number].state.isPaused { lanesBehindDeliveries += sign * sites[number].blocked.count }
    if sites[number].state.pause != nil, sites[number].lanes > 0 { pausedSites += sign }
  }

  /// A delivery begins at a site.
  mutating func begin(_ token: UInt64, at site: UInt32) {
    change(site) { $0.state.begin(token) }
    updateUse(of: site)
  }

  /// A delivery at a site has ended, and what it found is known, or its claim is lost.
  mutating func end(_ token: UInt64, at site: UInt32, _ condition: SiteCondition) -> SiteChange? {
    change(site) { $0.state.end(token) }
    return learn(condition, from: token, at: site)
  }

  /// What a delivery found that counts no more.
  mutating func learn(_ condition: SiteCondition, from token: UInt64, at site: DeliverySite) -> SiteChange? {
    condition == .unknown ? nil : learn(condition, from: token, at: self.site(site))
  }

  private mutating func learn(_ condition: SiteCondition, from token: UInt64, at site: UInt32) -> SiteChange? {
    var kind: SiteChange.Kind?
    let (now, last, rules) = (now, lastToken, rules)
    change(site) { kind = $0.state.learn(condition, from: token, last: last, at: now, rules) }
    switch kind {
    case .paused: beginPause(of: site)
    case .resumed: sites[site].watchedUntil = nil
    case nil: break
    }
    // A place that is free now, and one more that the site allows.
    wake(at: site, most: 2)
    let name = sites[site].name
    settle(site)
    return kind.map { SiteChange(site: name, kind: $0) }
  }

  /// Wakes the first of the lanes blocked at a site, as far as deliveries could begin there that no place is kept for; those for
  /// whom none is kept come along uncounted, since the site's others need not wait for them.
  @discardableResult mutating func wake(at site: UInt32, most: Int = .max) -> Bool {
    var left = min(most, freePlaces(at: site))
    var wakesAny = false
    while left > 0, let node = sites[site].blocked.first {
      let lane = node / 3
      wake(lane)
      wakesAny = true
      if wokenLinks.contains(lane) { left -= 1 }
    }
    updateUse(of: site)
    return wakesAny
  }

  /// Places at a site that are kept for nobody. For lanes whose tenants have no room any more none are.
  private mutating func freePlaces(at site: UInt32) -> Int {
    var free = sites[site].state.room(rules)
    var next = sites[site].woken.first
    while free > 0, let lane = next {
      next = wokenLinks.next(after: lane)
      if tenants[Int(lanes[lane].tenant)].isParked { leaveWoken(lane) } else { free -= 1 }
    }
    return free
  }

  /// Wakes lanes at all sites that are underused, and says whether there were any.
  @discardableResult mutating func wakeUnderused(most: Int = .max) -> Bool {
    var wakesAny = false
    for _ in 0..<min(most, underused.count) {
      guard let site = underused.first else { break }
      siteLinks.moveToEnd(site, of: &underused)
      if wake(at: site) { wakesAny = true }
    }
    return wakesAny
  }

  mutating func updateUse(of site: UInt32) {
    let isUnderused = !sites[site].blocked.isEmpty && sites[site].state.room(rules) > 0
    guard siteLinks.contains(site) != isUnderused, sites[site].lanes > 0 else { return }
    if isUnderused { siteLinks.append(site, to: &underused) } else { siteLinks.remove(site, from: &underused) }
  }

  /// A site that nothing waits for and nothing runs at is idle.
  mutating func settle(_ number: UInt32) {
    guard sites[number].lanes == 0, sites[number].state.running == 0 else { return }
    // Also of one that is idle already: at a settlement, `now` is that of the last claim, and what is learnt comes later.
    sites[number].idleSince = now
    if siteLinks.contains(number) { siteLinks.remove(number, from: &idle) }
    siteLinks.append(number, to: &idle)
  }

  private mutating func forget(_ number: UInt32) {
    siteLinks.remove(number, from: &idle)
    siteNumbers[sites[number].name] = nil
    sites.remove(number, leaving: Site(name: DeliverySite(""), state: SiteState(rules)))
    if sites.isEmpty { (siteNumbers, siteLinks, pauseEnds) = ([:], Links(), Heap()) }
  }

  /// Forgets sites that have been idle for twice the longest pause, and the longest idle of too many.
  mutating func forgetIdle() {
    let pause = max(.zero, min(rules.maximumPause, .seconds(86_400)))
    while let site = idle.first, idle.count > Self.idleSites || sites[site].idleSince + pause * 2 <= now {
      forget(site)
    }
  }
}
