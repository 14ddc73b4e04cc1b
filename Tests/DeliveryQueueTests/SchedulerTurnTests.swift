import DeliveryQueue
import MailModel
import Testing

/// Whose turn it is.
@Suite struct SchedulerTurnTests {
  /// Without limits, unless they are set.
  private func rig(_ change: (inout SchedulingRules) -> Void = { _ in }) -> SchedulerRig {
    SchedulerRig { rules in
      rules = .unlimited
      change(&rules)
    }
  }

  @Test func tenantsComeInTurn() {
    var rig = rig()
    let mass = (0..<10).map { _ in rig.queue("mass") }
    let one = rig.queue("one")
    let two = [rig.queue("two"), rig.queue("two")]
    #expect(rig.turn(7).map(\.sequence) == [mass[0], one, two[0], mass[1], two[1], mass[2], mass[3]])
    // Nobody is before the turn that the last claim left.
    let three = rig.queue("three")
    #expect(rig.turn(3).map(\.sequence) == [mass[4], three, mass[5]])
  }

  /// Whoever has as many deliveries as he may, all at one site, does not take each place there that his own leave.
  @Test(arguments: 1...3, [1, 2]) func noTenantKeepsItsPlacesAtASite(places: Int, others: Int) {
    var rig = rig { ($0.deliveriesPerSite, $0.deliveriesPerTenant) = (places, places) }
    for _ in 0..<50 { rig.queue("mass") }
    var running = rig.turn()
    let late = (0..<others).map { rig.queue("late \($0)") }
    var turns: [Int64] = []
    for _ in 0..<others * 2 {
      rig.end([running.removeFirst()])
      let grants = rig.turn()
      running += grants
      turns += grants.map(\.sequence)
    }
    #expect(Set(turns).isSuperset(of: late))
  }

  /// Nobody is passed over for ever at a site with few places, where a settlement is kept before the end of its delivery is
  /// told and more are woken than there are places.
  @Test(arguments: 1...3, 2...7) func allTenantsHavePlacesAtASite(places: Int, tenants: Int) {
    var rig = rig { ($0.deliveriesPerSite, $0.leavesRoomForOthers) = (places, true) }
    var owners: [Int64: Int] = [:]
    for number in 0..<100 * tenants { owners[rig.queue("\(number % tenants)")] = number % tenants }
    var running = rig.claim()
    var turns = Array(repeating: 0, count: tenants)
    for _ in 0..<10 * tenants {
      let grant = running.removeFirst()
      rig.ledger.endSettlement(grant.token, left: [], isFinished: true)
      rig.end([grant])
      let grants = rig.claim(6)
      running += grants
      for grant in grants { turns[owners[grant.sequence] ?? 0] += 1 }
    }
    #expect(turns.allSatisfy { 9...11 ~= $0 }, "\(turns)")
  }

  /// Likewise where some have sites of their own, and so their turn more often; and a place there does not stay free for them.
  @Test(
    arguments: [[0, 4, 0], [0, 1, 0], [2, 2, 0], [0, 1, 0, 0], [3, 0], [1, 1, 1, 1]], [(1, 2), (1, 3), (2, 4), (2, 8)])
  func whoHasOtherSitesHasPlacesToo(ownSites: [Int], _ limits: (places: Int, workers: Int)) {
    for isSettledFirst in [true, false] {
      var rig = rig { $0.deliveriesPerSite = limits.places }
      var sites: [Int64: (tenant: Int, isShared: Bool)] = [:]
      for (tenant, count) in ownSites.enumerated() {
        for _ in 0..<300 { sites[rig.queue("\(tenant)", to: ["shared"])] = (tenant, true) }
        for site in 0..<count {
          for _ in 0..<300 { sites[rig.queue("\(tenant)", to: ["own-\(tenant)-\(site)"])] = (tenant, false) }
        }
      }
      var running = rig.claim(limits.workers)
      var (turns, others) = (ownSites.map { _ in 0 }, 0)
      for _ in 0..<200 {
        let grant = running.removeFirst()
        if isSettledFirst { rig.ledger.endSettlement(grant.token, left: [], isFinished: true) }
        rig.end([grant])
        let grants = rig.claim(limits.workers - running.count)
        if !isSettledFirst { rig.ledger.endSettlement(grant.token, left: [], isFinished: true) }
        running += grants
        for grant in grants {
          guard let site = sites[grant.sequence] else { continue }
          if site.isShared { turns[site.tenant] += 1 } else { others += 1 }
        }
      }
      let share = turns.reduce(0, +) / ownSites.count
      #expect(turns.allSatisfy { $0 * 2 >= share && $0 > 0 }, "\(turns) and \(others)")
    }
  }

  @Test func ofATenantItsSitesComeInTurn() {
    var rig = rig()
    let mass = (0..<5).map { _ in rig.queue(to: ["mass"]) }
    let other = rig.queue(to: ["other"])
    #expect(rig.turn(4).map(\.sequence) == [mass[0], other, mass[1], mass[2]])
  }

  @Test func theMoreUrgentComesFirstAndOfThatTheLongestDue() {
    var rig = rig()
    rig.now = 100
    let late = rig.queue(due: 99)
    let bulk = rig.queue("tenant", to: ["site"], .bulk, due: 1)
    let early = rig.queue(due: 50)
    let urgent = rig.queue("tenant", to: ["site"], .urgent, due: 100)
    #expect(rig.turn().map(\.sequence) == [urgent, early, late, bulk])
  }

  @Test func aMoreUrgentLaneOfATenantGoesBeforeItsOthers() {
    var rig = rig()
    for _ in 0..<5 { rig.queue(to: ["mass"]) }
    rig.turn(1)
    let urgent = rig.queue("tenant", to: ["other"], .urgent)
    #expect(rig.turn(1).map(\.sequence) == [urgent])
  }

  @Test func everyEighthTurnIsForTheLessUrgent() {
    var rig = rig()
    let bulk = Set((0..<100).map { _ in rig.queue("tenant", to: ["site"], .bulk) })
    for _ in 0..<100 { rig.queue("tenant", to: ["other"]) }
    let turns = rig.turn(80).map { bulk.contains($0.sequence) }
    #expect(turns.enumerated().allSatisfy { $0.element == ($0.offset % 8 == 7) })
  }

  @Test func allPrioritiesOfATenantComeOn() {
    var rig = rig()
    for priority in MessagePriority.allCases { for _ in 0..<100 { rig.queue("tenant", to: ["site"], priority) } }
    let counts = rig.turn(100).reduce(into: [0, 0, 0]) { $0[Int(($1.sequence - 1) / 100)] += 1 }
    #expect(counts[0] > 70)
    #expect(counts[1] > 10)
    #expect(counts[2] > 10)
  }

  @Test func partsOfOneMessageAtOneSiteAreOneClaim() {
    var rig = rig()
    let message = rig.queue(to: ["a", "b", "c"])
    var request = ClaimRequest(limit: 10, now: SchedulerRig.at(0), leasedUntil: .never)
    request.site = { $0 == SchedulerRig.host("c") ? DeliverySite("two") : DeliverySite("one") }
    let grants = rig.ledger.claim(request).grants
    #expect(grants.map(\.sequence) == [message, message])
    #expect(Set(grants.map(\.site)) == [DeliverySite("one"), DeliverySite("two")])
    for grant in grants {
      let covered = ["a", "b", "c"].filter { grant.covers(SchedulerRig.host($0)) }
      #expect(covered == (grant.site == DeliverySite("one") ? ["a", "b"] : ["c"]))
    }
    // The message counts once, until nothing is left of it.
    #expect(rig.ledger.messages == 1)
    rig.ledger.endSettlement(grants[0].token, left: [], isFinished: false)
    #expect(rig.ledger.messages == 1)
    #expect(rig.ledger.take([message]).claimed == [message])
    rig.ledger.endSettlement(grants[1].token, left: [], isFinished: true)
    #expect(rig.ledger.messages == 0)
    #expect(rig.ledger.octets == 0)
  }

  // MARK: Limits of tenants

  @Test(arguments: [(2, 2), (3, 3), (4, 3), (0, 0), (-1, 0)]) func noMoreThanAskedForNorThanTheTenantMay(
    limit: Int, expected: Int
  ) {
    var rig = rig { $0.deliveriesPerTenant = 3 }
    for _ in 0..<10 { rig.queue() }
    #expect(rig.turn(limit).count == expected)
  }

  @Test func aTenantLeavesRoomForOthers() {
    var rig = rig { $0.leavesRoomForOthers = true }
    for _ in 0..<100 { rig.queue("mass") }
    var free = 10
    let grants = rig.turn(free)
    #expect(grants.count == 5)
    #expect(rig.last?.awaitsEnd == true)
    free -= 5
    #expect(rig.turn(free).isEmpty)
    rig.queue("one")
    rig.queue("one")
    #expect(rig.turn(free).count == 2)
    free -= 2
    rig.end(Array(grants.prefix(1)))
    free += 1
    #expect(rig.turn(free).isEmpty)  // four under way, four free
    rig.end(Array(grants.suffix(1)))
    #expect(rig.turn(free + 1).count == 1)
  }

  // MARK: Many who wait

  @Test func whatWaitsForAPausedSiteDelaysNobody() {
    var rig = SchedulerRig()
    for _ in 0..<100_000 { rig.queue("mass", to: ["dead"]) }
    rig.end(rig.turn(400), .failed("down"))
    rig.turn(400)
    #expect(rig.last?.pausedSites == 1)
    for _ in 0..<100 {
      rig.now += 1
      let message = rig.queue("other", to: ["alive"])
      let grants = rig.turn(20)
      // Beside it goes the probe of the dead site alone.
      #expect(grants.filter { $0.site == DeliverySite("alive.example") }.map(\.sequence) == [message])
      #expect(grants.count <= 2)
      rig.end(grants.filter { $0.sequence == message })
      rig.end(grants.filter { $0.sequence != message }, .failed("down"))
    }
  }

  @Test func whatIsSuspendedDelaysNobody() {
    var rig = SchedulerRig { ($0.firstPause, $0.maximumPause) = (.seconds(10_000), .seconds(10_000)) }
    for _ in 0..<1000 { rig.queue("mass", to: ["dead"]) }
    rig.end(rig.turn(400), .failed("down"))
    rig.turn(400)
    rig.now = 2000
    for _ in 0..<5 { rig.queue("other", to: ["alive"]) }
    let grants = rig.turn(400)
    #expect(grants.prefix(4).count { $0.suspension == nil } == 2)
    #expect(grants.count { $0.suspension != nil } > 90)
  }

  @Test func aSaturatedSiteServesAThousandTenantsInTurn() {
    var rig = SchedulerRig()
    var owners: [Int64: Int] = [:]
    for tenant in 0..<1000 { for _ in 0..<3 { owners[rig.queue("tenant \(tenant)")] = tenant } }
    var (order, underWay): ([Int], [ClaimLedger.Grant]) = ([], [])
    while order.count < 3000 {
      let grants = rig.turn(400)
      order += grants.compactMap { owners[$0.sequence] }
      underWay += grants
      guard !underWay.isEmpty else { break }
      rig.end([underWay.removeFirst()])
    }
    #expect(order.count == 3000)
    for round in 0..<3 { #expect(Set(order[round * 1000..<(round + 1) * 1000]).count == 1000) }
  }

  @Test func aTenantWithTenThousandSitesDelaysNobody() {
    var rig = rig { $0.deliveriesPerSite = 1 }
    for site in 0..<10_000 { for _ in 0..<2 { rig.queue("mass", to: ["site\(site)"]) } }
    rig.turn(10_000)
    // Each of its sites has what it may.
    #expect(rig.turn(10).isEmpty)
    #expect(rig.last?.awaitsEnd == true)
    let other = rig.queue("other", to: ["site7", "alive"])
    #expect(rig.turn(10).map(\.sequence) == [other])
  }

  @Test func aPlaceThatIsFreeGoesToWhoeverHasRoom() {
    var rig = rig { ($0.deliveriesPerSite, $0.firstDeliveriesPerSite, $0.deliveriesPerTenant) = (1, 1, 1) }
    rig.queue("holder")
    let holder = rig.turn()
    // The first that waits for the site is a tenant that is busy elsewhere by the time that there is room.
    rig.queue("busy")
    let second = rig.queue("free")
    #expect(rig.turn().isEmpty)
    rig.queue("busy", to: ["elsewhere"])
    #expect(rig.turn().count == 1)
    rig.end(holder)
    #expect(rig.turn().map(\.sequence) == [second])
  }

  // MARK: Reading ahead

  @Test(arguments: [0, 1, 5, 64]) func whatIsReadAheadIsWhatComesNext(count: Int) {
    var rig = SchedulerRig()
    for index in 0..<200 { rig.queue("tenant \(index % 7)") }
    let first = rig.turn(400)
    let ahead = rig.ledger.next(count, dueBy: SchedulerRig.at(rig.now))
    #expect(ahead.count == count)
    #expect(Set(ahead).count == count)
    rig.end(first)
    let next = rig.turn(400).map(\.sequence)
    #expect(count < 5 || Set(next).isSubset(of: ahead))
    #expect(rig.ledger.next(64, dueBy: SchedulerRig.at(rig.now)).allSatisfy { !next.contains($0) })
  }

  @Test func whatIsNotDueIsNotReadAhead() {
    var rig = SchedulerRig()
    rig.queue(due: 5)
    let due = rig.queue()
    #expect(rig.ledger.next(10, dueBy: SchedulerRig.at(0)) == [due])
  }

  @Test func theClockMayGoBack() {
    var rig = SchedulerRig()
    rig.now = 3600
    for _ in 0..<5 { rig.queue() }
    #expect(rig.turn(400).count == 2)
    rig.now = 0
    rig.queue(due: 0)
    #expect(rig.turn(400).isEmpty)  // the site has what it may
    rig.now = 3600
    #expect(rig.turn(400).isEmpty)
    #expect(rig.last?.awaitsEnd == true)
  }
}
