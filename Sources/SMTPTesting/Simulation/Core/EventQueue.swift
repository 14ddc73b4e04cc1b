import DeliveryQueue
import MailModel

/// What is to happen later: by instant, then in the order in which it was ordered.
struct EventQueue: Sendable {
  private struct Entry: Sendable, Comparable {
    var instant: MonotonicInstant
    var number: Int

    static func < (left: Entry, right: Entry) -> Bool { (left.instant, left.number) < (right.instant, right.number) }
  }

  /// Those that were cancelled stay until they come up, or are too many.
  private var entries = Heap<Entry>()
  private var events: [Int: @Sendable () -> Void] = [:]
  private var lastNumber = 0

  /// The number by which it can be cancelled.
  mutating func add(at instant: MonotonicInstant, _ event: @escaping @Sendable () -> Void) -> Int {
    lastNumber += 1
    events[lastNumber] = event
    entries.insert(Entry(instant: instant, number: lastNumber))
    return lastNumber
  }

  /// An event that has happened, or was cancelled before, is none any more.
  mutating func cancel(_ number: Int) {
    events[number] = nil
    guard entries.count > max(Self.smallest, 2 * events.count) else { return }
    let events = events
    entries = entries.filter { events[$0.number] != nil }
  }

  /// So many entries are kept, whatever was cancelled.
  static let smallest = 64
  /// How many there are, with those that were cancelled.
  var entryCount: Int { entries.count }

  /// When the next one happens; `nil` where there is none.
  var nextInstant: MonotonicInstant? {
    mutating get {
      while let first = entries.first {
        if events[first.number] != nil { return first.instant }
        _ = entries.popFirst()
      }
      return nil
    }
  }

  /// The next one, unless it is later than `instant`.
  mutating func take(until instant: MonotonicInstant) -> (@Sendable () -> Void)? {
    guard let next = nextInstant, next <= instant, let first = entries.first else { return nil }
    _ = entries.popFirst()
    return events.removeValue(forKey: first.number)
  }

  mutating func removeAll() {
    entries = Heap()
    events = [:]
  }
}
