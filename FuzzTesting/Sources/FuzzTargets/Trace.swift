/// What a session did, apart from how its input was cut.
struct Trace<Question: Hashable>: Hashable {
  enum Event: Hashable {
    /// What it said, up to the next event.
    case octets([UInt8])
    case question(Question)
    /// The content of a message.
    case content([UInt8])
    case mark(String)
  }

  private(set) var events: [Event] = []

  mutating func add(_ event: Event) { events.append(event) }

  mutating func addOctets(_ octets: [UInt8]) {
    guard !octets.isEmpty else { return }
    if case .octets(let earlier) = events.last {
      events[events.count - 1] = .octets(earlier + octets)
    } else {
      events.append(.octets(octets))
    }
  }

  /// Up to its first difference from `other`: the number of events that are the same, and the octets of the next that are.
  func common(_ other: Trace) -> (events: Int, octets: Int) {
    let events = zip(self.events, other.events).prefix { $0 == $1 }.count
    guard events < self.events.count, events < other.events.count, case .octets(let mine) = self.events[events],
      case .octets(let its) = other.events[events]
    else { return (events, 0) }
    return (events, zip(mine, its).prefix { $0 == $1 }.count)
  }
}

extension Trace: CustomStringConvertible {
  var description: String {
    events.map { event in
      switch event {
      case .octets(let octets): "octets \(String(decoding: octets, as: UTF8.self).debugDescription)"
      case .question(let question): "question \(question)"
      case .content(let content): "content \(String(decoding: content, as: UTF8.self).debugDescription)"
      case .mark(let what): what
      }
    }.joined(separator: "\n")
  }
}
