import MailModel

/// Which of the parts of messages that wait is attempted next. A pure machine: time, and what has happened, come with each
/// call. It knows nothing of leases and settlements.
///
/// What is not due lies in one heap. A part that falls due goes into a *lane*: what one tenant has for one site. A lane is
/// either in its tenant's queues, where its turn will come, or it was met while nothing could begin at its site, and is in the
/// site's queue of blocked lanes until something can. A tenant with lanes in its queues is in the *ring*, where it has its
/// turn, or it is *parked*, since it has as many deliveries as it may. So whoever cannot have anything costs nothing while that
/// lasts, however many they are; and what ends a wait says for whom:
///
/// - The end of a delivery frees room at its site, which wakes the first of the blocked lanes there, and for its tenant, which
///   comes into the ring.
/// - A place is kept for a lane that is woken: else tenants that always have something for other sites, and so are ahead in the
///   ring, would take each place before one that has nothing else. It comes before its tenant's other lanes, as woken lanes have
///   every second turn of each priority, since others wait for its place meanwhile.
/// - A tenant has one kept place at a time, and none while it has no room. Its site stays among those that are *underused*, where
///   the next lanes are woken, until nothing is left that could begin.
/// - A lane that was passed over so again and again, as one of a tenant that always has all it may have for other sites, has a
///   delivery of its tenant *reserved* for it, and a place kept for it once it is woken: ``passOver(_:)``.
struct Scheduler: Sendable {
  /// What one tenant has for one site.
  struct Lane: Sendable {
    var tenant: UInt32
    var site: UInt32
    var parts = ByPriority(Parts.none)
    /// In its site's queue instead of its tenant's.
    var isBlocked = false
    /// It was woken, and has had nothing since.
    var isWoken = false
    /// How often it was woken in vain since it had something.
    var timesPassedOver: UInt16 = 0
    /// Turns by reservation that its most urgent mail has had in a row.
    var reservedTurns: UInt8 = 0
    /// Its earliest entry in ``Scheduler/patienceEnds``.
    var watchedFrom = Timestamp.never
  }
  struct LaneName: Hashable, Sendable {
    var tenant: UInt32
    var site: UInt32
  }

  struct Tenant: Sendable {
    enum Place: Equatable, Sendable {
      case nowhere, ring
      /// Among those that have so many deliveries, with one that is reserved.
      case parked(Int)
    }
    /// Deliveries under way.
    var running = 0
    /// Lanes that have something of a priority, in turn.
    var lanes = ByPriority(Chain())
    /// Turns that the more urgent has had in a row, though something of a priority was there.
    var passed = ByPriority<UInt8>(0)
    var place = Place.nowhere
    /// The last of the lanes in its queues that were woken. They come first, in the order in which they were.
    var lastWoken = ByPriority<UInt32?>(nil)
    /// Whether the last turn of a priority was a woken lane's.
    var hadWoken = ByPriority(false)
    /// The lane for which it has its kept place; beside that of a reservation it has one.
    var keptPlace: UInt32?
    /// The lane that one of its deliveries is reserved for, until that has its turn.
    var reservation: UInt32?

    var isParked: Bool { if case .parked = place { true } else { false } }
  }

  struct Site: Sendable {
    var name: DeliverySite
    var state: SiteState
    /// Lanes to it.
    var lanes = 0
    var blocked = Chain()
    /// The last of those in `blocked` that were woken in vain. They come first, in the order in which they came back.
    var lastPassedOver: UInt32?
    /// Lanes for which a place is kept: they were woken, and have had nothing since. Their tenants had room when last looked at.
    var woken = Chain()
    /// Lanes that a delivery of their tenant's is reserved for.
    var reservations = 0
    /// The end of its pause, where that is in ``Scheduler/pauseEnds``.
    var watchedUntil: Timestamp?
    /// When the last lane to it went, and the last delivery.
    var idleSince = Timestamp.never
  }

  var parts = Parts()
  /// What is not due yet, as far as the last claim knew.
  var waiting = Parts.none
  var tenantNames = Names<String?>()
  var destinations = Names<Mailbox.Host?>()
  var tenants: [Tenant] = []
  var lanes = Slab<Lane>()
  var laneNumbers: [LaneName: UInt32] = [:]
  var sites = Slab<Site>()
  var siteNumbers: [DeliverySite: UInt32] = [:]

  /// Of lanes, in the queues of tenants and sites: three nodes for each.
  var laneLinks = Links()
  /// Of tenants, in the ring or among those parked.
  var tenantLinks = Links()
  /// Of lanes, among those woken at a site.
  var wokenLinks = Links()
  /// Of sites, among the underused or the idle.
  var siteLinks = Links()
  var ring = Chain()
  /// By the number of their deliveries, with one that is reserved.
  var parked: [Chain] = []
  var parkedCount = 0
  /// Sites with blocked lanes where something could begin.
  var underused = Chain()
  /// Sites without lanes and deliveries, the longest so first.
  var idle = Chain()
  /// Lanes that are blocked where the end of a delivery would help.
  var lanesBehindDeliveries = 0
  /// Sites that have not worked since they were paused, and that have lanes.
  var pausedSites = 0

  /// When pauses end of sites that have lanes. What does not matter any more is met or swept.
  var pauseEnds = Heap<Watch>()
  /// From when on what is blocked at a paused site waits there, by lane. Likewise.
  var patienceEnds = Heap<Watch>()
  /// Where something began last.
  var recentSites: [DeliverySite] = []
  /// Where destinations are, as the claim under way was told: each is asked for once.
  var answers: [UInt32: DeliverySite] = [:]
  var rules = SchedulingRules.unlimited
  var now = Timestamp(milliseconds: .min)
  var lastToken: UInt64 = 0

  /// Something to look at then.
  struct Watch: Comparable, Sendable {
    var instant: Timestamp
    /// Of what.
    var number: UInt32

    static func < (left: Self, right: Self) -> Bool {
      (left.instant, left.number) < (right.instant, right.number)
    }
  }
}

// MARK: - Parts that come and go

extension Scheduler {
  /// A part waits, from now on or again.
  mutating func insert(_ part: QueuedPart) { parts.insert(part, into: &waiting) }

  /// A part by numbers, which are in use until ``forget(_:)``.
  mutating func part(
    of sequence: Int64, size: UInt32, tenant: String?, priority: MessagePriority, _ part: ClaimLedger.Part
  ) -> QueuedPart {
    let tenant = tenantNames.use(tenant)
    while tenants.count <= Int(tenant) { tenants.append(Tenant()) }
    return QueuedPart(
      sequence: sequence, due: part.due, size: size, destination: destinations.use(part.destination), tenant: tenant,
      priority: priority)
  }

  /// A part by names.
  func named(_ part: QueuedPart) -> ClaimLedger.Part {
    ClaimLedger.Part(destination: destinations[part.destination] ?? nil, due: part.due)
  }

  /// A part that is in no heap is no more.
  mutating func forget(_ part: QueuedPart) {
    _ = destinations.leave(part.destination)
    if tenantNames.leave(part.tenant) { tenants[Int(part.tenant)] = Tenant() }
    if tenantNames.count == 0 { (tenants, tenantLinks) = ([], Links()) }
  }

  /// Takes parts out, in one pass over all that wait.
  mutating func remove(where isMeant: (QueuedPart) -> Bool) -> [QueuedPart] {
    var removed = parts.remove(from: &waiting, where: isMeant)
    for lane in laneNumbers.values.sorted() {
      for priority in MessagePriority.allCases where lanes[lane].parts[priority] != Parts.none {
        removed += parts.remove(from: &lanes[lane].parts[priority], where: isMeant)
        if lanes[lane].parts[priority] == Parts.none, !lanes[lane].isBlocked { unlink(lane, priority) }
      }
      removeIfEmpty(lane)
    }
    return removed
  }

  /// Moves what is due into the lanes.
  ///
  /// - Parameter site: asked once in a claim for each destination.
  mutating func admitDue(_ site: (Mailbox.Host?) -> DeliverySite) {
    for place in parts.detach(from: &waiting, dueBy: now) {
      admit(place, to: self.site(answer(parts[place].destination, site)))
    }
  }

  /// Where a destination is by now.
  mutating func answer(_ destination: UInt32, _ site: (Mailbox.Host?) -> DeliverySite) -> DeliverySite {
    if let known = answers[destination] { return known }
    let answer = site(destinations[destination] ?? nil)
    answers[destination] = answer
    return answer
  }

  private mutating func admit(_ place: UInt32, to site: UInt32) {
    let part = parts[place]
    let lane = lane(of: part.tenant, to: site)
    let isFirst = lanes[lane].parts[part.priority] == Parts.none
    parts.attach(place, to: &lanes[lane].parts[part.priority])
    if lanes[lane].isBlocked { watch(lane) } else if isFirst { link(lane, part.priority) }
  }
}

// MARK: - Lanes

extension Scheduler {
  private mutating func lane(of tenant: UInt32, to site: UInt32) -> UInt32 {
    let name = LaneName(tenant: tenant, site: site)
    if let lane = laneNumbers[name] { return lane }
    let lane = lanes.insert(Lane(tenant: tenant, site: site))
    laneNumbers[name] = lane
    if siteLinks.contains(site), sites[site].lanes == 0 { siteLinks.remove(site, from: &idle) }
    change(site) { $0.lanes += 1 }
    watchPause(of: site)
    // Those that have waited longer come first.
    if !sites[site].blocked.isEmpty || sites[site].state.room(rules) == 0 { block(lane) }
    return lane
  }

  /// A lane is gone with its last part.
  mutating func removeIfEmpty(_ lane: UInt32) {
    let old = lanes[lane]
    guard MessagePriority.allCases.allSatisfy({ old.parts[$0] == Parts.none }) else { return }
    if old.isBlocked { leaveSite(lane) } else { leaveWoken(lane) }
    endReservation(for: lane)
    laneNumbers[LaneName(tenant: old.tenant, site: old.site)] = nil
    lanes.remove(lane, leaving: Lane(tenant: old.tenant, site: old.site))
    if lanes.isEmpty { (laneNumbers, laneLinks, wokenLinks, patienceEnds) = ([:], Links(), Links(), Heap()) }
    change(old.site) { $0.lanes -= 1 }
    settle(old.site)
  }

  private func node(_ lane: UInt32, _ priority: MessagePriority) -> UInt32 { lane * 3 + UInt32(priority.rawValue) }
  /// Stands for the whole lane in its site's queue, since a blocked lane is in no other.
  private func node(_ lane: UInt32) -> UInt32 { lane * 3 }

  /// A lane's parts of a priority come into its tenant's queue.
  mutating func link(_ lane: UInt32, _ priority: MessagePriority) {
    let (tenant, node) = (lanes[lane].tenant, node(lane, priority))
    if lanes[lane].isWoken {
      let last = tenants[Int(tenant)].lastWoken[priority]
      laneLinks.insert(node, after: last, in: &tenants[Int(tenant)].lanes[priority])
      tenants[Int(tenant)].lastWoken[priority] = node
    } else {
      laneLinks.append(node, to: &tenants[Int(tenant)].lanes[priority])
    }
    if tenants[Int(tenant)].place == .nowhere { enterRing(tenant) }
  }

  mutating func unlink(_ lane: UInt32, _ priority: MessagePriority) {
    let tenant = lanes[lane].tenant
    remove(node(lane, priority), of: tenant, priority)
    if MessagePriority.allCases.allSatisfy({ tenants[Int(tenant)].lanes[$0].isEmpty }) { leave(tenant) }
  }

  mutating func moveToEnd(_ lane: UInt32, _ priority: MessagePriority) {
    let (tenant, node) = (lanes[lane].tenant, node(lane, priority))
    remove(node, of: tenant, priority)
    laneLinks.append(node, to: &tenants[Int(tenant)].lanes[priority])
  }

  private mutating func remove(_ node: UInt32, of tenant: UInt32, _ priority: MessagePriority) {
    if tenants[Int(tenant)].lastWoken[priority] == node {
      tenants[Int(tenant)].lastWoken[priority] = laneLinks.previous(before: node)
    }
    laneLinks.remove(node, from: &tenants[Int(tenant)].lanes[priority])
  }

  /// The first lane in a tenant's queue of a priority; after a turn of one that was woken, the first that was not.
  func firstLane(of tenant: UInt32, _ priority: MessagePriority) -> UInt32? {
    let tenant = tenants[Int(tenant)]
    let others = tenant.hadWoken[priority] ? tenant.lastWoken[priority].flatMap(laneLinks.next(after:)) : nil
    return (others ?? tenant.lanes[priority].first).map { $0 / 3 }
  }

  /// The first of the priorities of which a lane has something.
  func mostUrgent(_ lane: UInt32) -> MessagePriority? {
    MessagePriority.allCases.first { lanes[lane].parts[$0] != Parts.none }
  }

  /// Which of the lane's parts was due first.
  func earliest(_ lane: UInt32) -> (due: Timestamp, priority: MessagePriority)? {
    var earliest: (due: Timestamp, priority: MessagePriority)?
    for priority in MessagePriority.allCases {
      guard let due = parts.first(of: lanes[lane].parts[priority])?.due else { continue }
      if let known = earliest?.due, known <= due { continue }
      earliest = (due, priority)
    }
    return earliest
  }

  /// Nothing of a lane can begin at its site: it waits there.
  mutating func block(_ lane: UInt32) {
    for priority in MessagePriority.allCases where laneLinks.contains(node(lane, priority)) { unlink(lane, priority) }
    lanes[lane].isBlocked = true
    let site = lanes[lane].site
    change(site) { [node = node(lane), isWoken = lanes[lane].isWoken] in
      guard isWoken else { return $1.append(node, to: &$0.blocked) }
      // Others took what it was woken for: it keeps its place.
      $1.insert(node, after: $0.lastPassedOver, in: &$0.blocked)
      $0.lastPassedOver = node
    }
    leaveWoken(lane)
    if lanes[lane].isWoken { passOver(lane) }
    updateUse(of: site)
    watch(lane)
  }

  private mutating func leaveSite(_ lane: UInt32) {
    lanes[lane].isBlocked = false
    change(lanes[lane].site) { [node = node(lane)] in
      if $0.lastPassedOver == node { $0.lastPassedOver = $1.previous(before: node) }
      $1.remove(node, from: &$0.blocked)
    }
    updateUse(of: lanes[lane].site)
  }

  /// No place is kept for a lane any more.
  mutating func leaveWoken(_ lane: UInt32) {
    guard wokenLinks.contains(lane) else { return }
    let tenant = Int(lanes[lane].tenant)
    if tenants[tenant].keptPlace == lane { tenants[tenant].keptPlace = nil }
    wokenLinks.remove(lane, from: &sites[lanes[lane].site].woken)
  }

  /// A blocked lane comes back into its tenant's queues.
  mutating func wake(_ lane: UInt32) {
    leaveSite(lane)
    lanes[lane].isWoken = true
    let tenant = Int(lanes[lane].tenant)
    let hasReservation = takesReservation(lane)
    let hasRoom = hasReservation ? tenants[tenant].running < rules.tenantLimit : !tenants[tenant].isParked
    if hasRoom, hasReservation || tenants[tenant].keptPlace == nil {
      if !hasReservation { tenants[tenant].keptPlace = lane }
      wokenLinks.append(lane, to: &sites[lanes[lane].site].woken)
    }
    for priority in MessagePriority.allCases where lanes[lane].parts[priority] != Parts.none { link(lane, priority) }
  }
}

// MARK: - Tenants

extension Scheduler {
  private mutating func enterRing(_ tenant: UInt32) {
    tenantLinks.append(tenant, to: &ring)
    tenants[Int(tenant)].place = .ring
  }

  /// A tenant leaves the ring, or those that are parked.
  private mutating func leave(_ tenant: UInt32) {
    switch tenants[Int(tenant)].place {
    case .nowhere: return
    case .ring: tenantLinks.remove(tenant, from: &ring)
    case .parked(let deliveries):
      tenantLinks.remove(tenant, from: &parked[deliveries])
      parkedCount -= 1
    }
    tenants[Int(tenant)].place = .nowhere
  }

  /// A tenant has as many deliveries as it may.
  mutating func park(_ tenant: UInt32) {
    leave(tenant)
    let deliveries = deliveriesAndReservation(of: tenant)
    while parked.count <= deliveries { parked.append(Chain()) }
    tenantLinks.append(tenant, to: &parked[deliveries])
    tenants[Int(tenant)].place = .parked(deliveries)
    parkedCount += 1
  }

  mutating func unpark(_ tenant: UInt32) {
    guard tenants[Int(tenant)].isParked else { return }
    leave(tenant)
    enterRing(tenant)
  }

  /// Those that may have more deliveries than they have come into the ring again.
  mutating func unpark(below allowance: Int) {
    guard parkedCount > 0 else { return }
    for deliveries in 0..<max(0, min(allowance, parked.count)) {
      while let tenant = parked[deliveries].first { unpark(tenant) }
    }
  }

  mutating func begin(for tenant: UInt32) {
    tenants[Int(tenant)].running += 1
    if tenants[Int(tenant)].place == .ring { tenantLinks.moveToEnd(tenant, of: &ring) }
  }

  /// A delivery for a tenant has ended.
  mutating func end(for tenant: UInt32) {
    unpark(tenant)
    tenants[Int(tenant)].running -= 1
  }
}
