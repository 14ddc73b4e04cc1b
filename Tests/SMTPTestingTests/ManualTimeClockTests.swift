import MailModel
import SMTPTesting
import Testing

@Suite struct ManualTimeClockTests {
  private let time = ManualTime()

  @Test func sleepsUntilTheCalendarIsMovedOnSoFar() async throws {
    let (start, clock) = (time.now(), time.clock)
    #expect(clock.now.uptime == .zero)
    async let slept: Void = clock.sleep(for: .microseconds(1500))
    await time.sleeper(until: start + .milliseconds(2))
    time.advance(by: .milliseconds(1))
    #expect(clock.now.uptime == .milliseconds(1))
    #expect(time.wakeUps.count == 1)
    time.advance(by: .milliseconds(1))
    try await slept
    try await clock.sleep(until: clock.now)
  }

  /// A calendar that is set back makes nobody wait for longer, nor wakes anybody sooner.
  @Test func neverGoesBack() async throws {
    let (start, clock) = (time.now(), time.clock)
    async let slept: Void = clock.sleep(for: .seconds(5))
    await time.sleeper(until: start + .seconds(5))
    time.step(by: .seconds(-10))
    #expect(clock.now.uptime == .zero)
    time.advance(by: .seconds(1))
    await time.sleeper(until: start + .seconds(-5))
    time.advance(by: .seconds(4))
    try await slept
    #expect(clock.now.uptime == .seconds(5))
  }

  @Test func aSleeperCanBeCancelled() async throws {
    let (start, clock) = (time.now(), time.clock)
    let sleeper = Task { try await clock.sleep(for: .seconds(5)) }
    await time.sleeper(until: start + .seconds(5))
    sleeper.cancel()
    await #expect(throws: CancellationError.self) { try await sleeper.value }
  }
}
