import MailModel
import SMTPTesting
import Testing

@Suite struct SimulatedTimeTests {
  /// When, by the clock, somebody wakes who sleeps for `rest` from 0 on, if the calendar steps at these times.
  private static func waking(
    after rest: Duration, steps: [(at: Duration, by: Duration)]
  ) throws -> (elapsed: Duration, calendar: Duration) {
    let simulation = Simulation(seed: 1)
    let start = simulation.time.now()
    for step in steps { simulation.schedule(after: step.at) { simulation.time.step(by: step.by) } }
    return try simulation.perform {
      try await simulation.time.sleep(until: start + rest)
      return (simulation.elapsed, simulation.time.now() - start)
    }
  }

  @Test func theCalendarGoesWithTheClock() throws {
    let simulation = Simulation(seed: 1, start: Timestamp(milliseconds: 1000))
    try simulation.run(for: .milliseconds(1500))
    #expect(simulation.time.now() == Timestamp(milliseconds: 2500))
    simulation.time.step(by: .seconds(-3600))
    #expect(simulation.time.now() == Timestamp(milliseconds: 2500 - 3_600_000))
    #expect(simulation.elapsed == .milliseconds(1500))
  }

  @Test func sleepsAsLongAsItTakes() throws {
    let (elapsed, calendar) = try Self.waking(after: .seconds(345_600), steps: [])
    #expect(elapsed == .seconds(345_600))
    #expect(calendar == .seconds(345_600))
  }

  @Test(arguments: [-1, 0]) func whatIsPastIsNotWaitedFor(seconds: Int) throws {
    #expect(try Self.waking(after: .seconds(seconds), steps: []).elapsed == .zero)
  }

  @Test func aStepForwardIsNoticedAtTheNextLook() throws {
    // It looks at 60, 120, 180 s ...
    let (elapsed, _) = try Self.waking(after: .seconds(7200), steps: [(.seconds(130), .seconds(7200))])
    #expect(elapsed == .seconds(180))
  }

  @Test func aStepForwardMayNotBeEnough() throws {
    let (elapsed, calendar) = try Self.waking(after: .seconds(7200), steps: [(.seconds(130), .seconds(3600))])
    #expect(elapsed == .seconds(3600))
    #expect(calendar == .seconds(7200))
  }

  /// Else it would make the sleep longer.
  @Test(arguments: [1, 1000, 1001, 3_600_000])
  func aStepBackEndsTheSleep(milliseconds: Int) throws {
    let (woken, _) = try Self.waking(after: .seconds(600), steps: [(.seconds(539), .milliseconds(-milliseconds))])
    #expect(woken == (milliseconds > 1000 ? .seconds(540) : .seconds(600) + .milliseconds(milliseconds)))
  }

  @Test func thereAndBackIsNotNoticed() throws {
    let (elapsed, _) = try Self.waking(
      after: .seconds(7200), steps: [(.seconds(130), .seconds(7200)), (.seconds(170), .seconds(-7200))])
    #expect(elapsed == .seconds(7200))
    let (noticed, _) = try Self.waking(
      after: .seconds(7200), steps: [(.seconds(130), .seconds(7200)), (.seconds(181), .seconds(-7200))])
    #expect(noticed == .seconds(180))
  }

  /// The same as somebody who looks each minute indeed.
  @Test(arguments: 0..<200) func wakesAsSystemTimeDoes(seed: Int) throws {
    var generator = SimulationGenerator(seed: UInt64(seed))
    let rest = generator.duration(in: .zero ... .seconds(600))
    var steps: [(at: Duration, by: Duration)] = []
    for _ in 0..<Int.random(in: 0...4, using: &generator) {
      steps.append(
        (generator.duration(in: .zero ... .seconds(900)), generator.duration(in: .seconds(-400) ... .seconds(400))))
    }
    let simulation = Simulation(seed: 1)
    let start = simulation.time.now()
    for step in steps { simulation.schedule(after: step.at) { simulation.time.step(by: step.by) } }
    let expected = try simulation.perform {
      while true {
        let rest = start + rest - simulation.time.now()
        let isSetBack = simulation.time.now() - start < simulation.elapsed - .seconds(1)
        guard rest > .zero, !isSetBack else { return simulation.elapsed }
        try await simulation.sleep(for: min(rest, .seconds(60)))
      }
    }
    #expect(try Self.waking(after: rest, steps: steps).elapsed == expected)
  }
}
