import DeliveryQueue
import MailModel
import Testing

@Suite struct RetryScheduleTests {
  private let accepted = Timestamp(milliseconds: 1_800_000_000_000)

  /// In milliseconds.
  private func delay(
    _ schedule: RetrySchedule = RetrySchedule(), after attempts: Int, failing kind: FailureKind = .transaction,
    chance: Double = 0
  ) -> Int64? {
    schedule.nextAttempt(after: attempts, failing: kind, at: accepted, acceptedAt: accepted, chance: chance)
      .map { $0.milliseconds - accepted.milliseconds }
  }

  @Test(arguments: [
    (1, 60), (2, 120), (3, 240), (8, 7680), (9, 14_400), (10, 14_400), (1_000_000, 14_400), (.max, 14_400),
  ])
  func delaysDoubleUpToTheLongest(attempts: Int, seconds: Int) {
    for kind in [FailureKind.recipient, .transaction, .host] {
      #expect(delay(after: attempts, failing: kind) == Int64(seconds) * 1000)
    }
  }

  @Test(arguments: [(1, 60, 600), (4, 480, 600), (5, 960, 960), (6, 1500, 1920), (7, 1500, 3840), (20, 1500, 14_400)])
  func greylistingIsTriedMoreOftenAndPolicyNotSoSoon(attempts: Int, greylisting: Int, policy: Int) {
    #expect(delay(after: attempts, failing: .greylisting) == Int64(greylisting) * 1000)
    #expect(delay(after: attempts, failing: .policy) == Int64(policy) * 1000)
    #expect(delay(after: attempts, failing: .greylisting, chance: 1) ?? .max <= 30 * 60 * 1000)
  }

  @Test(arguments: [
    (0.0, 60_000), (0.5, 66_000), (1.0, 72_000), (-1.0, 60_000), (7.0, 72_000), (.nan, 60_000), (.infinity, 72_000),
  ])
  func chanceMakesADelayLonger(chance: Double, milliseconds: Int) {
    #expect(delay(after: 1, chance: chance) == Int64(milliseconds))
  }

  @Test(arguments: [
    (-1, 60_000), (0, 60_000), (1, 60_600), (99, 119_400), (100, 120_000), (101, 120_000), (.max, 120_000),
  ])
  func jitterIsLimited(percent: Int, milliseconds: Int) {
    var schedule = RetrySchedule()
    schedule.jitterPercent = percent
    #expect(delay(schedule, after: 1, chance: 1) == Int64(milliseconds))
  }

  @Test(arguments: [(Int.min, 60), (-1, 60), (0, 60), (1, 60), (2, 3840), (3, 14_400), (.max, 14_400)])
  func anyFactor(factor: Int, seconds: Int) {
    var schedule = RetrySchedule()
    schedule.factor = factor
    #expect(delay(schedule, after: 7) == Int64(seconds) * 1000)
  }

  @Test(arguments: [Int.min, -1, 0, 1, .max]) func anyNumberOfAttempts(attempts: Int) {
    #expect(delay(after: attempts) == (attempts == .max ? 14_400_000 : 60_000))
  }

  @Test(arguments: [
    Duration.seconds(Int64.min), .seconds(-1), .zero, .milliseconds(999), .milliseconds(1000), .milliseconds(1001),
  ])
  func noDelayIsUnderASecond(duration: Duration) {
    var schedule = RetrySchedule()
    (schedule.firstDelay, schedule.maximumDelay) = (duration, duration)
    (schedule.longestGreylistingDelay, schedule.shortestPolicyDelay) = (duration, duration)
    for kind in FailureKind.allCases {
      #expect(delay(schedule, after: 3, failing: kind) == (duration > .seconds(1) ? 1001 : 1000))
    }
  }

  @Test func nothingIsTooLong() throws {
    var schedule = RetrySchedule()
    let longest = Duration.seconds(Int64.max)
    (schedule.firstDelay, schedule.maximumDelay, schedule.lifetime) = (longest, longest, longest)
    (schedule.longestGreylistingDelay, schedule.shortestPolicyDelay) = (longest, longest)
    for kind in FailureKind.allCases {
      let next = try #require(
        schedule.nextAttempt(after: .max, failing: kind, at: accepted, acceptedAt: accepted, chance: 1))
      #expect(next.milliseconds == .max - 1, "the end of time itself would mean never")
    }
    schedule.firstDelay = .seconds(1)
    #expect(delay(schedule, after: 11) == 1_024_000)
    #expect(delay(schedule, after: .max) == .max - 1 - accepted.milliseconds)
    schedule.lifetime = .seconds(Int64.min)
    #expect(delay(schedule, after: 1) == nil)
  }

  @Test(arguments: FailureKind.allCases) func theLastAttemptComesAtTheEnd(kind: FailureKind) {
    let schedule = RetrySchedule()
    let end = accepted + schedule.lifetime
    for (now, next) in [(end + .milliseconds(-1), end), (end, nil), (end + .milliseconds(1), nil)] {
      #expect(schedule.nextAttempt(after: 20, failing: kind, at: now, acceptedAt: accepted, chance: 1) == next)
    }
  }

  /// The calendar was set back after it was accepted.
  @Test func aMessageFromTheFutureIsTriedAsOneOfNow() {
    let schedule = RetrySchedule()
    let now = accepted + .seconds(-3600)
    let next = schedule.nextAttempt(after: 1, failing: .host, at: now, acceptedAt: accepted, chance: 0)
    #expect(next == now + .seconds(60))
    let last = accepted + schedule.lifetime + .milliseconds(-1)
    #expect(
      schedule.nextAttempt(after: 9, failing: .host, at: last, acceptedAt: accepted, chance: 0) == last
        + .milliseconds(1))
  }

  /// Whatever chance says, the delays of four days are within their windows, there is one end, and it is the end.
  @Test(arguments: FailureKind.allCases, [0, 0.3, 1]) func fourDays(kind: FailureKind, chance: Double) {
    let schedule = RetrySchedule()
    var (now, attempts, delays) = (accepted, 1, [] as [Duration])
    while let next = schedule.nextAttempt(after: attempts, failing: kind, at: now, acceptedAt: accepted, chance: chance)
    {
      delays.append(next - now)
      (now, attempts) = (next, attempts + 1)
    }
    #expect(now == accepted + schedule.lifetime)
    expectWithinWindows(delays, kind)
  }
}

/// Of each kind the shortest delays in seconds; the last one stands for all that follow. The longest are a fifth more.
let shortestDelays: [FailureKind: [Int]] = [
  .recipient: [60, 120, 240, 480, 960, 1920, 3840, 7680, 14_400],
  .transaction: [60, 120, 240, 480, 960, 1920, 3840, 7680, 14_400],
  .host: [60, 120, 240, 480, 960, 1920, 3840, 7680, 14_400],
  .policy: [600, 600, 600, 600, 960, 1920, 3840, 7680, 14_400],
  .greylisting: [60, 120, 240, 480, 960, 1500],
]

/// Expects every delay but the last within its window; the last is cut by the end of the message's life.
func expectWithinWindows(_ delays: [Duration], _ kind: FailureKind) {
  let shortest = shortestDelays[kind] ?? []
  for (number, delay) in delays.dropLast().enumerated() {
    let least = Duration.seconds(number < shortest.count ? shortest[number] : shortest.last ?? .max)
    #expect((least...least + least / 5).contains(delay), "delay \(number + 1) after \(kind)")
  }
  #expect(delays.reduce(.zero, +) == .seconds(4 * 86_400))
  #expect(delays.count >= 20)
}
