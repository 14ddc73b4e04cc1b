/// Answers that are remembered until their time is over or others need the room. It never looks at more than a few of
/// them at once.
struct DNSCache: Sendable {
  private struct Entry: Sendable {
    var answer: DNSAnswer
    /// When its time is over, since the clock began.
    var end: Duration
    /// Which lookup brought it; later ones have higher numbers.
    var lookup: UInt64
    var octets: Int
  }

  private let limits: CachingResolver.Limits
  /// What was used least lately first.
  private var entries = OrderedTable<DNSQuestion, Entry>()
  /// The slot at which the search for what is over goes on.
  private var hand = 0

  /// How much all entries take.
  private(set) var octets = 0

  init(limits: CachingResolver.Limits) { self.limits = limits }

  /// How many answers are remembered, those too that are over and not yet removed.
  var count: Int { entries.count }

  /// What is remembered, with the time that is left of it.
  mutating func answer(to question: DNSQuestion, at now: Duration) -> DNSAnswer? {
    guard let slot = entries.slot(of: question), let entry = entries[slot] else { return nil }
    guard now < entry.end else {
      remove(slot)
      return nil
    }
    entries.moveToEnd(slot)
    var answer = entry.answer
    answer.timeToLive = entry.end - now
    return answer
  }

  /// Remembers an answer, if it may be.
  ///
  /// A lookup that began earlier does not replace what a later one brought, nor a failure what is known to be there.
  ///
  /// - Returns: the answer with the time for which it is remembered.
  mutating func keep(
    _ answer: DNSAnswer, to question: DNSQuestion, of lookup: UInt64, at now: Duration
  ) -> DNSAnswer {
    var answer = answer
    answer.timeToLive = limits.timeToLive(of: answer)
    removeWhatIsOver(at: now)
    if let slot = entries.slot(of: question), let known = entries[slot] {
      guard known.lookup < lookup else { return answer }
      guard answer.failure == nil || known.answer.failure != nil || known.end <= now else { return answer }
      remove(slot)
    }
    let cost = question.footprint + answer.footprint
    guard answer.timeToLive > .zero, limits.entries > 0, cost <= limits.octets else { return answer }
    while entries.count >= limits.entries || octets > limits.octets - cost, let slot = entries.first { remove(slot) }
    entries.append(Entry(answer: answer, end: now + answer.timeToLive, lookup: lookup, octets: cost), for: question)
    octets += cost
    return answer
  }

  /// Looks at two slots for each answer that is kept: so the hand has been everywhere before half as many were kept as
  /// there are.
  private mutating func removeWhatIsOver(at now: Duration) {
    for _ in 0..<min(2, entries.slotCount) {
      hand = hand + 1 < entries.slotCount ? hand + 1 : 0
      if let entry = entries[hand], entry.end <= now { remove(hand) }
    }
  }

  private mutating func remove(_ slot: Int) { octets -= entries.remove(slot: slot)?.octets ?? 0 }
}

/// What values take of memory, about: a little more rather than less.
extension DNSQuestion {
  /// With what an entry of the cache takes besides.
  fileprivate var footprint: Int { 384 + name.footprint }
}

extension DNSName {
  fileprivate var footprint: Int { 48 + description.utf8.count }
}

extension DNSAnswer {
  fileprivate var footprint: Int {
    let kept = aliases.reduce(0) { $0 + $1.footprint }
    switch outcome {
    case .records(let records): return records.reduce(kept) { $0 + $1.footprint }
    case .temporaryFailure(let reason), .malformed(let reason): return kept + 48 + reason.utf8.count
    case .noRecords, .noSuchName: return kept
    }
  }
}

extension DNSRecord {
  fileprivate var footprint: Int {
    switch self {
    case .address: 48
    case .alias(let name), .pointer(let name), .mailExchanger(_, let name): 48 + name.footprint
    case .text(let text): text.strings.reduce(96) { $0 + 56 + $1.count }
    case .certificate(let certificate): 96 + certificate.data.count
    }
  }
}
