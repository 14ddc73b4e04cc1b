import MailModel

// Whose turn it is.

extension Scheduler {
  /// Turns that a tenant's more urgent mail has in a row while less urgent mail of its waits: every eighth is for that, so that
  /// a newsletter goes out some day however much else there is.
  static let turnsInARow: UInt8 = 7

  /// What may begin now.
  struct Pick: Sendable {
    var token: UInt64
    /// Of one message.
    var first: QueuedPart
    var others: [QueuedPart]
    var site: UInt32
    /// Why it is not to be attempted.
    var suspension: String?
  }

  /// Brings everything up to an instant, and to rules; comes before anything else of a claim.
  mutating func advance(to instant: Timestamp, _ rules: SchedulingRules, limit: Int) {
    // While there is always somebody in the ring, this is what gives the underused sites their turn.
    wakeUnderused(most: max(0, limit))
    let isBack = instant < now
    now = instant
    if isBack { setBack() }
    guard rules != self.rules else { return }
    self.rules = rules
    for site in siteNumbers.values.sorted() { updateUse(of: site) }
  }

  /// Picks what begins now, so much at most.
  mutating func pick(_ limit: Int, site: (Mailbox.Host?) -> DeliverySite) -> [Pick] {
    answers = [:]
    forgetIdle()
    admitDue(site)
    endWaits()
    unpark(below: allowance(of: limit))
    var picks: [Pick] = []
    while picks.count < limit {
      guard let tenant = ring.first else {
        guard wakeUnderused() else { break }
        continue
      }
      guard deliveriesAndReservation(of: tenant) < allowance(of: limit - picks.count) else {
        park(tenant)
        continue
      }
      if let pick = pick(for: tenant, site) { picks.append(pick) }
    }
    remember(picks)
    return picks
  }

  /// Deliveries that a tenant may have under way where so many may still begin, and it wants another.
  private func allowance(of free: Int) -> Int {
    rules.leavesRoomForOthers ? min(rules.tenantLimit, max(0, free)) : rules.tenantLimit
  }

  /// Gives a tenant in the ring its turn, or brings it a step nearer to it.
  private mutating func pick(for tenant: UInt32, _ current: (Mailbox.Host?) -> DeliverySite) -> Pick? {
    guard let (lane, priority) = nextLane(of: tenant) else { return nil }
    let site = lanes[lane].site
    if let first = parts.first(of: lanes[lane].parts[priority]), answer(first.destination, current) != sites[site].name
    {
      // Its way has changed since it fell due, perhaps because its site is dead.
      postpone(lane, priority)
      admitDue(current)
      return nil
    }
    if sites[site].state.isPaused {
      // What has waited longest has the turn, whatever its priority.
      guard let (_, priority) = earliest(lane), let start = waitsFrom(lane), start + rules.wait <= now else {
        block(lane)
        return nil
      }
      return take(priority, of: lane, dueBy: now + (.zero - rules.wait), isSuspended: true)
    }
    // Who has waited there comes first: else a tenant with as many deliveries as it may have, all of them there, would take
    // each place again that one of them leaves.
    guard sites[site].state.room(rules) > (lanes[lane].isWoken ? 0 : sites[site].woken.count) else {
      block(lane)
      return nil
    }
    guard let first = parts.first(of: lanes[lane].parts[priority]), first.due <= now else {
      postpone(lane, priority)
      return nil
    }
    pass(tenant, priority)
    return take(priority, of: lane, dueBy: now, isSuspended: false)
  }

  /// The lane whose turn it is, and of which of its parts: one that a delivery was reserved for; the more urgent before the
  /// less; and of lanes with something as urgent one after the other.
  private func nextLane(of tenant: UInt32) -> (lane: UInt32, priority: MessagePriority)? {
    if let lane = tenants[Int(tenant)].reservation, !lanes[lane].isBlocked, let priority = reservedPriority(lane) {
      return (lane, priority)
    }
    var next: (lane: UInt32, priority: MessagePriority)?
    for priority in MessagePriority.allCases {
      guard let lane = firstLane(of: tenant, priority) else { continue }
      if next == nil || tenants[Int(tenant)].passed[priority] >= Self.turnsInARow { next = (lane, priority) }
    }
    return next
  }

  private mutating func pass(_ tenant: UInt32, _ chosen: MessagePriority) {
    tenants[Int(tenant)].passed[chosen] = 0
    for priority in MessagePriority.allCases where chosen < priority {
      guard !tenants[Int(tenant)].lanes[priority].isEmpty else { continue }
      tenants[Int(tenant)].passed[priority] = min(tenants[Int(tenant)].passed[priority] + 1, Self.turnsInARow)
    }
  }

  /// What was due is not any more, or not there: the clock went back, or destinations have another site.
  private mutating func postpone(_ lane: UInt32, _ priority: MessagePriority) {
    waiting = parts.merge(waiting, lanes[lane].parts[priority])
    lanes[lane].parts[priority] = Parts.none
    unlink(lane, priority)
    removeIfEmpty(lane)
  }

  /// Takes the first part, and those of the same message that follow it.
  private mutating func take(
    _ priority: MessagePriority, of lane: UInt32, dueBy instant: Timestamp, isSuspended: Bool
  ) -> Pick? {
    guard let first = parts.popFirst(of: &lanes[lane].parts[priority]) else { return nil }
    let site = lanes[lane].site
    tenants[Int(first.tenant)].hadWoken[priority] = lanes[lane].isWoken
    leaveWoken(lane)
    countReservedTurn(of: lane)
    endReservation(for: lane)
    (lanes[lane].isWoken, lanes[lane].timesPassedOver) = (false, 0)
    lastToken += 1
    var pick = Pick(token: lastToken, first: first, others: [], site: site)
    while let next = parts.first(of: lanes[lane].parts[priority]), next.sequence == first.sequence, next.due <= instant
    {
      guard let part = parts.popFirst(of: &lanes[lane].parts[priority]) else { break }
      pick.others.append(part)
    }
    if isSuspended { pick.suspension = suspension(at: site) } else { begin(lastToken, at: site) }
    begin(for: first.tenant)
    if lanes[lane].parts[priority] == Parts.none { unlink(lane, priority) }
    // With all of it: of what is suspended, the turn was perhaps another priority's.
    for priority in MessagePriority.allCases where lanes[lane].parts[priority] != Parts.none {
      moveToEnd(lane, priority)
    }
    removeIfEmpty(lane)
    return pick
  }

  private func suspension(at site: UInt32) -> String {
    guard let pause = sites[site].state.pause else { return "\(sites[site].name) is paused" }
    return "\(sites[site].name) is left alone until \(pause.until), since it failed: \(pause.reason)"
  }

  /// Whether something that is due waits for the end of a delivery.
  var awaitsEnd: Bool { parkedCount > 0 || lanesBehindDeliveries > 0 }

  /// When something can next be picked if no delivery ends before.
  mutating func nextDue() -> Timestamp? {
    if let lane = nextLane { return min(earliest(lane)?.due ?? now, now) }
    let due = min(parts.first(of: waiting)?.due ?? .never, nextEndOfWait() ?? .never)
    return due.unlessNever
  }

  /// Whose turn would be next, where more was due than asked for.
  private var nextLane: UInt32? {
    if let tenant = ring.first { return nextLane(of: tenant)?.lane }
    return underused.first.flatMap { sites[$0].blocked.first }.map { $0 / 3 }
  }
}

// MARK: - Reading ahead

extension Scheduler {
  /// Sites looked at for what is picked next.
  private static let sitesAhead = 8

  private mutating func remember(_ picks: [Pick]) {
    guard !picks.isEmpty else { return }
    recentSites = []
    for pick in picks where recentSites.count < Self.sitesAhead {
      let name = sites[pick.site].name
      if !recentSites.contains(name) { recentSites.append(name) }
    }
  }

  /// Messages that are probably among the next that are picked, so many at most: of the tenants in the ring, of what is
  /// blocked at the sites where something began last, and of what has fallen due since.
  func next(_ count: Int, dueBy instant: Timestamp) -> [Int64] {
    let ahead = lanesAhead(count)
    let share = (count + ahead.count - 1) / max(1, ahead.count)
    var next: [Int64] = []
    var seen: Set<Int64> = []
    func add(_ part: QueuedPart) {
      if next.count < count, part.due <= instant, seen.insert(part.sequence).inserted { next.append(part.sequence) }
    }
    for lane in ahead {
      if let first = mostUrgent(lane) { parts.least(share, of: lanes[lane].parts[first]).forEach(add) }
    }
    parts.least(count - next.count, of: waiting).forEach(add)
    return next
  }

  private func lanesAhead(_ count: Int) -> [UInt32] {
    var ahead: [UInt32] = []
    let share = max(1, count / max(1, ring.count))
    var tenant = ring.first
    while let current = tenant, ahead.count < count {
      if let (lane, priority) = nextLane(of: current) {
        let most = min(share, count - ahead.count)
        let queue = lanes(of: tenants[Int(current)].lanes[priority], atMost: most)
        ahead += ([lane] + queue.filter { $0 != lane }).prefix(most)
      }
      tenant = tenantLinks.next(after: current)
    }
    for name in recentSites {
      guard let site = siteNumbers[name], !sites[site].state.isPaused else { continue }
      ahead += lanes(of: sites[site].blocked, atMost: count - ahead.count)
    }
    return ahead
  }

  private func lanes(of chain: Chain, atMost count: Int) -> [UInt32] {
    var lanes: [UInt32] = []
    var node = chain.first
    while let current = node, lanes.count < count {
      lanes.append(current / 3)
      node = laneLinks.next(after: current)
    }
    return lanes
  }
}
