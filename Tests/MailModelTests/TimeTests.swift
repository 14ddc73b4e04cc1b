import MailModel
import Testing

struct TimeTests {
  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000Z", "Thu, 1 Jan 1970 00:00:00 +0000"),
    (1_795_359_845_000, "2026-11-22T15:04:05.000Z", "Sun, 22 Nov 2026 15:04:05 +0000"),
    (951_782_400_007, "2000-02-29T00:00:00.007Z", "Tue, 29 Feb 2000 00:00:00 +0000"),
    (951_868_799_999, "2000-02-29T23:59:59.999Z", "Tue, 29 Feb 2000 23:59:59 +0000"),
    (951_868_800_000, "2000-03-01T00:00:00.000Z", "Wed, 1 Mar 2000 00:00:00 +0000"),
    (4_107_542_399_999, "2100-02-28T23:59:59.999Z", "Sun, 28 Feb 2100 23:59:59 +0000"),
    (4_107_542_400_000, "2100-03-01T00:00:00.000Z", "Mon, 1 Mar 2100 00:00:00 +0000"),
    (1_735_689_599_000, "2024-12-31T23:59:59.000Z", "Tue, 31 Dec 2024 23:59:59 +0000"),
    (-1, "1969-12-31T23:59:59.999Z", "Wed, 31 Dec 1969 23:59:59 +0000"),
    (-86_400_000, "1969-12-31T00:00:00.000Z", "Wed, 31 Dec 1969 00:00:00 +0000"),
    (-86_400_001, "1969-12-30T23:59:59.999Z", "Tue, 30 Dec 1969 23:59:59 +0000"),
  ])
  func writesDates(milliseconds: Int64, internetDate: String, messageDate: String) {
    let timestamp = Timestamp(milliseconds: milliseconds)
    #expect(timestamp.description == internetDate)
    #expect(timestamp.internetMessageDate == messageDate)
  }

  @Test func staysWithinTime() {
    let (first, last) = (Timestamp(milliseconds: .min), Timestamp(milliseconds: .max))
    #expect(last + .milliseconds(1) == last)
    #expect(first + .milliseconds(-1) == first)
    #expect(last + .seconds(Int64.max) == last)
    #expect(first + .seconds(Int64.min) == first)
    #expect(first + .milliseconds(1) > first)
    #expect(last - first > .milliseconds(Int64.max))
    #expect(first - last < .milliseconds(Int64.min))
    #expect(!first.description.isEmpty && !last.internetMessageDate.isEmpty)
  }

  @Test func countsInMilliseconds() {
    let instant = Timestamp(milliseconds: 1_000)
    #expect(instant + .milliseconds(5) == Timestamp(milliseconds: 1_005))
    #expect(instant + .microseconds(1_999) == Timestamp(milliseconds: 1_001))
    #expect(instant + .seconds(-2) == Timestamp(milliseconds: -1_000))
    #expect(Timestamp(milliseconds: 250) - instant == .milliseconds(-750))
  }

  @Test func monotonicInstants() {
    let (first, last) = (MonotonicInstant(nanoseconds: .min), MonotonicInstant(nanoseconds: .max))
    #expect(last.advanced(by: .nanoseconds(1)) == last)
    #expect(first.advanced(by: .nanoseconds(-1)) == first)
    #expect(last.advanced(by: .seconds(Int64.max)) == last)
    #expect(first.advanced(by: .seconds(Int64.min)) == first)
    // Each part fits into an Int64, their sum does not.
    #expect(MonotonicInstant(nanoseconds: 0).advanced(by: .seconds(9_223_372_036) + .milliseconds(999)) == last)
    #expect(
      first.advanced(by: .nanoseconds(Int64.max) + .nanoseconds(Int64.max)) == MonotonicInstant(nanoseconds: .max - 1))
    #expect(first.duration(to: last) > .nanoseconds(Int64.max))
    let instant = MonotonicInstant(nanoseconds: 5)
    #expect(instant.advanced(by: .microseconds(2)) == MonotonicInstant(nanoseconds: 2_005))
    #expect(instant.duration(to: MonotonicInstant(nanoseconds: 2)) == .nanoseconds(-3))
    #expect(instant < instant.advanced(by: .nanoseconds(1)))
  }
}
