import DeliveryQueue
import MailModel

/// What is known of messages without asking the database, by ``MailModel/QueueID/sequence``: nothing that the database
/// does not hold as well, and each only until something of its message changes.
///
/// A fresh message, which nobody has claimed yet, is known as it was enqueued: so most messages are never read. A claimed one,
/// which nobody else may change, is known as the claim found it: so its settlement only writes.
struct MessageCache {
  /// Octets of content up to which a message is kept here. A larger one is read where it lies.
  static let contentLimit = 64 << 10

  private var fresh: Shelf<NewMessage>
  private var claimed: Shelf<ClaimedMessage>

  /// - Parameter limit: octets of memory, about: one half for each kind. What does not fit is not kept.
  init(limit: Int) { (fresh, claimed) = (Shelf(limit: limit / 2), Shelf(limit: limit / 2)) }

  /// Keeps a message that was queued.
  mutating func insert(_ message: NewMessage) {
    guard message.body.spooledName != nil || message.size <= Self.contentLimit else { return }
    fresh.insert(
      message, for: message.id.sequence, octets: message.storedOctets, parts: message.envelope.recipients.count)
  }

  /// Takes out a message that nobody has claimed before.
  mutating func takeFresh(_ sequence: Int64) -> NewMessage? { fresh.remove(sequence) }

  mutating func insert(_ message: ClaimedMessage) {
    claimed.insert(
      message, for: message.id.sequence, octets: message.content?.octets ?? 0, parts: message.standings.count)
  }

  /// A message as its claim found it.
  func claimed(_ sequence: Int64) -> ClaimedMessage? { claimed[sequence] }

  /// Something of a message has changed, or it is gone.
  mutating func forget(_ sequence: Int64) {
    fresh.remove(sequence)
    claimed.remove(sequence)
  }

  /// Octets of memory in use, about.
  var octets: Int { fresh.octets + claimed.octets }
}

extension MessageCache {
  /// Values within a limit of octets.
  private struct Shelf<Value> {
    let limit: Int
    private(set) var octets = 0
    private var values: [Int64: (value: Value, footprint: Int)] = [:]

    init(limit: Int) { self.limit = limit }

    subscript(_ key: Int64) -> Value? { values[key]?.value }

    mutating func insert(_ value: Value, for key: Int64, octets: Int, parts: Int) {
      remove(key)
      let footprint = MessageCache.footprint(octets: octets, recipients: parts)
      guard footprint <= limit - self.octets else { return }
      values[key] = (value, footprint)
      self.octets += footprint
    }

    @discardableResult mutating func remove(_ key: Int64) -> Value? {
      guard let (value, footprint) = values.removeValue(forKey: key) else { return nil }
      octets -= footprint
      return value
    }
  }

  /// What a message counts for, with so many octets of content in memory.
  static func footprint(octets: Int, recipients: Int) -> Int { 512 + 256 * recipients + octets }
}

/// A claimed message, beside what its claim says.
struct ClaimedMessage: Sendable {
  var id: QueueID
  /// Of all its recipients, in the order of the envelope.
  var standings: [QueueWriting.Standing]
  /// The spool file that has the body.
  var spool: String?
  /// `nil` where it is too large to be kept here, or lies in the spool.
  var content: StoredContent?
}

/// What the database has of a message's content.
struct StoredContent: Sendable {
  var prefix: [UInt8]
  /// `nil` where it lies in the spool.
  var body: [UInt8]?
  var spool: SpooledBody?
  /// ``ContentDigest``; `nil` where there is nothing to check.
  var digest: [UInt8]?

  /// Octets of it that are in memory.
  var octets: Int { prefix.count + (body?.count ?? 0) }
}

extension NewMessage {
  /// Octets that go into the database.
  var storedOctets: Int { body.spooledName == nil ? size : prefix.count }

  /// What is known of its content without reading it: all of a body in memory. A spool file is checked against its digest,
  /// which only the database has.
  private var knownContent: StoredContent? {
    guard case .octets(let octets) = body else { return nil }
    return StoredContent(prefix: prefix, body: octets)
  }

  /// The first claim of it.
  func claim(_ token: Claim.Token) -> (Claim, ClaimedMessage) {
    let claim = Claim(
      id: id, token: token, tenant: tenant, reversePath: envelope.reversePath, parameters: envelope.parameters,
      acceptedAt: acceptedAt, size: size,
      recipients: envelope.recipients.enumerated().map { place, recipient in
        ClaimedRecipient(index: place, path: recipient.path, parameters: recipient.parameters, attempts: 0)
      })
    let standing = QueueWriting.Standing(state: .queued, due: acceptedAt)
    return (
      claim,
      ClaimedMessage(
        id: id, standings: Array(repeating: standing, count: claim.recipients.count), spool: body.spooledName,
        content: knownContent)
    )
  }
}
