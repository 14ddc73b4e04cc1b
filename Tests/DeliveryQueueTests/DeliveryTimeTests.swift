import DeliveryQueue
import MailModel
import MetricsTestKit
import SMTPTesting
import Testing

/// Four days of each kind of failure, and calendars that step by an hour.
@Suite(.timeLimit(.minutes(10))) struct DeliveryTimeTests {
  private static let hour = Duration.seconds(3600)

  private static func reply(_ kind: FailureKind) -> DeliveryReply {
    switch kind {
    case .recipient: DeliveryReply(code: 452, text: "452 4.2.2 full")
    case .transaction: DeliveryReply(code: 452, text: "452 4.3.1 no room")
    case .host: DeliveryReply(problem: "no answer")
    case .policy: DeliveryReply(code: 450, text: "450 4.7.25 no reverse name")
    case .greylisting: DeliveryReply(code: 450, text: "450 4.2.0 Greylisted")
    @unknown default: DeliveryReply(problem: "unknown")
    }
  }

  private static func deferral(_ claim: Claim, _ kind: FailureKind = .host) -> DeliveryReport {
    DeliveryReport(outcomes: claim.recipients.map { _ in .deferred(Self.reply(kind)) })
  }

  /// Runs until the recipient is final, in its own time, and says when it was attempted.
  private func attempts(of id: QueueID, _ rig: DeliveryRig) async throws -> [Timestamp] {
    var attempts: [Timestamp] = []
    while true {
      try Task.checkCancellation()
      await rig.store.ended(.settle, attempts.count + 1)
      let recipient = try await rig.recipient(id)
      attempts.append(try #require(recipient.lastAttempt))
      #expect(recipient.attempts == attempts.count)
      guard let next = recipient.nextAttempt else { return attempts }
      await rig.time.sleeper(until: next)
      rig.time.advance(to: next)
    }
  }

  /// Where a site is paused, its message is not due before the pause ends, so the schedule stays what it is.
  @Test(arguments: FailureKind.allCases, [SchedulingRules.unlimited, SchedulingRules()])
  func fourDays(kind: FailureKind, rules: SchedulingRules) async throws {
    var configuration = DeliveryConfiguration.test
    configuration.rules = rules
    // Not next to nothing: an alarm that is set for the end of a lease, ten minutes on, is left so for what is due within a second of it.
    configuration.chance = { .random(in: 0.05...1) }
    let rig = DeliveryRig(configuration: configuration) { Self.deferral($0, kind) }
    var count = 0
    try await rig.run {
      let id = try await rig.enqueue()
      let attempts = try await attempts(of: id, rig)
      count = attempts.count
      expectWithinWindows(zip(attempts, attempts.dropFirst()).map { $1 - $0 }, kind)
      #expect(try await rig.recipient(id).state == .expired)
      #expect(try await rig.recipient(id).reply == Self.reply(kind))
      // Nothing comes after the end.
      rig.time.advance(by: .seconds(86_400))
      rig.service.wake()
      try await rig.enqueue()
      await rig.store.ended(.settle, attempts.count + 1)
      #expect(try await rig.recipient(id).attempts == attempts.count)
    }
    // What is counted is counted once it is recorded: by the end of the service for certain.
    #expect(try rig.metrics.expectCounter("submission.delivery.attempts", [("outcome", "expired")]).totalValue == 1)
    let deferrals = try rig.metrics.expectCounter("submission.delivery.deferrals", [("kind", kind.rawValue)])
    #expect(deferrals.totalValue == Int64(count))
  }

  /// What each kind ends with once the host relents: one delivery, at the next attempt.
  @Test(arguments: FailureKind.allCases) func deliveredAtTheFirstAttemptThatIsTaken(kind: FailureKind) async throws {
    let rig = DeliveryRig { claim in
      claim.recipients[0].attempts < 5 ? Self.deferral(claim, kind) : claim.report { .delivered($0) }
    }
    try await rig.run {
      let id = try await rig.enqueue()
      #expect(try await attempts(of: id, rig).count == 6)
      #expect(try await rig.recipient(id).state == .delivered)
    }
  }

  @Test func refusedForGoodAtOnce() async throws {
    let rig = DeliveryRig { claim in
      claim.report { _ in .failed(DeliveryReply(code: 550, text: "550 5.1.1 unknown")) }
    }
    try await rig.run {
      let id = try await rig.enqueue()
      #expect(try await attempts(of: id, rig) == [rig.start])
      #expect(try await rig.recipient(id).state == .bounced)
    }
  }

  /// Messages to a site that is dead from the second on are told so without an attempt, and go out when it works again.
  @Test func aSiteThatIsLeftAlone() async throws {
    var configuration = DeliveryConfiguration.test
    configuration.rules = SchedulingRules()
    configuration.rules.patience = .zero
    let rig = DeliveryRig(configuration: configuration) { claim in
      claim.recipients[0].attempts == 0 ? Self.deferral(claim) : claim.report { .delivered($0) }
    }
    try await rig.run {
      let first = try await rig.enqueue()
      await rig.store.ended(.settle, 1)
      let second = try await rig.enqueue()
      await rig.store.ended(.settle, 2)
      #expect(rig.transport.attempts.count == 2)
      let third = try await rig.enqueue()
      await rig.store.ended(.settle, 3)
      let told = try await rig.recipient(third)
      #expect(told.state == .deferred)
      #expect(told.attempts == 0)
      #expect(told.reply?.text.contains("no answer") == true)
      #expect(told.nextAttempt == rig.after(.seconds(60)))
      #expect(rig.transport.attempts.count == 2)
      await rig.time.sleeper(until: rig.after(.seconds(60)))
      rig.time.advance(by: .seconds(60))
      // One of them is the probe.
      await rig.store.ended(.settle, 5)
      for id in [first, second] { #expect(try await rig.recipient(id).state == .delivered) }
    }
    #expect(rig.logs.lines("A site is left alone for a while").count >= 1)
    #expect(rig.logs.lines("A site works again").count == 1)
  }

  // MARK: Steps

  /// An hour forward and an hour back, between any two attempts of four days: each attempt is one, none comes later than the
  /// schedule and the step, and there is one end.
  @Test(arguments: [1, 2, 5, 10, 20], [-1, 1]) func aStepBetweenAttempts(attempt: Int, direction: Int) async throws {
    let rig = DeliveryRig { Self.deferral($0) }
    let step = Self.hour * direction
    try await rig.run {
      let id = try await rig.enqueue()
      var (count, last) = (0, rig.time.uptime())
      while true {
        count += 1
        await rig.store.ended(.settle, count)
        let recipient = try await rig.recipient(id)
        guard let next = recipient.nextAttempt else { break }
        #expect(recipient.attempts == count, "tried once at a time")
        await rig.time.sleeper(until: next)
        if count == attempt { rig.time.step(by: step) }
        rig.time.advance(to: max(next, rig.time.now()))
        let (waited, planned) = (rig.time.uptime() - last, next - (try #require(recipient.lastAttempt)))
        #expect(waited <= planned + (count == attempt && direction < 0 ? Self.hour : .zero))
        last = rig.time.uptime()
      }
      #expect(try await rig.recipient(id).state == .expired)
      #expect((25...40).contains(count), "no storm, and no silence")
      let life = rig.time.uptime() + step - Duration.seconds(4 * 86_400)
      #expect(life >= .zero && life <= Self.hour, "four days by the calendar, an hour more or less by the clock")
    }
  }

  /// While the next host takes its time, after which the outcome is recorded.
  @Test(arguments: [-1, 1]) func aStepBeforeASettlement(direction: Int) async throws {
    let gate = Gate()
    let rig = DeliveryRig { claim in
      await gate.pass()
      return claim.recipients[0].attempts == 0 ? Self.deferral(claim) : claim.report { .delivered($0) }
    }
    try await rig.run {
      let id = try await rig.enqueue()
      await rig.transport.begun(1)
      rig.time.step(by: Self.hour * direction)
      rig.service.wake()
      gate.open()
      await rig.store.ended(.settle, 1)
      let next = rig.time.now() + .seconds(60)
      #expect(try await rig.recipient(id).nextAttempt == next)
      await rig.time.sleeper(until: next)
      rig.time.advance(to: next)
      await rig.store.ended(.settle, 2)
      #expect(try await rig.recipient(id).state == .delivered)
      #expect(rig.transport.attempts.count == 2)
    }
  }

  /// Deliveries that wait for the last reply are not cut off, and so not repeated, because a calendar was put right.
  @Test func aStepForwardCutsNothingOff() async throws {
    let gate = Gate()
    let rig = DeliveryRig { claim in
      await gate.pass()
      return Task.isCancelled ? Self.deferral(claim) : claim.report { .delivered($0) }
    }
    try await rig.run {
      let id = try await rig.enqueue()
      await rig.transport.begun(1)
      await rig.time.sleeper(until: rig.after(.seconds(300)))
      rig.time.step(by: Self.hour)
      // Who keeps the leases notices.
      rig.time.advance(by: .zero)
      await rig.store.ended(.extend, 1)
      await rig.time.sleeper(until: rig.after(Self.hour + .seconds(300)))
      gate.open()
      await rig.store.ended(.settle, 1)
      #expect(try await rig.recipient(id).state == .delivered)
    }
    #expect(rig.logs.lines("A delivery took longer than it may and was cancelled").isEmpty)
  }

  /// A claim made after a step back runs out an hour before the alarm that was set before it.
  @Test func afterAStepBackClaimsAreExtendedInTime() async throws {
    let gate = Gate()
    let rig = DeliveryRig { claim in
      await gate.pass()
      return claim.report { .delivered($0) }
    }
    try await rig.run {
      try await rig.enqueue()
      await rig.transport.begun(1)
      await rig.time.sleeper(until: rig.after(.seconds(300)))
      rig.time.step(by: .zero - Self.hour)
      try await rig.enqueue()
      await rig.transport.begun(2)
      let due = rig.after(.seconds(300) - Self.hour)
      await rig.time.sleeper(until: due)
      rig.time.advance(to: due)
      await rig.store.ended(.extend, 1)
      gate.open()
      await rig.store.ended(.settle, 2)
      #expect(rig.transport.attempts.count == 2)
    }
  }

  /// A store that failed just before the calendar was set back is asked again when the pause is over, not an hour later.
  @Test func aStepBackMakesNoPauseLonger() async throws {
    let rig = DeliveryRig()
    rig.store.fail(.claim)
    try await rig.run {
      await rig.time.sleeper(until: rig.after(.seconds(5)))
      // Nobody rings.
      let id = try await rig.enqueue(wakes: false)
      rig.time.step(by: .zero - Self.hour)
      rig.time.advance(by: .seconds(5))
      rig.time.advance(to: rig.start)
      await rig.store.ended(.settle, 1)
      #expect(try await rig.recipient(id).state == .delivered)
    }
  }

  /// Accepted before the calendar was set back: it is due when the calendar says so, an hour later at most.
  @Test func aMessageFromTheFuture() async throws {
    let rig = DeliveryRig { claim in
      claim.recipients[0].attempts == 0 ? Self.deferral(claim) : claim.report { .delivered($0) }
    }
    let id = try await rig.enqueue()
    rig.time.step(by: .zero - Self.hour)
    try await rig.run {
      await rig.time.sleeper(until: rig.start)
      rig.time.advance(to: rig.start)
      await rig.store.ended(.settle, 1)
      let deferred = try await rig.recipient(id)
      #expect(deferred.nextAttempt == rig.after(.seconds(60)))
      rig.time.step(by: .zero - Self.hour)
      await rig.time.sleeper(until: rig.after(.seconds(60)))
      rig.time.advance(to: rig.after(.seconds(60)))
      await rig.store.ended(.settle, 2)
      #expect(try await rig.recipient(id).state == .delivered)
    }
  }
}
