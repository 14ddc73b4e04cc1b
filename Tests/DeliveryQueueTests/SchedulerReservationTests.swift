import DeliveryQueue
import MailModel
import Testing

/// What a tenant that always has all it may have leaves free for a site where others wait too.
@Suite struct SchedulerReservationTests {
  /// Whoever always has as many deliveries as it may, and enough for other sites to take each place that an end of its own
  /// leaves, has places at a site where others wait too, though no end there is told together with one of its own; and what it
  /// leaves free for that costs it little, and the site nothing.
  @Test(
    arguments: [(1, 1, 1), (1, 2, 2), (2, 2, 1), (3, 2, 2), (2, 1, 3), (6, 3, 2)],
    [(1000, false), (8, true), (20, true)])
  func whoHasAllItMayHasPlacesToo(
    _ limits: (tenant: Int, site: Int, others: Int), _ all: (workers: Int, leavesRoomForOthers: Bool)
  ) {
    var rig = SchedulerRig {
      $0 = .unlimited
      ($0.deliveriesPerTenant, $0.deliveriesPerSite) = (limits.tenant, limits.site)
      $0.leavesRoomForOthers = all.leavesRoomForOthers
    }
    let shared = DeliverySite("shared.example")
    var busy: Set<Int64> = []
    for _ in 0..<2000 {
      for other in 0..<limits.others { rig.queue("other \(other)", to: ["shared"]) }
      for site in ["shared"] + (0..<limits.tenant).map({ "own-\($0)" }) { busy.insert(rig.queue("busy", to: [site])) }
    }
    var running = rig.claim(all.workers)
    var (atSite, ofBusy, elsewhere) = (0, 0, 0)
    for _ in 0..<1000 {
      rig.end([running.removeFirst()])
      let grants = rig.turn(all.workers - running.count)
      running += grants
      #expect(running.count { $0.site == shared } == limits.site)
      atSite += grants.count { $0.site == shared }
      ofBusy += grants.count { $0.site == shared && busy.contains($0.sequence) }
      elsewhere += grants.count { $0.site != shared }
    }
    // A tenth of its share at least.
    #expect(ofBusy * 10 * (limits.others + 1) >= atSite, "\(ofBusy) of \(atSite)")
    #expect(elsewhere > 300, "\(elsewhere)")
  }

  /// A tenant with one delivery at a time, and a site where another always has the only place.
  private struct Rivals {
    var rig = SchedulerRig {
      $0 = .unlimited
      ($0.deliveriesPerTenant, $0.deliveriesPerSite, $0.failuresBeforePause) = (1, 1, 1)
      $0.patience = .seconds(1_000_000)
    }
    /// What the tenant has for that site.
    let wanted: Int64
    var (atSite, elsewhere): (ClaimLedger.Grant?, ClaimLedger.Grant?)

    init() {
      for _ in 0..<50 { rig.queue("other", to: ["shared"]) }
      for _ in 0..<50 { rig.queue("busy", to: ["own"]) }
      let first = rig.turn()
      (atSite, elsewhere) = (first.first, first.last)
      wanted = rig.queue("busy", to: ["shared"])
      // Until it has met the full site.
      for _ in 0..<2 { _ = round() }
    }

    /// The delivery at the site ends, and then the other; what begins instead.
    mutating func round(_ condition: SiteCondition = .working) -> (atSite: [Int64], elsewhere: [Int64]) {
      if let atSite { rig.end([atSite], condition) }
      let first = rig.turn()
      atSite = first.first
      if let elsewhere { rig.end([elsewhere]) }
      let second = rig.turn()
      elsewhere = second.first
      return (first.map(\.sequence), second.map(\.sequence))
    }

    /// Rounds until a delivery is left free.
    mutating func reserve() {
      for _ in 0..<6 {
        let grants = round()
        #expect(grants.atSite.count == 1 && grants.atSite != [wanted] && grants.elsewhere.count == 1)
      }
      let grants = round()
      #expect(grants.atSite.count == 1 && grants.atSite != [wanted] && grants.elsewhere.isEmpty)
    }
  }

  @Test func itIsPassedOverSevenTimesAndHasTheNextPlace() {
    var rivals = Rivals()
    rivals.reserve()
    #expect(rivals.rig.last?.awaitsEnd == true)
    #expect(rivals.round().atSite == [rivals.wanted])
    // When that ends, both go on.
    #expect(rivals.round().atSite.count == 2)
  }

  @Test func forASiteThatFailsNothingIsLeftFree() {
    var rivals = Rivals()
    rivals.reserve()
    if let atSite = rivals.atSite { rivals.rig.end([atSite], .failed("down")) }
    #expect(rivals.rig.turn().map(\.site) == [DeliverySite("own.example")])
  }

  /// Nor if its place was kept already as the site failed.
  @Test func forASiteThatFailsAsAPlaceThereIsKeptNothingIsLeftFree() {
    var rig = SchedulerRig {
      $0 = .unlimited
      ($0.deliveriesPerTenant, $0.deliveriesPerSite, $0.failuresBeforePause) = (1, 2, 2)
      $0.patience = .seconds(1_000_000)
    }
    for _ in 0..<50 {
      for other in 0..<2 { rig.queue("other \(other)", to: ["shared"]) }
      rig.queue("busy", to: ["own"])
    }
    let shared = DeliverySite("shared.example")
    let first = rig.turn()
    var (atSite, elsewhere) = (first.filter { $0.site == shared }, first.filter { $0.site != shared })
    #expect(atSite.count == 2 && elsewhere.count == 1)
    rig.queue("busy", to: ["shared"])
    // Until a delivery is left free.
    for _ in 0..<20 where !elsewhere.isEmpty {
      rig.end([atSite.removeFirst()])
      atSite += rig.turn()
      rig.end([elsewhere.removeFirst()])
      elsewhere = rig.turn()
    }
    #expect(atSite.count == 2 && elsewhere.isEmpty && rig.last?.awaitsEnd == true)
    // Told in one claim: the first wakes who waits there.
    rig.end(atSite, .failed("down"))
    #expect(rig.turn().map(\.site) == [DeliverySite("own.example")])
  }

  @Test func forWhatIsCancelledNothingIsLeftFree() {
    var rivals = Rivals()
    rivals.reserve()
    #expect(rivals.rig.ledger.take([rivals.wanted]).taken.count == 1)
    #expect(rivals.rig.turn().map(\.site) == [DeliverySite("own.example")])
  }

  /// A site that does not answer is probed again and again: its lanes are passed over then too.
  @Test func forASiteThatIsProbedNothingIsLeftFree() {
    var rivals = Rivals()
    #expect(rivals.round(.failed("down")).atSite.isEmpty)
    for _ in 0..<20 {
      rivals.rig.now += 1000
      let probe = rivals.rig.turn()
      #expect(probe.count == 1)
      if let elsewhere = rivals.elsewhere { rivals.rig.end([elsewhere]) }
      let own = rivals.rig.turn()
      #expect(own.map(\.site) == [DeliverySite("own.example")])
      rivals.elsewhere = own.first
      rivals.rig.end(probe, .failed("down"))
      #expect(rivals.rig.turn().isEmpty)
    }
  }

  // MARK: What it costs, and whom it serves

  /// Tenants that have fast mail of their own without end, and sites where others always wait too. What ends there does so at odd
  /// seconds if it takes an even number of them, and what is a tenant's own, which takes two to seven, at even ones.
  private struct Rush {
    var rig: SchedulerRig
    /// Seconds that a delivery takes at each of those sites.
    let slowness: [DeliverySite: Int]
    /// What a delivery at a site finds, by their number there.
    var condition: (Int) -> SiteCondition = { _ in .working }
    private var names: [Int64: String] = [:]
    private var urgent: Set<Int64> = []
    private var ends: [(instant: Int, grant: ClaimLedger.Grant)] = []
    private var begun: [DeliverySite: Int] = [:]
    /// Seconds of deliveries, by tenant; and what began at those sites.
    private(set) var busy: [String: Int] = [:]
    private(set) var places: [String: [DeliverySite: Int]] = [:]
    private(set) var urgentPlaces = 0

    static func site(_ number: Int) -> DeliverySite { DeliverySite("site-\(number).example") }

    /// Enough for so many seconds.
    /// - Parameter limit: of each tenant, and of each site.
    init(slowness: [Int], tenants: Int = 1, limit: Int = 1, seconds: Int) {
      rig = SchedulerRig {
        $0 = .unlimited
        ($0.deliveriesPerTenant, $0.deliveriesPerSite, $0.failuresBeforePause) = (limit, limit, 2)
        $0.patience = .seconds(1_000_000)
      }
      self.slowness = Dictionary(uniqueKeysWithValues: slowness.enumerated().map { (Self.site($0), $1) })
      let waiting = (0..<tenants).map(String.init)
      for (site, slowness) in slowness.enumerated() {
        let rivals = (0..<limit).map { "rival \(site) \($0)" }
        for tenant in waiting + rivals { queue(tenant, to: "site-\(site)", limit * (seconds / slowness + 1), due: 1) }
      }
      for tenant in waiting { queue(tenant, to: "own-\(tenant)", limit * (seconds / 2 + 1)) }
    }

    mutating func queue(
      _ tenant: String, to site: String, _ count: Int, _ priority: MessagePriority = .normal, due: Int? = nil
    ) {
      for _ in 0..<count {
        let sequence = rig.queue(tenant, to: [site], priority, due: due)
        names[sequence] = tenant
        if priority == .urgent { urgent.insert(sequence) }
      }
    }

    /// Each end is told in a claim of its own; there is one too whenever something may begin without one.
    mutating func run(until end: Int) {
      begin()
      while true {
        let next = ends.indices.min { ends[$0].instant < ends[$1].instant }
        let due = rig.last?.nextDue.map { Int(($0.milliseconds + 999) / 1000) } ?? .max
        let instant = min(next.map { ends[$0].instant } ?? .max, max(due, rig.now + 1))
        guard instant <= end else { return }
        rig.now = instant
        if let next, ends[next].instant == instant {
          let grant = ends.remove(at: next).grant
          let count = begun[grant.site, default: 0]
          begun[grant.site] = count + 1
          rig.end([grant], slowness[grant.site] == nil ? .working : condition(count))
        }
        begin()
      }
    }

    private mutating func begin() {
      for grant in rig.turn() {
        let name = names[grant.sequence] ?? ""
        let seconds = slowness[grant.site] ?? 2 + 2 * Int(grant.sequence % 3) + rig.now % 2
        busy[name, default: 0] += seconds
        if slowness[grant.site] != nil { places[name, default: [:]][grant.site, default: 0] += 1 }
        if urgent.contains(grant.sequence) { urgentPlaces += 1 }
        ends.append((rig.now + seconds, grant))
      }
    }

    func places(of tenant: String) -> Int { places[tenant, default: [:]].values.reduce(0, +) }
  }

  /// An eighth of its delivery where there is one such site, however many wait there; more where there are many.
  @Test(arguments: [(1, 1, 15), (8, 1, 15), (20, 1, 15), (1, 8, 40), (4, 4, 40)])
  func itCostsLittleAndServesEach(_ count: (tenants: Int, sites: Int, percent: Int)) {
    var rush = Rush(slowness: Array(repeating: 20, count: count.sites), tenants: count.tenants, seconds: 4000)
    rush.run(until: 4000)
    for tenant in (0..<count.tenants).map(String.init) {
      #expect(rush.busy[tenant, default: 0] * 100 >= 4000 * (100 - count.percent), "\(rush.busy)")
      #expect(rush.places(of: tenant) >= 4, "\(rush.places)")
    }
  }

  /// A site where places are free often has not all that its tenant leaves free.
  @Test(arguments: 2...3, [(2, 100), (2, 250), (6, 210)])
  func aFastSiteDoesNotStarveASlowOne(_ limit: Int, _ slowness: (Int, Int)) {
    var rush = Rush(slowness: [slowness.0, slowness.1], limit: limit, seconds: 20_000)
    rush.run(until: 20_000)
    for site in 0..<2 {
      #expect(rush.places["0", default: [:]][Rush.site(site), default: 0] >= 4, "\(rush.places)")
    }
  }

  /// A site that works again and again, and fails again and again, is one where nobody has a place for ever either. (Not so where a
  /// single failure is enough for a pause, and no more than one delivery works between two: there it has none.)
  @Test(arguments: 3...9) func aSiteThatIsPausedNowAndThenIsNoExcuse(_ successes: Int) {
    var rush = Rush(slowness: [20], seconds: 20_000)
    rush.condition = { $0 % (successes + 2) < successes ? .working : .failed("down") }
    rush.run(until: 20_000)
    #expect(rush.places(of: "0") >= 35, "\(rush.places)")
  }

  /// All but each eighth.
  @Test func theMoreUrgentHasTheReservedPlaces() {
    var rush = Rush(slowness: [20], seconds: 10_000)
    rush.run(until: 2000)
    let before = rush.places(of: "0")
    rush.queue("0", to: "site-0", 100, .urgent)
    rush.run(until: 8000)
    let places = rush.places(of: "0") - before
    #expect(places >= 30)
    #expect(rush.urgentPlaces * 10 >= places * 8)
    #expect(places - rush.urgentPlaces >= 3)
  }
}
