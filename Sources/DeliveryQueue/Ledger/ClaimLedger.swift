package import MailModel

/// Which messages are due where, which are claimed and how large they all are: what a store keeps in memory of those of its
/// messages that have recipients left. A pure value, which does no input or output and reads no clock.
///
/// A message stands in it as its parts, one for each destination where it has recipients left. A part waits, or it is under
/// a claim, which has a lease or is being settled. Whose turn it is, is the ``Scheduler``'s business.
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
    /// Octets of its content; those above 4 GiB do not count.
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

  private let limits: QueueLimits
  private var size = (messages: 0, octets: 0)
  var scheduler = Scheduler()
  var holdings: [UInt64: Holding] = [:]
  /// Ends of leases. One that was extended, settled or lost stays in the heap until it is met or swept.
  var leaseEnds = Heap<LeaseEnd>()
  var settledSites = SettledSites()

  /// An empty ledger.
  package init(limits: QueueLimits) { self.limits = limits }
}

// MARK: - Room

extension ClaimLedger {
  /// Octets of all messages in it and of what was reserved.
  package var octets: Int { size.octets }
  /// Messages in it and reserved, each counted once.
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
    let size = UInt32(clamping: entry.size)
    scheduler.insert(
      scheduler.part(of: entry.sequence, size: size, tenant: entry.tenant, priority: entry.priority, part))
  }

  // Sizes come from the disk: what a damaged one makes of the sum must not end the process.
  private mutating func add(size octets: Int) {
    size = (size.messages + 1, size.octets &+ Int(UInt32(clamping: octets)))
  }

  mutating func subtract(size octets: Int) {
    size = (size.messages - 1, size.octets &- Int(UInt32(clamping: octets)))
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
  /// - Returns: those taken, and those of the others that are claimed; each once.
  package mutating func take(_ sequences: Set<Int64>) -> (taken: [Entry], claimed: [Int64]) {
    let claimed = Set(holdings.values.lazy.map(\.first.sequence).filter(sequences.contains))
    let free = claimed.isEmpty ? sequences : sequences.subtracting(claimed)
    guard !free.isEmpty else { return ([], Array(claimed)) }
    var taken: [Int64: Entry] = [:]
    for part in scheduler.remove(where: { free.contains($0.sequence) }) {
      let entry = Entry(
        sequence: part.sequence, size: Int(part.size), tenant: scheduler.tenantNames[part.tenant] ?? nil,
        priority: part.priority, parts: [])
      taken[part.sequence, default: entry].parts.append(scheduler.named(part))
      scheduler.forget(part)
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
