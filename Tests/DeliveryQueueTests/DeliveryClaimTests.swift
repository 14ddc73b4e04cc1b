import DeliveryQueue
import Logging
import MailModel
import MetricsTestKit
import SMTPTesting
import ServiceLifecycle
import Testing

/// What a service says with each claim, and what it does with what it is given.
@Suite(.timeLimit(.minutes(10))) struct DeliveryClaimTests {
  /// A service over a script of batches.
  private struct Rig {
    let time = ManualTime()
    let script: ScriptedStore
    let store: FaultyStore<ScriptedStore>
    let transport: RecordingTransport
    let service: DeliveryService
    let logs = RecordingLog(level: .debug)
    let metrics = TestMetrics()
    let start: Timestamp

    init(
      workers: Int = 4, script: ScriptedStore = ScriptedStore(),
      answer: @escaping @Sendable (Claim) async -> DeliveryReport = { $0.report { .delivered($0) } }
    ) {
      var configuration = DeliveryConfiguration.test
      configuration.workers = workers
      configuration.rules = SchedulingRules()
      self.script = script
      store = FaultyStore(script)
      transport = RecordingTransport(sites: { DeliverySite($0) }, script: answer)
      start = time.now()
      service = DeliveryService(
        store: store, transport: transport, time: time, configuration: configuration,
        logger: logs.logger, metrics: metrics)
    }

    func run(_ body: () async throws -> Void) async throws {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await service.run() }
        try await body()
        group.cancelAll()
        try await group.waitForAll()
      }
    }

    func batch(_ claims: [Claim], awaitsEnd: Bool = false, nextDue: Timestamp? = nil) -> ClaimBatch {
      var batch = ClaimBatch(claims: claims, nextDue: nextDue)
      batch.awaitsEnd = awaitsEnd
      return batch
    }
  }

  @Test func aClaimBearsTheRulesAndTheSites() async throws {
    let rig = Rig()
    try await rig.run { await rig.store.ended(.claim, 1) }
    let request = try #require(rig.script.requests.first)
    #expect(request.rules == SchedulingRules())
    #expect(request.limit == 4)
    #expect(request.ended.isEmpty)
    #expect(request.site(nil) == DeliverySite("postmaster"))
    let destination = try #require(ForwardPath("user@EXAMPLE.org")).destination
    #expect(request.site(destination) == DeliverySite("example.org"))
  }

  @Test func rulesThatLetNothingThroughAreMended() async throws {
    var configuration = DeliveryConfiguration.test
    var rules = SchedulingRules()
    (rules.deliveriesPerSite, rules.firstDeliveriesPerSite, rules.deliveriesPerTenant) = (0, -1, 0)
    (rules.failuresBeforePause, rules.patience) = (0, .seconds(-1))
    (rules.firstPause, rules.maximumPause) = (.milliseconds(999), .zero)
    configuration.rules = rules
    let store = FaultyStore(ScriptedStore())
    let service = DeliveryService(
      store: store, transport: RecordingTransport(), time: ManualTime(), configuration: configuration,
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await service.run() }
      await store.ended(.claim, 1)
      group.cancelAll()
      try await group.waitForAll()
    }
    let sane = try #require(store.base.requests.first).rules
    #expect([sane.deliveriesPerSite, sane.firstDeliveriesPerSite, sane.deliveriesPerTenant] == [1, 1, 1])
    #expect(sane.failuresBeforePause == 1)
    #expect([sane.firstPause, sane.maximumPause, sane.patience] == [.seconds(1), .seconds(1), .zero])
  }

  /// Each end once, in the first claim that succeeds, with what it told of the site.
  @Test func endsAreReportedUntilAClaimSucceeds() async throws {
    let rig = Rig { claim in
      let reply = DeliveryReply(code: 421, text: "421 4.3.2 closing")
      return claim.token.value == 1
        ? claim.report { .delivered($0) } : DeliveryReport(outcomes: [.deferred(reply)])
    }
    let claims = rig.script.claims(2, at: rig.start)
    rig.script.give(rig.batch(claims))
    rig.store.fail(.claim, after: 1)
    try await rig.run {
      await rig.store.ended(.settle, 2)
      await rig.time.sleeper(until: rig.start + .seconds(5))
      rig.time.advance(by: .seconds(5))
      await rig.store.ended(.claim, 3)
      rig.service.wake()
      await rig.store.ended(.claim, 4)
    }
    let reports = rig.script.requests.map { $0.ended.sorted { $0.token.value < $1.token.value } }
    let ends = [
      DeliveryEnd(token: claims[0].token, condition: .working),
      DeliveryEnd(token: claims[1].token, condition: .busy("421 4.3.2 closing")),
    ]
    #expect(reports.first == [])
    #expect(reports.dropFirst().flatMap { $0 } == ends)
  }

  /// Nothing is due after a delivery that was the last; so nobody asks, unless somebody waits.
  @Test(arguments: [false, true]) func anEndIsFollowedByAClaimWhereOneIsAwaited(awaitsEnd: Bool) async throws {
    let gate = Gate()
    let rig = Rig { claim in
      await gate.pass()
      return claim.report { .delivered($0) }
    }
    rig.script.give(rig.batch(rig.script.claims(2, at: rig.start), awaitsEnd: awaitsEnd))
    try await rig.run {
      await rig.transport.begun(2)
      await rig.time.sleeper(until: rig.start + DeliveryConfiguration.test.pollInterval)
      #expect(rig.script.requests.count == 1)
      gate.open()
      await rig.store.ended(.settle, 2)
      if awaitsEnd { await rig.store.ended(.claim, 2) }
    }
    #expect((rig.script.requests.count > 1) == awaitsEnd)
  }

  @Test func withoutAFreeWorkerAnEndIsFollowedByAClaim() async throws {
    let rig = Rig(workers: 2)
    rig.script.give(rig.batch(rig.script.claims(2, at: rig.start)), rig.batch(rig.script.claims(1, at: rig.start)))
    try await rig.run { await rig.store.ended(.settle, 3) }
    #expect(rig.transport.mostAtOnce <= 2)
  }

  @Test func itLooksAgainWhenSomethingIsDue() async throws {
    let rig = Rig()
    rig.script.give(rig.batch([], nextDue: rig.start + .seconds(77)), rig.batch(rig.script.claims(1, at: rig.start)))
    try await rig.run {
      await rig.time.sleeper(until: rig.start + .seconds(77))
      rig.time.advance(by: .seconds(77))
      await rig.store.ended(.settle, 1)
    }
    #expect(rig.script.requests[1].now == rig.start + .seconds(77))
  }

  // MARK: Sites that are left alone

  @Test func whatWaitsForASiteTooLongIsDeferredWithoutAnAttempt() async throws {
    let rig = Rig()
    let reason = "mx.example.org is left alone until noon: no answer"
    rig.script.give(rig.batch(rig.script.claims(1, at: rig.start, attempts: 2, suspension: reason)))
    try await rig.run {
      await rig.store.ended(.settle, 1)
      await rig.store.ended(.claim, 2)
    }
    let change = try #require(rig.script.settlements.first?.changes.first)
    #expect(change.state == .deferred)
    #expect(change.attempts == 0)
    #expect(change.reply == DeliveryReply(problem: reason))
    #expect(change.nextAttempt == rig.start + .seconds(120))
    #expect(rig.transport.attempts.isEmpty)
    #expect(rig.store.calls(of: .content) == 0)
    // At once, since its tenant may have waited for that, and it tells nothing of the site.
    #expect(rig.script.requests.flatMap(\.ended).map(\.condition) == [.unknown])
    #expect(try rig.metrics.expectCounter("submission.delivery.deferrals", [("kind", "host")]).totalValue == 1)
    #expect(rig.metrics.counterTotal(label: "submission.delivery.attempts") == 0)
    let line = try #require(rig.logs.lines("Message deferred").first)
    #expect([line["attempts"], line["kind"], line["reply"]] == ["2", "host", reason])
  }

  @Test(arguments: [(-1, RecipientState.deferred), (0, .expired), (1, .expired)])
  func itsLifeEndsThereToo(milliseconds: Int, state: RecipientState) async throws {
    let rig = Rig()
    let life = Duration.seconds(4 * 86_400)
    rig.script.give(rig.batch(rig.script.claims(1, at: rig.start, suspension: "left alone")))
    rig.time.advance(by: life + .milliseconds(milliseconds))
    try await rig.run { await rig.store.ended(.settle, 1) }
    let change = try #require(rig.script.settlements.first?.changes.first)
    #expect(change.state == state)
    #expect(change.attempts == 0)
    #expect(change.nextAttempt == (state == .deferred ? rig.start + life : nil))
    #expect(rig.metrics.counterTotal(label: "submission.delivery.attempts") == 0)
  }

  @Test func whatBecomesOfSitesIsToldAndCounted() async throws {
    let rig = Rig()
    let until = rig.start + .seconds(60)
    var paused = rig.batch([], nextDue: until)
    paused.pausedSites = 3
    paused.siteChanges = [
      SiteChange(
        site: DeliverySite("example.org"), kind: .paused(until: until, because: "421 <charlotte@example.org>\r\nlater"))
    ]
    var resumed = rig.batch([])
    resumed.siteChanges = [SiteChange(site: DeliverySite("example.org"), kind: .resumed)]
    rig.script.give(paused, resumed)
    let gauge = try rig.metrics.expectMeter("submission.delivery.sites.paused")
    try await rig.run {
      await rig.time.sleeper(until: until)
      #expect(gauge.lastValue == 3)
      rig.time.advance(to: until)
      await rig.time.sleeper(until: until + DeliveryConfiguration.test.pollInterval)
      #expect(gauge.lastValue == 0)
    }
    let warning = try #require(rig.logs.lines("A site is left alone for a while").first)
    #expect(warning.level == .warning)
    #expect(
      warning.metadata == [
        "site": "example.org", "until": "\(until)", "reason": "421 <c*a*l*t*e@example.org>??later",
      ])
    let notice = try #require(rig.logs.lines("A site works again").first)
    #expect(notice.level == .notice)
    #expect(notice.metadata == ["site": "example.org"])
    #expect(rig.logs.lines.count == 2)
  }

  // MARK: What tells nothing of a site

  @Test func unreadableContentTellsNothingOfTheSite() async throws {
    let rig = Rig()
    rig.script.give(rig.batch(rig.script.claims(1, at: rig.start)))
    rig.store.fail(.content, with: QueueError(.damaged, "a page is gone"))
    try await rig.run {
      await rig.store.ended(.settle, 1)
      await rig.store.ended(.claim, 2)
    }
    #expect(rig.script.requests.flatMap(\.ended).map(\.condition) == [.unknown])
    #expect(try rig.metrics.expectCounter("submission.delivery.deferrals", [("kind", "transaction")]).totalValue == 1)
  }

  /// What was cut off because the claim is another's tells nothing; what takes too long tells what it can.
  @Test(arguments: [true, false]) func anAttemptCutOff(isLost: Bool) async throws {
    let rig = Rig(script: ScriptedStore(losesClaims: isLost)) { claim in
      await untilCancelled()
      return claim.report { .deferred($0) }
    }
    rig.script.give(rig.batch(rig.script.claims(1, at: rig.start), awaitsEnd: true))
    try await rig.run {
      await rig.transport.begun(1)
      for half in 1...6 where rig.transport.attempts.isEmpty {
        await rig.time.sleeper(until: rig.start + .seconds(300 * half))
        rig.time.advance(to: rig.start + .seconds(300 * half))
        if isLost { break }
        if half < 6 { await rig.store.ended(.extend, half) }
      }
      await rig.store.ended(.claim, 2)
    }
    #expect(rig.script.requests.flatMap(\.ended).map(\.condition) == [isLost ? .unknown : .failed("scripted")])
    #expect(rig.script.settlements.count == (isLost ? 0 : 1))
  }

  // MARK: The end of the service

  /// A claim that is answered when the service has begun to stop.
  @Test func whatIsClaimedTooLateGoesBackAsItWas() async throws {
    let gate = Gate()
    let rig = Rig(script: ScriptedStore(gate: gate))
    rig.script.give(rig.batch(rig.script.claims(2, at: rig.start)))
    let quiet = Logger(label: "lifecycle", factory: { _ in SwiftLogNoOpLogHandler() })
    let services = ServiceGroup(configuration: ServiceGroupConfiguration(services: [rig.service], logger: quiet))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await services.run() }
      while rig.script.requests.isEmpty { await Task.yield() }
      await services.triggerGracefulShutdown()
      await rig.time.sleeper(until: rig.start + .seconds(30))
      gate.open()
      try await group.waitForAll()
    }
    #expect(rig.transport.attempts.isEmpty)
    #expect(rig.script.settlements.map(\.changes) == [[], []])
    #expect(rig.script.requests.count == 1)
  }
}
