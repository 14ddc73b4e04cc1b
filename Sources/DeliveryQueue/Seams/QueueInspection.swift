public import MailModel

/// Looks into a queue without disturbing it: nobody who accepts or delivers waits for a reader. Where much has to be
/// looked at, that is done a little at a time, so lists and counts show each message as it was at some instant during the
/// call, not all of them as at one. What is stored and cannot be understood is left out of both.
public protocol QueueInspection: Sendable {
  /// What is known of a message, `nil` where none bears that name.
  func status(of id: QueueID) async throws -> MessageStatus?

  /// Messages of which at least one recipient is selected, in the order of their queue IDs, so many at most. All recipients
  /// of such a message are shown.
  ///
  /// - Parameter id: only those behind this one; `nil` begins at the oldest.
  func messages(_ selection: QueueSelection, after id: QueueID?, limit: Int) async throws -> [MessageStatus]

  /// How many selected recipients each tenant or destination has: the greatest groups first, then in the order of their
  /// names, so many groups at most. Looks at every one.
  func counts(_ selection: QueueSelection, by grouping: QueueGrouping, limit: Int) async throws -> [QueueCount]

  /// How many recipients stand in each state. Looks at every one.
  func recipientCounts() async throws -> [RecipientState: Int]

  /// What is not final yet, in a few figures.
  func summary() async throws -> QueueSummary
}

extension QueueInspection {
  /// Messages in the order of their queue IDs, so many at most.
  ///
  /// - Parameter id: only those behind this one; `nil` begins at the oldest.
  public func messages(after id: QueueID?, limit: Int) async throws -> [MessageStatus] {
    try await messages(.everything, after: id, limit: limit)
  }
}

/// Which recipients of which messages are meant. Every part that is set must hold.
public struct QueueSelection: Hashable, Sendable {
  /// Of these messages; `nil` for any.
  public var ids: Set<QueueID>?
  /// Of this tenant's messages; `nil` for any.
  public var tenant: String?
  /// Of this destination: what stands behind the recipient's `@`; `nil` for any.
  public var destination: Mailbox.Host?
  /// In one of these states; `nil` for any. Where all of them are open, history is not looked at.
  public var states: Set<RecipientState>?

  /// What these parts say.
  public init(
    ids: Set<QueueID>? = nil, tenant: String? = nil, destination: Mailbox.Host? = nil,
    states: Set<RecipientState>? = nil
  ) {
    (self.ids, self.tenant, self.destination, self.states) = (ids, tenant, destination, states)
  }

  /// Every recipient of every message.
  public static let everything = QueueSelection()
}

extension QueueSelection {
  /// Whether `recipient` of a message of that name and tenant is meant.
  package func contains(_ recipient: RecipientStatus, of id: QueueID, tenant: String?) -> Bool {
    contains(id, tenant: tenant) && contains(recipient)
  }

  /// Whether recipients of a message of that name and tenant are meant, as far as that alone says.
  package func contains(_ id: QueueID, tenant: String?) -> Bool {
    if let ids, !ids.contains(id) { return false }
    return self.tenant == nil || self.tenant == tenant
  }

  /// Whether `recipient` is meant, as far as that alone says.
  package func contains(_ recipient: RecipientStatus) -> Bool {
    if let states, !states.contains(recipient.state) { return false }
    return destination == nil || destination == recipient.path.destination
  }

  /// Whether at least one recipient of the message is meant.
  package func contains(_ message: MessageStatus) -> Bool {
    contains(message.id, tenant: message.tenant) && message.recipients.contains(where: contains)
  }
}

extension ForwardPath {
  /// What stands behind the `@`; `nil` for a postmaster without a domain.
  package var destination: Mailbox.Host? {
    switch self {
    case .mailbox(let mailbox): mailbox.host
    case .postmaster: nil
    }
  }
}

/// By what recipients are counted.
@nonexhaustive public enum QueueGrouping: Hashable, Sendable, CaseIterable {
  /// By ``MessageStatus/tenant``.
  case tenant
  /// By what stands behind the `@`.
  case destination
}

/// One group of recipients.
public struct QueueCount: Hashable, Sendable {
  /// The tenant, or the destination as it is written; `nil` for what has none.
  public var name: String?
  /// Recipients in each state that occurs.
  public var recipients: [RecipientState: Int]

  /// Recipients in every state.
  public var total: Int { recipients.values.reduce(0, +) }

  /// This group.
  public init(name: String?, recipients: [RecipientState: Int]) { (self.name, self.recipients) = (name, recipients) }
}

/// What a queue holds that is not final yet.
public struct QueueSummary: Hashable, Sendable {
  /// Messages with recipients left.
  public var messages: Int
  /// Octets of their content.
  public var octets: Int
  /// Their recipients in each state that is not final; none has no entry.
  public var recipients: [RecipientState: Int]
  /// When the oldest of them was accepted; `nil` where there is none.
  public var oldest: Timestamp?

  /// A summary of these parts.
  public init(messages: Int = 0, octets: Int = 0, recipients: [RecipientState: Int] = [:], oldest: Timestamp? = nil) {
    (self.messages, self.octets, self.recipients, self.oldest) = (messages, octets, recipients, oldest)
  }
}
