import DeliveryQueue
import MailModel
import Testing

/// How many deliveries a site has at once, and how it is left alone.
@Suite struct SchedulerSiteTests {
  /// A rig with many messages for one site, where tenants have no limits.
  private func rig(_ messages: Int = 200, at now: Int = 0, _ change: (inout SchedulingRules) -> Void = { _ in })
    -> SchedulerRig
  {
    var rig = SchedulerRig { rules in
      (rules.deliveriesPerTenant, rules.leavesRoomForOthers) = (.max, false)
      change(&rules)
    }
    rig.now = now
    for _ in 0..<messages { rig.queue(due: 0) }
    return rig
  }

  private func paused(_ second: Int, _ reason: String = "down") -> [SiteChange] {
    [
      SiteChange(
        site: DeliverySite("site.example"), kind: .paused(until: SchedulerRig.at(second), because: reason))
    ]
  }
  private let resumed = [SiteChange(site: DeliverySite("site.example"), kind: .resumed)]

  // MARK: The window

  @Test func theWindowGrowsByOneWithEachThatWorks() {
    var rig = rig { $0.deliveriesPerSite = 5 }
    var grants = rig.turn()
    #expect(grants.count == 2)
    for expected in [2, 2, 2, 1, 1, 1] {  // for one that ends: its place, and one more until there are five
      rig.end([grants.removeFirst()])
      let more = rig.turn()
      #expect(more.count == expected)
      grants += more
    }
    #expect(grants.count == 5)
    #expect(rig.last?.awaitsEnd == true)
    #expect(rig.last?.nextDue == nil)
  }

  @Test(arguments: [(1, 1), (2, 2), (3, 3), (4, 3), (0, 1), (-5, 1)])
  func itBeginsWithSoManyButNoMoreThanItsLimit(first: Int, expected: Int) {
    var rig = rig { ($0.firstDeliveriesPerSite, $0.deliveriesPerSite) = (first, 3) }
    #expect(rig.turn().count == expected)
  }

  @Test(arguments: [(2, 1), (3, 1), (4, 2), (5, 2), (9, 4)])
  func oneThatIsBusyGetsHalf(window: Int, expected: Int) {
    var rig = rig { ($0.firstDeliveriesPerSite, $0.deliveriesPerSite) = (window, 10) }
    let grants = rig.turn()
    #expect(grants.count == window)
    // They all began before the first said so: it is one piece of news.
    rig.end(grants, .busy("421"))
    #expect(rig.turn().count == expected)
    #expect(rig.last?.siteChanges == [])
  }

  @Test func oneThatIsBusyWithOneDeliveryFails() {
    var rig = rig { ($0.firstDeliveriesPerSite, $0.failuresBeforePause) = (1, 2) }
    rig.end(rig.turn(), .busy("421 first"))
    let second = rig.turn()
    #expect(second.count == 1)
    rig.end(second, .busy("421 second"))
    #expect(rig.turn().isEmpty)
    #expect(rig.last?.siteChanges == paused(60, "421 second"))
  }

  @Test func withoutAWindowNothingIsHalved() {
    var rig = rig()
    rig.rules = .unlimited
    for _ in 0..<100 {
      rig.queue()
      rig.end(rig.turn(1), .busy("421"))
    }
    #expect(rig.turn().count == 200)
  }

  @Test func loweredLimitsHoldAtOnceAndRaisedOnesToo() {
    var rig = rig { ($0.firstDeliveriesPerSite, $0.deliveriesPerSite) = (4, 4) }
    var grants = rig.turn()
    rig.rules.deliveriesPerSite = 2
    rig.end([grants.removeLast(), grants.removeLast()], .unknown)
    #expect(rig.turn().isEmpty)
    rig.rules.deliveriesPerSite = 3
    #expect(rig.turn().count == 1)
  }

  // MARK: Pauses

  @Test(arguments: [1, 2, 3]) func itIsPausedAfterSoManyFailuresInARow(limit: Int) {
    var rig = rig { ($0.firstDeliveriesPerSite, $0.failuresBeforePause) = (1, limit) }
    for _ in 1..<limit {
      rig.end(rig.turn(), .failed("down"))
      rig.now += 1
    }
    rig.end(rig.turn(), .working)
    for failures in 1...limit {
      rig.end(Array(rig.turn().prefix(1)), .failed("down"))
      _ = rig.claim(0)
      #expect(rig.last?.siteChanges == (failures < limit ? [] : paused(rig.now + 60)))
    }
  }

  @Test func afterThePauseOneProbesAndPausesDouble() {
    var rig = rig { $0.maximumPause = .seconds(200) }
    rig.end(rig.turn(), .failed("down"))
    #expect(rig.turn().isEmpty)
    #expect(rig.last?.siteChanges == paused(60))
    for (length, begin) in [(60, 0), (120, 60), (200, 180), (200, 380)] {
      #expect(rig.last?.siteChanges == paused(begin + length))
      #expect(rig.last?.pausedSites == 1)
      #expect(rig.last?.awaitsEnd == false)
      #expect(rig.last?.nextDue == SchedulerRig.at(begin + length))
      rig.now = begin + length - 1
      #expect(rig.turn().isEmpty)
      rig.now += 1
      let probe = rig.turn()
      #expect(probe.map(\.suspension) == [nil])
      #expect(rig.last?.awaitsEnd == true)
      rig.end(probe, .failed("down"))
      #expect(rig.turn().isEmpty)
    }
  }

  @Test func aProbeThatTellsNothingIsFollowedByAnother() {
    var rig = rig()
    rig.end(rig.turn(), .failed("down"))
    rig.turn()
    rig.now = 60
    for _ in 0..<3 {
      let probe = rig.turn()
      #expect(probe.count == 1)
      rig.end(probe, .unknown)
    }
    let lost = rig.turn()
    rig.ledger.giveBack(lost[0].token)
    #expect(rig.turn().count == 1)
  }

  @Test func whenItWorksAgainItBeginsWithOne() {
    var rig = rig()
    rig.end(rig.turn(), .failed("down"))
    rig.turn()
    rig.now = 60
    rig.end(rig.turn(), .working)
    var grants = rig.turn()
    #expect(rig.last?.siteChanges == resumed)
    #expect(rig.last?.pausedSites == 0)
    #expect(grants.count == 1)
    rig.end(grants)
    grants = rig.turn()
    #expect(grants.count == 2)
    // The next pause is a first one again.
    rig.end(grants, .failed("down"))
    rig.turn()
    #expect(rig.last?.siteChanges == paused(120))
  }

  @Test func whatBeganBeforeThePauseTellsNothingNewUnlessItWorks() {
    var rig = rig { $0.firstDeliveriesPerSite = 5 }
    var grants = rig.turn()
    rig.end([grants.removeFirst(), grants.removeFirst()], .failed("down"))
    rig.turn()
    #expect(rig.last?.siteChanges == paused(60))
    rig.end([grants.removeFirst()], .failed("down"))
    rig.end([grants.removeFirst()], .busy("421"))
    rig.now = 30
    rig.turn()
    #expect(rig.last?.siteChanges == [])
    #expect(rig.last?.nextDue == SchedulerRig.at(60))
    rig.end(grants, .working)
    #expect(rig.turn().count == 1)
    #expect(rig.last?.siteChanges == resumed)
  }

  @Test func anEndCountsOnce() {
    var rig = rig()
    let grants = rig.turn()
    for _ in 0..<3 { rig.end(Array(grants.prefix(1)), .failed("down")) }
    #expect(rig.claim().count == 1)
    #expect(rig.last?.siteChanges == [])
    rig.ledger.endSettlement(grants[0].token, left: [], isFinished: true)
    #expect(rig.claim().isEmpty)
  }

  @Test func aPauseIsNotLongerByAStepBackOfTheClock() {
    var rig = rig(at: 10_000) { $0.patience = .seconds(100_000) }
    rig.end(rig.turn(), .failed("down"))
    rig.turn()
    rig.now -= 3600
    rig.turn()
    #expect(rig.last?.nextDue == SchedulerRig.at(6460))
    rig.now = 6459
    #expect(rig.turn().isEmpty)
    rig.now = 6460
    #expect(rig.turn().count == 1)
  }

  @Test func aPauseOfNoLengthIsAProbeAtOnce() {
    var rig = rig { ($0.firstPause, $0.maximumPause) = (.zero, .seconds(-1)) }
    rig.end(rig.turn(), .failed("down"))
    #expect(rig.turn().count == 1)
  }

  @Test func pausesBeyondAllTimeEndNothing() {
    var rig = rig { ($0.firstPause, $0.maximumPause) = (.seconds(Int64.max), .seconds(Int64.max)) }
    rig.end(rig.turn(), .failed("down"))
    #expect(rig.turn().isEmpty)
    rig.now = 899
    #expect(rig.turn().isEmpty)
    rig.now = 900
    #expect(rig.turn(1).first?.suspension != nil)
  }

  // MARK: Patience

  @Test(arguments: [(899, 0), (900, 3), (901, 3)])
  func whatHasWaitedLongEnoughIsSuspended(second: Int, expected: Int) {
    var rig = rig(2) { ($0.firstPause, $0.maximumPause) = (.seconds(5000), .seconds(5000)) }
    rig.end(rig.turn(), .failed("no route"))
    rig.turn()
    for _ in 0..<3 { rig.queue() }
    rig.queue(due: 100)
    rig.turn()
    #expect(rig.last?.nextDue == SchedulerRig.at(100))
    rig.now = 100
    rig.turn()
    #expect(rig.last?.nextDue == SchedulerRig.at(900))
    rig.now = second
    let grants = rig.turn()
    #expect(grants.count == expected)
    for grant in grants {
      #expect(
        grant.suspension
          == "site.example is left alone until 1970-01-01T01:23:20.000Z, since it failed: no route")
    }
    #expect(rig.last?.nextDue == SchedulerRig.at(expected == 0 ? 900 : 1000))
  }

  @Test func whatIsSuspendedNeedsNoRoomAtTheSiteButTheTenants() {
    var rig = rig(2) { ($0.firstPause, $0.maximumPause, $0.deliveriesPerTenant) = (.seconds(5000), .seconds(5000), 4) }
    rig.end(rig.turn(), .failed("down"))
    rig.turn()
    for _ in 0..<10 { rig.queue() }
    rig.now = 900
    let grants = rig.turn()
    #expect(grants.count == 4)
    #expect(rig.last?.awaitsEnd == true)
    rig.end(grants, .unknown)
    #expect(rig.turn().count == 4)
  }

  // MARK: What is remembered

  @Test func aSiteIsForgottenWhenItHasBeenIdleForLong() {
    var rig = rig(2)
    rig.end(rig.turn(), .failed("down"))
    rig.turn()
    rig.now = 1799
    rig.queue()
    #expect(rig.turn().count == 1)  // the probe
    #expect(rig.last?.pausedSites == 0)
    rig.queue()
    #expect(rig.turn().isEmpty)
    #expect(rig.last?.pausedSites == 1)

    var other = self.rig(2)
    other.end(other.turn(), .failed("down"))
    other.turn()
    other.now = 1800
    for _ in 0..<3 { other.queue() }
    #expect(other.turn().count == 2)
  }
}
