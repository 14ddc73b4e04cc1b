package import MailModel

/// Which messages are due where, which are claimed and how large they all are: what a store keeps in memory of those of its
/// messages that have recipients left. A pure value, which does no input or output and reads no clock.
///
/// A message stands in it as its parts, one for each destination where it has recipients left. A part waits, or it is under
/// a claim, which has a lease or is being settled.
package struct ClaimLedger: Sendable {
  /// What of a message goes to one destination.
  package struct Part: Hashable, Sendable {
    /// What stands behind the `@` of its recipients.
    package var destination: Mailbox.Host?
    /// When the first of these is due; ``MailModel/Timestamp/never`` where all are held.
    package var due: Timestamp

    package init(destination: Mailbox.Host?, due: Timestamp) { (self.destination, self.due) = (destination, due) }
  }

  /// A message with recipients left.
  package struct Entry: Hashable, Sendable {
    /// ``QueueID/sequence``.
    package var sequence: Int64
    /// Octets of its content.
    package var size: Int
    package var tenant: String?
    package var priority: MessagePriority
    /// One for each destination.
    package var parts: [Part]

    package init(
      sequence: Int64, size: Int, tenant: String? = nil, priority: MessagePriority = .normal, parts: [Part]
    ) {
      (self.sequence, self.size, self.tenant, self.priority) = (sequence, size, tenant, priority)
      self.parts = parts
    }
  }

  /// What a claim is of.
  package struct Grant: Hashable, Sendable {
    package var token: Claim.Token
    package var sequence: Int64
    /// Octets of the message's content.
    package var size: Int
    package var site: DeliverySite
    /// ``Claim/suspension``.
    package var suspension: String?
    fileprivate var destinations: [Mailbox.Host?]

    /// Whether the message's recipients there are part of the claim, as far as they are due.
    package func covers(_ destination: Mailbox.Host?) -> Bool { destinations.contains(destination) }
  }

  /// What a claim gives, and what ``ClaimBatch`` tells beside it.
  package struct Claimed: Hashable, Sendable {
    package var grants: [Grant] = []
    package var nextDue: Timestamp?
    package var awaitsEnd = false
    package var siteChanges: [SiteChange] = []
    package var pausedSites = 0
  }

  private struct Waiting: Hashable, Comparable {
    var sequence: Int64
    var size: Int
    var tenant: String?
    var priority: MessagePriority
    var part: Part

    static func < (left: Self, right: Self) -> Bool {
      (left.part.due, left.sequence) < (right.part.due, right.sequence)
    }
  }

  private struct Holding {
    var grant: Grant
    var parts: [Waiting]
    var leasedUntil: Timestamp
    /// While its settlement is written, a claim does not run out.
    var isSettling = false
  }

  private let limits: QueueLimits
  private var waiting = Heap<Waiting>()
  private var holdings: [UInt64: Holding] = [:]
  /// Ends of leases. One that was extended, settled or lost stays in the heap until it is met or swept.
  private var leaseEnds = Heap<LeaseEnd>()
  private var lastToken: UInt64 = 0
  private var size = (messages: 0, octets: 0)

  /// An empty ledger.
  package init(limits: QueueLimits) { self.limits = limits }
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
  package mutating func insertReserved(_ entry: Entry) {
    for part in entry.parts { wait(part, of: entry) }
  }

  /// A message that comes of a settlement, or is there at the start; taken whatever the limits say.
  package mutating func insert(_ entry: Entry) {
    add(size: entry.size)
    insertReserved(entry)
  }

  private mutating func wait(_ part: Part, of entry: Entry) {
    waiting.insert(
      Waiting(
        sequence: entry.sequence, size: entry.size, tenant: entry.tenant, priority: entry.priority, part: part))
  }

  // Sizes come from the disk: what a damaged one makes of the sum must not end the process.
  private mutating func add(size octets: Int) { size = (size.messages + 1, size.octets &+ octets) }
  private mutating func subtract(size octets: Int) { size = (size.messages - 1, size.octets &- octets) }
}

// MARK: - Claims

extension ClaimLedger {
  /// When a claim can next give something: the earliest time at which a waiting message is due or a lease ends.
  private var nextDue: Timestamp? {
    let due = [waiting.first?.part.due, leaseEnds.first?.leasedUntil].compactMap { $0 }.min()
    return due == .never ? nil : due
  }

  /// Claims what is due. Leases that have ended are lost first.
  package mutating func claim(_ request: ClaimRequest) -> Claimed {
    endLeases(by: request.now)
    var claimed = Claimed()
    while claimed.grants.count < request.limit, let first = waiting.first, first.part.due <= request.now {
      let site = request.site(first.part.destination)
      var parts: [Waiting] = []
      var others: [Waiting] = []
      while let next = waiting.first, next.sequence == first.sequence, next.part.due == first.part.due {
        guard let next = waiting.popFirst() else { break }
        if request.site(next.part.destination) == site { parts.append(next) } else { others.append(next) }
      }
      others.forEach { waiting.insert($0) }
      lastToken += 1
      let grant = Grant(
        token: Claim.Token(lastToken), sequence: first.sequence, size: first.size, site: site, suspension: nil,
        destinations: parts.map(\.part.destination))
      hold(Holding(grant: grant, parts: parts, leasedUntil: request.leasedUntil), token: lastToken)
      claimed.grants.append(grant)
    }
    settleLeaseEnds()
    claimed.nextDue = nextDue
    return claimed
  }

  /// Of which messages the next claims will probably give something, so many at most, the first first; for reading ahead.
  package func next(_ count: Int, dueBy now: Timestamp) -> [Int64] {
    waiting.least(count).filter { $0.part.due <= now }.map(\.sequence)
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

  /// Puts a claim under the writing of its settlement; afterwards comes ``endSettlement(_:left:isFinished:)`` or
  /// ``abandonSettlement(_:)``.
  package mutating func beginSettlement(_ token: Claim.Token, of sequence: Int64) throws(QueueError) -> Grant {
    guard var holding = holdings[token.value], !holding.isSettling, holding.grant.sequence == sequence else {
      throw QueueError(.claimLost, "the claim ran out or was settled before")
    }
    holding.isSettling = true
    holdings[token.value] = holding
    return holding.grant
  }

  /// The settlement is kept.
  ///
  /// - Parameters:
  ///   - left: what of the claim's destinations has recipients left.
  ///   - isFinished: whether no recipient of the whole message is left.
  package mutating func endSettlement(_ token: Claim.Token, left: [Part], isFinished: Bool) {
    guard let holding = holdings.removeValue(forKey: token.value) else { return }
    for part in left {
      guard var waits = holding.parts.first else { break }
      waits.part = part
      waiting.insert(waits)
    }
    if isFinished { subtract(size: holding.grant.size) }
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
    guard let holding = holdings[token.value] else { return }
    let parts = holding.parts.map { Part(destination: $0.part.destination, due: due ?? $0.part.due) }
    endSettlement(token, left: parts, isFinished: false)
  }
}

// MARK: - Orders

extension ClaimLedger {
  /// Takes those of the messages that wait out, whether or not they are due, for an operator's order; one of which anything is
  /// claimed is left alone whole. In one pass over all that waits, so a large order takes all of its messages at once.
  ///
  /// What is taken counts as before, but no claim gives it and no lease of it ends: each must come back with
  /// ``putBack(_:parts:)``.
  ///
  /// - Returns: those taken, and those of the others that are claimed, each once.
  package mutating func take(_ sequences: Set<Int64>) -> (taken: [Entry], claimed: [Int64]) {
    let claimed = Set(holdings.values.map(\.grant.sequence)).intersection(sequences)
    var taken: [Int64: Entry] = [:]
    waiting = waiting.filter { waits in
      guard sequences.contains(waits.sequence), !claimed.contains(waits.sequence) else { return true }
      let entry = Entry(
        sequence: waits.sequence, size: waits.size, tenant: waits.tenant, priority: waits.priority, parts: [])
      taken[waits.sequence, default: entry].parts.append(waits.part)
      return false
    }
    return (Array(taken.values), Array(claimed))
  }

  /// Lets a message that was taken wait again.
  ///
  /// - Parameter parts: what has recipients left; `nil` where nothing has.
  package mutating func putBack(_ entry: Entry, parts: [Part]?) {
    guard let parts else { return subtract(size: entry.size) }
    for part in parts { wait(part, of: entry) }
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
      holding.parts.forEach { waiting.insert($0) }
    }
  }

  /// Keeps the first lease end one that matters, and the heap within twice what is held.
  private mutating func settleLeaseEnds() {
    while let end = leaseEnds.first, !isCurrent(end) { _ = leaseEnds.popFirst() }
    if leaseEnds.count > 2 * holdings.count + 64 { leaseEnds = leaseEnds.filter(isCurrent) }
  }
}

extension ClaimLedger.Entry {
  /// Of a message just accepted: all its recipients are due at once.
  package init(_ message: NewMessage) {
    var parts: [ClaimLedger.Part] = []
    var seen: Set<Mailbox.Host?> = []
    for recipient in message.envelope.recipients where seen.insert(recipient.path.destination).inserted {
      parts.append(ClaimLedger.Part(destination: recipient.path.destination, due: message.acceptedAt))
    }
    self.init(
      sequence: message.id.sequence, size: message.size, tenant: message.tenant, priority: message.priority,
      parts: parts)
  }
}

extension Timestamp {
  /// Beyond every calendar: of what does not fall due by itself.
  package static let never = Timestamp(milliseconds: .max)
}
