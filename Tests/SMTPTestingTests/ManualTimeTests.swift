import MailModel
import SMTPTesting
import Testing

@Suite struct ManualTimeTests {
  @Test func wakesWhoSleepsUntilThen() async throws {
    let time = ManualTime()
    let (start, later) = (time.now(), time.now() + .seconds(60))
    async let slept: Void = time.sleep(until: later)
    await time.sleeper(until: later)
    time.advance(by: .milliseconds(59_999))
    #expect(time.wakeUps == [later])
    time.advance(by: .milliseconds(1))
    try await slept
    #expect(time.now() == start + .seconds(60))
    #expect(time.wakeUps.isEmpty)
  }
}
