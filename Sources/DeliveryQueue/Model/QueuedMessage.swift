public import MailModel

/// A message that is to be queued: everything that delivery and status need of it.
public struct NewMessage: Sendable {
  /// Its name.
  public var id: QueueID
  /// Whose it is: an opaque name, by which status and lists are kept apart. `nil` for the service's own.
  public var tenant: String?
  /// Who sends to whom. One recipient or more.
  public var envelope: Envelope
  /// When it was accepted.
  public var acceptedAt: Timestamp
  /// What goes out before the body: added fields and the message's own header section, the empty line included.
  public var prefix: [UInt8]
  /// The rest, as it came.
  public var body: MessageBody
  /// Which of the tenant's messages go first.
  public var priority: MessagePriority

  /// A message of these parts.
  public init(
    id: QueueID, tenant: String?, envelope: Envelope, acceptedAt: Timestamp, prefix: [UInt8], body: MessageBody,
    priority: MessagePriority = .normal
  ) {
    (self.id, self.tenant, self.envelope, self.priority) = (id, tenant, envelope, priority)
    (self.acceptedAt, self.prefix, self.body) = (acceptedAt, prefix, body)
  }

  /// Octets of the whole content.
  public var size: Int { prefix.count + body.count }

  /// What every store asks of a message.
  package func validate() throws(QueueError) {
    guard !envelope.recipients.isEmpty else { throw QueueError(.invalidMessage, "a message without a recipient") }
  }
}

/// A message's body on its way into a ``QueueStore``.
public enum MessageBody: Sendable {
  /// In memory; the store keeps it with the message.
  case octets([UInt8])
  /// Written through a ``MessageBodyWriter`` of the same store, and finished.
  case spooled(SpooledBody)

  /// Octets.
  public var count: Int {
    switch self {
    case .octets(let octets): octets.count
    case .spooled(let body): body.count
    }
  }

  /// The name of a body that lies in the spool.
  package var spooledName: String? { if case .spooled(let body) = self { body.name } else { nil } }
}

/// A body that lies in a store's spool, not yet named by any message.
public struct SpooledBody: Hashable, Sendable {
  /// The store's own name for it.
  public var name: String
  /// Octets.
  public var count: Int

  /// This many octets under this name.
  public init(name: String, count: Int) { (self.name, self.count) = (name, count) }
}
