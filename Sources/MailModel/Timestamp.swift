/// An instant of the calendar: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
public struct Timestamp: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Milliseconds since the epoch.
  public var milliseconds: Int64

  /// That many milliseconds after the epoch.
  public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// Earlier before later.
  public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

  /// `duration` later, to the millisecond; at the end of time where it would go beyond.
  public static func + (instant: Timestamp, duration: Duration) -> Timestamp {
    let (sum, overflow) = instant.milliseconds.addingReportingOverflow(duration.wholeMilliseconds)
    return Timestamp(milliseconds: overflow ? (duration < .zero ? .min : .max) : sum)
  }

  /// How much later `left` is.
  public static func - (left: Timestamp, right: Timestamp) -> Duration {
    .milliseconds(left.milliseconds) - .milliseconds(right.milliseconds)  // an Int64 could not hold every difference
  }

  /// RFC 3339, to the millisecond, in UTC: `2026-11-22T15:04:05.000Z`.
  public var description: String {
    let date = CalendarDate(self)
    let milliseconds = String(1000 + date.milliseconds).dropFirst()
    return "\(date.year)-\(two(date.month))-\(two(date.day))T\(date.clock).\(milliseconds)Z"
  }

  /// The `date-time` of RFC 5322 §3.3, in UTC: `Sun, 22 Nov 2026 15:04:05 +0000`.
  public var internetMessageDate: String {
    let date = CalendarDate(self)
    let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return "\(weekdays[date.weekday]), \(date.day) \(months[date.month - 1]) \(date.year) \(date.clock) +0000"
  }
}

extension Duration {
  /// The same, up to a whole millisecond: what a calendar can show.
  package var roundedUp: Duration {
    let whole = Duration.milliseconds(wholeMilliseconds)
    return whole < self && wholeMilliseconds < .max ? whole + .milliseconds(1) : whole
  }

  /// Milliseconds, what is smaller cut off; at the ends of `Int64` where it would go beyond.
  package var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
    guard !overflow else { return seconds < 0 ? .min : .max }
    let (sum, sumOverflow) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
    return sumOverflow ? (seconds < 0 ? .min : .max) : sum
  }
}

private func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

/// The proleptic Gregorian calendar in UTC.
private struct CalendarDate {
  var year: Int
  var month: Int
  var day: Int
  var weekday: Int
  var clock: String
  var milliseconds: Int

  init(_ timestamp: Timestamp) {
    let dayLength: Int64 = 86_400_000
    var (wholeDays, rest) = timestamp.milliseconds.quotientAndRemainder(dividingBy: dayLength)
    if rest < 0 { (wholeDays, rest) = (wholeDays - 1, rest + dayLength) }
    let days = Int(wholeDays)
    milliseconds = Int(rest % 1000)
    let seconds = Int(rest / 1000)
    clock = "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
    weekday = ((days % 7) + 11) % 7  // 1970-01-01 was a Thursday
    // Years that begin in March, in cycles of 400 years of 146,097 days, so that the leap day is a year's last.
    let shifted = days + 719_468
    let cycle = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfCycle = shifted - cycle * 146_097
    let yearOfCycle = (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
    let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0)
  }
}
