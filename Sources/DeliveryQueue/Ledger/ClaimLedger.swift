package import MailModel

/// Which messages are due, which are claimed and how large they all are: what a store keeps in memory of those of its
/// messages that have recipients left. A pure value, which does no input or output and reads no clock.
///
/// A message stands in it once: waiting, under a lease, or being settled. So a claim costs no more with a million
/// messages queued than with ten, but for the logarithm of the heap.
package struct ClaimLedger: Sendable {
  /// A message with recipients left.
  package struct Entry: Hashable, Sendable {
    /// ``QueueID/sequence``.
    package var sequence: Int64
    /// When the first of its recipients is due; ``MailModel/Timestamp/never`` where all are held.
    package var due: Timestamp
    /// Octets of its content.
    package var size: Int

    package init(sequence: Int64, due: Timestamp, size: Int) {
      (self.sequence, self.due, self.size) = (sequence, due, size)
    }
  }

  /// A message claimed.
  package struct Grant: Hashable, Sendable {
    package var token: Claim.Token
    package var entry: Entry
  }

  private struct Holding {
    var entry: Entry
    var leasedUntil: Timestamp
    /// While its settlement is written, a claim does not run out.
    var isSettling = false
  }

  private let limits: QueueLimits
  private var waiting: Heap<Entry>
  private var holdings: [UInt64: Holding] = [:]
  /// Ends of leases. One that was extended, settled or lost stays in the heap until it is met or swept.
  private var leaseEnds = Heap<LeaseEnd>()
  private var lastToken: UInt64 = 0
  private var size = (messages: 0, octets: 0)

  /// A ledger of these messages, whatever the limits say of them.
  package init(limits: QueueLimits, entries: [Entry] = []) {
    self.limits = limits
    waiting = Heap(entries)
    entries.forEach { add(size: $0.size) }
  }
}

// MARK: - Room

extension ClaimLedger {
  /// Octets of all messages in it and of what was reserved.
  package var octets: Int { size.octets }
  /// Messages in it and reserved.
  package var messages: Int { size.messages }

  /// Makes room for a message, before it is kept.
  ///
  /// - Parameter elsewhere: octets that count as well, though they belong to no message yet.
  package mutating func reserve(size octets: Int, elsewhere: Int = 0) throws(QueueError) {
    guard size.messages < limits.messages else { throw QueueError(.insufficientStorage, "too many messages queued") }
    guard fits(octets, elsewhere: elsewhere) else {
      throw QueueError(.insufficientStorage, "too many octets queued")
    }
    add(size: octets)
  }

  /// Whether so many octets more are within the limit.
  package func fits(_ octets: Int, elsewhere: Int) -> Bool {
    octets <= limits.octets - min(limits.octets, max(0, size.octets &+ elsewhere))
  }

  /// The message that room was made for was not kept after all.
  package mutating func release(size octets: Int) { subtract(size: octets) }

  /// The message that room was made for is kept.
  package mutating func insertReserved(_ entry: Entry) { waiting.insert(entry) }

  /// A message that comes of a settlement, taken whatever the limits say.
  package mutating func insert(_ entry: Entry) {
    add(size: entry.size)
    waiting.insert(entry)
  }

  // Sizes come from the disk: what a damaged one makes of the sum must not end the process.
  private mutating func add(size octets: Int) { size = (size.messages + 1, size.octets &+ octets) }
  private mutating func subtract(size octets: Int) { size = (size.messages - 1, size.octets &- octets) }
}

// MARK: - Claims

extension ClaimLedger {
  /// When a claim can next give something: the earliest time at which a waiting message is due or a lease ends.
  package var nextDue: Timestamp? {
    let due = [waiting.first?.due, leaseEnds.first?.leasedUntil].compactMap { $0 }.min()
    return due == .never ? nil : due
  }

  /// Claims what is due, the longest due first. Leases that have ended are lost first.
  package mutating func claim(_ request: ClaimRequest) -> [Grant] {
    endLeases(by: request.now)
    var grants: [Grant] = []
    while grants.count < request.limit, let first = waiting.first, first.due <= request.now {
      guard let entry = waiting.popFirst() else { break }
      lastToken += 1
      hold(Holding(entry: entry, leasedUntil: request.leasedUntil), token: lastToken)
      grants.append(Grant(token: Claim.Token(lastToken), entry: entry))
    }
    settleLeaseEnds()
    return grants
  }

  /// What the next claims give if nothing comes in between, so many at most, the first first.
  package func next(_ count: Int, dueBy now: Timestamp) -> [Entry] {
    waiting.least(count).filter { $0.due <= now }
  }

  /// Holds those claims that still stand until `leasedUntil`, and says which these are.
  package mutating func extend(_ tokens: [Claim.Token], until leasedUntil: Timestamp) -> [Claim.Token] {
    let held = tokens.filter { token in
      guard var holding = holdings[token.value] else { return false }
      guard holding.leasedUntil != leasedUntil else { return true }
      holding.leasedUntil = leasedUntil
      hold(holding, token: token.value)
      return true
    }
    settleLeaseEnds()
    return held
  }

  /// Puts a claim under the writing of its settlement; afterwards comes ``endSettlement(_:due:)`` or
  /// ``abandonSettlement(_:)``.
  package mutating func beginSettlement(_ token: Claim.Token, of sequence: Int64) throws(QueueError) -> Entry {
    guard var holding = holdings[token.value], !holding.isSettling, holding.entry.sequence == sequence else {
      throw QueueError(.claimLost, "the claim ran out or was settled before")
    }
    holding.isSettling = true
    holdings[token.value] = holding
    return holding.entry
  }

  /// The settlement is kept.
  ///
  /// - Parameter due: when the first of the recipients left is due; `nil` where none is left.
  package mutating func endSettlement(_ token: Claim.Token, due: Timestamp?) {
    guard var entry = holdings.removeValue(forKey: token.value)?.entry else { return }
    if let due {
      entry.due = due
      waiting.insert(entry)
    } else {
      subtract(size: entry.size)
    }
    settleLeaseEnds()
  }

  /// The settlement was not kept: the claim holds as before.
  package mutating func abandonSettlement(_ token: Claim.Token) {
    guard var holding = holdings[token.value] else { return }
    holding.isSettling = false
    hold(holding, token: token.value)
  }

  /// Gives a claim back, as if it had not been made; with `due`, to be made later.
  package mutating func giveBack(_ token: Claim.Token, due: Timestamp? = nil) {
    guard let entry = holdings[token.value]?.entry else { return }
    endSettlement(token, due: due ?? entry.due)
  }
}

// MARK: - Orders

extension ClaimLedger {
  /// Takes those of the messages that wait out, whether or not they are due, for an operator's order. In one pass over all
  /// that waits, so a large order takes all of its messages at once.
  ///
  /// What is taken counts as before, but no claim gives it and no lease of it ends: each must come back with
  /// ``putBack(_:due:)``.
  ///
  /// - Returns: those taken, and those of the others that are claimed.
  package mutating func take(_ sequences: Set<Int64>) -> (taken: [Entry], claimed: [Int64]) {
    var taken: [Entry] = []
    waiting = waiting.filter { entry in
      guard sequences.contains(entry.sequence) else { return true }
      taken.append(entry)
      return false
    }
    return (taken, holdings.values.map(\.entry.sequence).filter(sequences.contains))
  }

  /// Lets a message that was taken wait again.
  ///
  /// - Parameter due: when the first of the recipients left is due; `nil` where none is left.
  package mutating func putBack(_ entry: Entry, due: Timestamp?) {
    guard let due else { return subtract(size: entry.size) }
    waiting.insert(Entry(sequence: entry.sequence, due: due, size: entry.size))
  }
}

// MARK: - Leases

extension ClaimLedger {
  private struct LeaseEnd: Comparable {
    var leasedUntil: Timestamp
    var token: UInt64

    static func < (left: LeaseEnd, right: LeaseEnd) -> Bool {
      (left.leasedUntil, left.token) < (right.leasedUntil, right.token)
    }
  }

  private mutating func hold(_ holding: Holding, token: UInt64) {
    holdings[token] = holding
    leaseEnds.insert(LeaseEnd(leasedUntil: holding.leasedUntil, token: token))
  }

  private func isCurrent(_ end: LeaseEnd) -> Bool {
    guard let holding = holdings[end.token], !holding.isSettling else { return false }
    return holding.leasedUntil == end.leasedUntil
  }

  private mutating func endLeases(by now: Timestamp) {
    while let end = leaseEnds.first, end.leasedUntil <= now {
      _ = leaseEnds.popFirst()
      guard isCurrent(end), let holding = holdings.removeValue(forKey: end.token) else { continue }
      waiting.insert(holding.entry)
    }
  }

  /// Keeps the first lease end one that matters, and the heap within twice what is held.
  private mutating func settleLeaseEnds() {
    while let end = leaseEnds.first, !isCurrent(end) { _ = leaseEnds.popFirst() }
    if leaseEnds.count > 2 * holdings.count + 64 { leaseEnds = leaseEnds.filter(isCurrent) }
  }
}

extension ClaimLedger.Entry: Comparable {
  /// The longest due first; of those, the oldest.
  package static func < (left: Self, right: Self) -> Bool {
    (left.due, left.sequence) < (right.due, right.sequence)
  }
}

extension Timestamp {
  /// Beyond every calendar: of what does not fall due by itself.
  package static let never = Timestamp(milliseconds: .max)
}
