import DeliveryQueue
import MailModel
import Testing

@Suite struct RetryScheduleTests {
  private let accepted = Timestamp(milliseconds: 1_800_000_000_000)

  @Test(arguments: [(1, 60), (2, 120), (3, 240), (8, 7680), (9, 14_400), (10, 14_400), (1_000_000, 14_400)])
  func delaysDoubleUpToTheLongest(attempts: Int, seconds: Int) {
    let next = RetrySchedule().nextAttempt(after: attempts, at: accepted, acceptedAt: accepted, chance: 0)
    #expect(next == accepted + .seconds(seconds))
  }

  @Test(arguments: [(0.0, 60_000), (0.5, 66_000), (1.0, 72_000), (-1.0, 60_000), (7.0, 72_000)])
  func chanceMakesADelayLonger(chance: Double, milliseconds: Int) {
    let next = RetrySchedule().nextAttempt(after: 1, at: accepted, acceptedAt: accepted, chance: chance)
    #expect(next == accepted + .milliseconds(milliseconds))
  }

  @Test func theLastAttemptComesAtTheEnd() {
    let schedule = RetrySchedule()
    let end = accepted + schedule.lifetime
    let last = end + .milliseconds(-1)
    #expect(schedule.nextAttempt(after: 20, at: last, acceptedAt: accepted, chance: 1) == end)
    #expect(schedule.nextAttempt(after: 20, at: end, acceptedAt: accepted, chance: 0) == nil)
  }
}
