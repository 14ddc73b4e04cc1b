import DeliveryQueue
import Logging
import MailModel
import SMTPTesting
import ServiceLifecycle
import Testing

/// Claims that run out, stores that fail, and the end of the service.
@Suite(.timeLimit(.minutes(10))) struct DeliveryServiceFaultTests {
  private var shortLease: DeliveryConfiguration {
    var configuration = DeliveryConfiguration.test
    configuration.lease = .seconds(100)
    return configuration
  }

  @Test func aClaimIsExtendedAsLongAsTheDeliveryLasts() async throws {
    let gate = Gate()
    let rig = DeliveryRig(configuration: shortLease) { claim in
      await gate.pass()
      return claim.report { .delivered($0) }
    }
    try await rig.run {
      let id = try await rig.enqueue()
      for step in 1...5 {
        await rig.time.sleeper(until: rig.after(.seconds(50 * step)))
        rig.time.advance(by: .seconds(50))
        await rig.store.ended(.extend, step)
      }
      gate.open()
      await rig.store.ended(.settle, 1)
      #expect(try await rig.recipient(id).state == .delivered)
      #expect(rig.transport.attempts.count == 1)
    }
  }

  @Test func aLostClaimIsNotSettled() async throws {
    let rig = DeliveryRig(configuration: shortLease) { claim in
      await untilCancelled()
      return claim.report { .failed($0) }
    }
    try await rig.run {
      let id = try await rig.enqueue()
      await rig.transport.begun(1)
      await rig.time.sleeper(until: rig.after(.seconds(50)))
      // Another machine comes when this one seems gone.
      let request = ClaimRequest(limit: 1, now: rig.after(.seconds(100)), leasedUntil: rig.after(.seconds(9000)))
      let other = try #require(try await rig.queue.claim(request).claims.first)
      #expect(other.id == id)
      rig.time.advance(by: .seconds(50))
      _ = await rig.transport.ended(1)
      try await rig.queue.settle(
        Settlement(
          id: id, token: other.token, at: rig.time.now(),
          changes: [Settlement.Change(index: 0, state: .delivered, reply: nil)]))
    }
    #expect(rig.store.calls(of: .settle) == 0)
    #expect(rig.logs.count(.warning) == 1)
  }

  @Test func aStepOfTheCalendarRepeatsNoDelivery() async throws {
    let gate = Gate()
    let rig = DeliveryRig { claim in
      if claim.recipients[0].path.description.contains("slow") { await gate.pass() }
      return claim.report { .delivered($0) }
    }
    try await rig.run {
      let slow = try await rig.enqueue("slow@example.org")
      await rig.transport.begun(1)
      await rig.time.sleeper(until: rig.after(.seconds(300)))
      rig.time.step(by: .seconds(700))
      let other = try await rig.enqueue()
      await rig.store.ended(.settle, 1)
      #expect(try await rig.recipient(other).state == .delivered)
      gate.open()
      await rig.store.ended(.settle, 2)
      #expect(try await rig.recipient(slow).state == .delivered)
      #expect(rig.transport.attempts.map(\.claim.id) == [other, slow])
    }
  }

  @Test func nothingIsClaimedWhileClaimsCannotBeKept() async throws {
    let gate = Gate()
    let rig = DeliveryRig { claim in
      await gate.pass()
      return claim.report { .delivered($0) }
    }
    rig.store.fail(.extend)
    try await rig.run {
      try await rig.enqueue()
      await rig.transport.begun(1)
      await rig.time.sleeper(until: rig.after(.seconds(300)))
      rig.time.step(by: .seconds(700))
      try await rig.enqueue()
      await rig.time.sleeper(until: rig.after(.seconds(705)))
      #expect(rig.transport.mostAtOnce == 1)
      rig.time.advance(by: .seconds(5))
      await rig.transport.begun(2)
      gate.open()
      await rig.store.ended(.settle, 2)
      #expect(rig.transport.attempts.count == 2)
    }
  }

  /// The calendar is set beyond the ends of leases that cannot be extended, and a worker becomes free at that moment.
  @Test func nothingIsClaimedWhileALeaseIsOver() async throws {
    let gates = [Gate(), Gate()]
    var configuration = DeliveryConfiguration.test
    configuration.workers = 2
    let rig = DeliveryRig(configuration: configuration) { claim in
      if claim.token.value <= 2 { await gates[Int(claim.token.value) - 1].pass() }
      return claim.report { .delivered($0) }
    }
    rig.store.fail(.extend, count: 2)
    try await rig.run {
      for count in 1...2 {
        try await rig.enqueue()
        await rig.transport.begun(count)
      }
      await rig.time.sleeper(until: rig.after(.seconds(300)))
      rig.time.step(by: .seconds(3600))
      rig.time.advance(by: .zero)
      await rig.store.ended(.extend, 1)
      gates[0].open()
      await rig.store.ended(.extend, 2)
      try await rig.enqueue(wakes: false)
      await rig.time.sleeper(until: rig.after(.seconds(3605)))
      rig.time.advance(by: .seconds(5))
      await rig.transport.begun(3)
      gates[1].open()
      await rig.store.ended(.settle, 3)
    }
    #expect(Set(rig.transport.attempts.map(\.claim.id)).count == 3)
    #expect(rig.transport.attempts.count == 3)
  }

  @Test func anAttemptHasALimit() async throws {
    var configuration = DeliveryConfiguration.test
    configuration.attemptLimit = .seconds(30)
    let rig = DeliveryRig(configuration: configuration) { claim in
      await untilCancelled()
      return claim.report { .deferred($0) }
    }
    try await rig.run {
      let id = try await rig.enqueue()
      await rig.time.sleeper(until: rig.after(.seconds(30)))
      rig.time.advance(by: .seconds(30))
      await rig.store.ended(.settle, 1)
      let recipient = try await rig.recipient(id)
      #expect(recipient.state == .deferred)
      #expect(recipient.attempts == 1)
    }
  }

  /// A tarpit is a site that fails, though its transport, which was cancelled, cannot say so.
  @Test func aSiteWhereAttemptsLastTooLongIsLeftAlone() async throws {
    var configuration = DeliveryConfiguration.test
    (configuration.attemptLimit, configuration.rules.failuresBeforePause) = (.seconds(30), 1)
    let rig = DeliveryRig(configuration: configuration) { claim in
      await untilCancelled()
      let reply = DeliveryReply(problem: "cancelled")
      return DeliveryReport(outcomes: claim.recipients.map { _ in .deferred(reply) }, condition: .unknown)
    }
    try await rig.run {
      try await rig.enqueue()
      await rig.time.sleeper(until: rig.after(.seconds(30)))
      rig.time.advance(by: .seconds(30))
      await rig.store.ended(.settle, 1)
      let calls = rig.store.calls(of: .claim)
      rig.service.wake()
      await rig.store.ended(.claim, calls + 1)
    }
    let lines = rig.logs.lines("A site is left alone for a while")
    #expect(lines.map { $0["reason"] } == ["A delivery lasted longer than it may"])
  }

  @Test func aFailingStoreIsAskedAgainAfterAPause() async throws {
    let rig = DeliveryRig()
    rig.store.fail(.claim, count: 3)
    try await rig.run {
      let id = try await rig.enqueue()
      for step in 1...3 {
        await rig.time.sleeper(until: rig.after(.seconds(5 * step)))
        for _ in 0..<10 { rig.service.wake() }
        #expect(rig.store.calls(of: .claim) == step)
        rig.time.advance(by: .seconds(5))
      }
      await rig.store.ended(.settle, 1)
      #expect(try await rig.recipient(id).state == .delivered)
    }
    #expect(rig.logs.count(.error) == 3)
  }

  @Test func whileAnOutcomeCannotBeRecordedNothingElseIsDelivered() async throws {
    let rig = DeliveryRig()
    rig.store.fail(.settle, count: 2)
    try await rig.run {
      let first = try await rig.enqueue()
      await rig.store.ended(.settle, 1)
      await rig.time.sleeper(until: rig.after(.seconds(5)))
      let second = try await rig.enqueue()
      rig.time.advance(by: .seconds(5))
      await rig.store.ended(.settle, 2)
      #expect(rig.transport.attempts.count == 1)
      await rig.time.sleeper(until: rig.after(.seconds(10)))
      rig.time.advance(by: .seconds(5))
      await rig.store.ended(.settle, 4)
      #expect(try await rig.recipient(first).state == .delivered)
      #expect(try await rig.recipient(second).state == .delivered)
      #expect(rig.transport.attempts.map(\.claim.id) == [first, second])
    }
  }

  @Test(arguments: [QueueError.Code.closed, .damaged, .invalidMessage, .noSuchMessage])
  func anOutcomeThatCanNeverBeRecordedHoldsUpNothingAndIsNotRepeated(code: QueueError.Code) async throws {
    let rig = DeliveryRig()
    rig.store.fail(.settle, with: QueueError(code, "for ever"))
    try await rig.run {
      let first = try await rig.enqueue()
      await rig.store.ended(.settle, 1)
      // Beyond the first one's lease.
      rig.time.step(by: .seconds(700))
      let second = try await rig.enqueue()
      await rig.store.ended(.settle, 2)
      #expect(try await rig.recipient(second).state == .delivered)
      #expect(rig.transport.attempts.map(\.claim.id) == [first, second])
    }
    #expect(rig.logs.count(.error) == 1)
  }

  @Test func aSettlementWhoseAnswerWasLostIsNotRepeated() async throws {
    let rig = DeliveryRig()
    rig.store.fail(.settle, afterwards: true)
    try await rig.run {
      let id = try await rig.enqueue()
      await rig.time.sleeper(until: rig.after(.seconds(5)))
      rig.time.advance(by: .seconds(5))
      await rig.store.ended(.settle, 2)
      let recipient = try await rig.recipient(id)
      #expect(recipient.state == .delivered)
      #expect(recipient.attempts == 1)
      #expect(rig.transport.attempts.count == 1)
    }
  }

  @Test func aGracefulShutdownLetsDeliveriesEnd() async throws {
    let gate = Gate()
    let rig = DeliveryRig { claim in
      await gate.pass()
      return claim.report { .delivered($0) }
    }
    let id = try await rig.enqueue()
    try await rig.runInGroup { services in
      await rig.transport.begun(1)
      await services.triggerGracefulShutdown()
      await rig.time.sleeper(until: rig.after(.seconds(30)))
      try await rig.enqueue()
      gate.open()
    }
    #expect(try await rig.recipient(id).state == .delivered)
    #expect(try await rig.queue.recipientCounts() == [.delivered: 1, .queued: 1])
  }

  @Test func atTheShutdownDeadlineTheRestGoesBackUnharmed() async throws {
    let rig = DeliveryRig { claim in
      await untilCancelled()
      let reply = DeliveryReply(problem: "cancelled")
      return DeliveryReport(outcomes: [.delivered(reply), .deferred(reply)])
    }
    let id = try await rig.enqueue("one@example.org", "two@example.org")
    try await rig.runInGroup { services in
      await rig.transport.begun(1)
      await services.triggerGracefulShutdown()
      await rig.time.sleeper(until: rig.after(.seconds(30)))
      rig.time.advance(by: .seconds(30))
    }
    #expect(try await rig.recipient(id, 0).state == .delivered)
    let rest = try await rig.recipient(id, 1)
    #expect(rest.state == .queued)
    #expect(rest.attempts == 0)
    let request = ClaimRequest(limit: 1, now: rig.time.now(), leasedUntil: rig.after(.seconds(900)))
    #expect(try await rig.queue.claim(request).claims.map(\.id) == [id])
  }

  @Test func whatMayHaveBeenTakenIsRecordedThoughCutOff() async throws {
    let rig = DeliveryRig { claim in
      await untilCancelled()
      var report = claim.report { .deferred($0) }
      report.uncertain = [1]
      return report
    }
    let id = try await rig.enqueue("one@example.org", "two@example.org")
    try await rig.run { await rig.transport.begun(1) }
    #expect(try await rig.recipient(id, 0).state == .queued)
    let uncertain = try await rig.recipient(id, 1)
    #expect(uncertain.state == .deferred)
    #expect(uncertain.attempts == 1)
    #expect(uncertain.reply?.text == "scripted")
  }

  @Test func cancellationIsTheHardStop() async throws {
    let rig = DeliveryRig { claim in
      await untilCancelled()
      return claim.report { .deferred($0) }
    }
    let id = try await rig.enqueue()
    try await rig.run { await rig.transport.begun(1) }
    let recipient = try await rig.recipient(id)
    #expect(recipient.state == .queued)
    #expect(recipient.attempts == 0)
  }
}
