import DeliveryQueue
import MailModel

/// A message with recipients left, as the database has it.
struct KnownMessage: Sendable {
  /// One recipient, whatever its state.
  struct Recipient: Sendable {
    var path: ForwardPath
    var parameters: RecipientParameters
    var attempts: Int
    var standing: QueueWriting.Standing
  }

  var head: QueueReading.Head
  /// All of them, in the order of the envelope.
  var recipients: [Recipient]
  /// The spool file that has the body.
  var spool: String?
  /// `nil` where it is too large to be kept in memory, or lies in the spool and its digest is not known.
  var content: StoredContent?
  /// Whether the table `pending` tells another destination of it than its recipients do.
  var isMisplaced = false

  var standings: [QueueWriting.Standing] { recipients.map(\.standing) }

  /// Where its recipients are that are left.
  var destination: PendingDestination {
    PendingDestination(recipients.lazy.map(\.standing).filter { !$0.state.isFinal }.map(\.destination))
  }

  /// Whether all that is left of it is under a claim, so that meanwhile nobody else can change it.
  func isWhole(under grant: ClaimLedger.Grant) -> Bool {
    standings.allSatisfy { $0.state.isFinal || grant.covers($0.destination) }
  }

  /// A claim of it, and of those of its recipients that were granted and are due.
  func claim(_ grant: ClaimLedger.Grant, at now: Timestamp) -> Claim {
    var claim = Claim(
      id: head.id, token: grant.token, tenant: head.tenant, reversePath: head.reversePath,
      parameters: head.parameters, acceptedAt: head.acceptedAt, size: head.size, recipients: [])
    (claim.site, claim.suspension) = (grant.site, grant.suspension)
    for (place, recipient) in recipients.enumerated() {
      guard let due = recipient.standing.due, due <= now,
        grant.covers(recipient.standing.destination)
      else { continue }
      claim.recipients.append(
        ClaimedRecipient(
          index: place, path: recipient.path, parameters: recipient.parameters, attempts: recipient.attempts))
    }
    return claim
  }
}

extension KnownMessage {
  /// What the message counts for in memory, about.
  var footprint: Int { Self.footprint(octets: content?.octets ?? 0, recipients: recipients.count) }

  static func footprint(octets: Int, recipients: Int) -> Int { 512 + 256 * recipients + octets }

  /// A message that has just been queued; `nil` where it is too large to be kept in memory.
  init?(_ message: NewMessage) {
    guard message.body.spooledName != nil || message.size <= MessageCache.contentLimit else { return nil }
    head = QueueReading.Head(
      id: message.id, tenant: message.tenant, reversePath: message.envelope.reversePath,
      acceptedAt: message.acceptedAt, size: message.size, parameters: message.envelope.parameters)
    recipients = message.envelope.recipients.map { recipient in
      let standing = QueueWriting.Standing(
        state: .queued, due: message.acceptedAt, destination: recipient.path.destination)
      return Recipient(path: recipient.path, parameters: recipient.parameters, attempts: 0, standing: standing)
    }
    spool = message.body.spooledName
    // A spool file is checked against its digest, which only the database has.
    content =
      if case .octets(let body) = message.body { StoredContent(prefix: message.prefix, body: body) } else { nil }
  }
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
}
