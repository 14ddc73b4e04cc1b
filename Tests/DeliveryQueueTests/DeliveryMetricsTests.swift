import DeliveryQueue
import MailModel
import Metrics
import MetricsTestKit
import SMTPTesting
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(10))) struct DeliveryMetricsTests {
  private func attempts(_ outcome: String, _ rig: DeliveryRig) throws -> Int64 {
    try rig.metrics.expectCounter("submission.delivery.attempts", [("outcome", outcome)]).totalValue
  }

  /// In seconds.
  private func latencies(_ outcome: String, _ rig: DeliveryRig) throws -> [Int64] {
    try rig.metrics.expectTimer("submission.delivery.latency", [("outcome", outcome)]).values.map { $0 / 1_000_000_000 }
  }

  @Test func attemptsAndLatenciesByOutcome() async throws {
    let rig = DeliveryRig { claim in
      let reply = DeliveryReply(problem: "scripted")
      return DeliveryReport(
        outcomes: claim.recipients.map {
          if $0.path.description.hasPrefix("bad") { return .failed(reply) }
          return $0.attempts < 2 ? .deferred(reply) : .delivered(reply)
        })
    }
    try await rig.run {
      try await rig.enqueue("good@example.org", "bad@example.org", "fine@example.org")
      await rig.time.sleeper(until: rig.after(.seconds(60)))
      rig.time.advance(by: .seconds(60))
      await rig.time.sleeper(until: rig.after(.seconds(180)))
      rig.time.advance(by: .seconds(120))
      await rig.store.ended(.settle, 3)
    }
    #expect(try attempts("deferred", rig) == 4)
    #expect(try attempts("delivered", rig) == 2)
    #expect(try attempts("bounced", rig) == 1)
    #expect(try attempts("expired", rig) == 0)
    #expect(try latencies("delivered", rig) == [180, 180])
    #expect(try latencies("bounced", rig) == [0])
    #expect(try latencies("expired", rig).isEmpty)
    #expect(try rig.metrics.expectTimer("submission.delivery.attempt.duration").values.count == 3)
  }

  @Test func whatExpired() async throws {
    var configuration = DeliveryConfiguration.test
    configuration.schedule.lifetime = .seconds(30)
    let rig = DeliveryRig(configuration: configuration) { claim in claim.report { .deferred($0) } }
    try await rig.run {
      try await rig.enqueue()
      await rig.time.sleeper(until: rig.after(.seconds(30)))
      rig.time.advance(by: .seconds(30))
      await rig.store.ended(.settle, 2)
    }
    #expect(try attempts("deferred", rig) == 1)
    #expect(try attempts("expired", rig) == 1)
    #expect(try latencies("expired", rig) == [30])
  }

  /// What the transport took is within what is measured, and that within what the test took.
  @Test func theDurationOfAnAttempt() async throws {
    let inner = Mutex(Duration.zero)
    let gate = Gate()
    let rig = DeliveryRig { claim in
      let start = ContinuousClock.now
      await gate.pass()
      inner.withLock { $0 = start.duration(to: .now) }
      return claim.report { .delivered($0) }
    }
    let start = ContinuousClock.now
    let active = try rig.metrics.expectMeter("submission.delivery.active")
    try await rig.run {
      try await rig.enqueue()
      await rig.transport.begun(1)
      #expect(active.lastValue == 1)
      gate.open()
      await rig.store.ended(.settle, 1)
    }
    #expect(active.lastValue == 0)
    let measured = try rig.metrics.expectTimer("submission.delivery.attempt.duration").values
    #expect(measured.count == 1)
    let duration = Duration.nanoseconds(measured.first ?? -1)
    #expect(duration >= inner.withLock { $0 } - .microseconds(1))
    #expect(duration <= start.duration(to: .now))
  }

  @Test func whatIsNotRecordedIsNotCountedYet() async throws {
    let rig = DeliveryRig()
    let active = try rig.metrics.expectMeter("submission.delivery.active")
    rig.store.fail(.settle)
    try await rig.run {
      try await rig.enqueue()
      await rig.store.ended(.settle, 1)
      await rig.time.sleeper(until: rig.after(.seconds(5)))
      #expect(rig.metrics.counterTotal(label: "submission.delivery.attempts") == 0)
      #expect(active.lastValue == 1)
      rig.time.advance(by: .seconds(5))
      await rig.store.ended(.settle, 2)
    }
    #expect(try attempts("delivered", rig) == 1)
    #expect(try latencies("delivered", rig) == [0], "it was delivered when the transport was done")
  }

  /// Handles are made when the service is, not for each message.
  @Test func noMessageMakesAHandle() async throws {
    let rig = DeliveryRig()
    func handles() -> Int { rig.metrics.counters.count + rig.metrics.timers.count + rig.metrics.meters.count }
    let before = handles()
    #expect(before == 15)
    try await rig.run {
      for _ in 0..<3 { try await rig.enqueue() }
      await rig.store.ended(.settle, 3)
    }
    #expect(handles() == before)
  }
}
