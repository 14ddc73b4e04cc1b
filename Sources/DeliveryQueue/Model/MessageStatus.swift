public import MailModel

/// What is known of an accepted message.
public struct MessageStatus: Hashable, Sendable {
  /// Its name.
  public var id: QueueID
  /// Whose it is.
  public var tenant: String?
  /// Who sent it.
  public var reversePath: ReversePath
  /// When it was accepted.
  public var acceptedAt: Timestamp
  /// Octets of its content.
  public var size: Int
  /// In the order of the envelope.
  public var recipients: [RecipientStatus]

  /// A status of these parts.
  public init(
    id: QueueID, tenant: String?, reversePath: ReversePath, acceptedAt: Timestamp, size: Int,
    recipients: [RecipientStatus]
  ) {
    (self.id, self.tenant, self.reversePath) = (id, tenant, reversePath)
    (self.acceptedAt, self.size, self.recipients) = (acceptedAt, size, recipients)
  }

  /// Whether every recipient is in a final state.
  public var isFinal: Bool { recipients.allSatisfy(\.state.isFinal) }
}

/// Where one recipient of a message stands.
public struct RecipientStatus: Hashable, Sendable {
  /// Who.
  public var path: ForwardPath
  /// Where it stands.
  public var state: RecipientState
  /// Attempts made so far.
  public var attempts: Int
  /// What the last attempt said.
  public var reply: DeliveryReply?
  /// When the last attempt ended.
  public var lastAttempt: Timestamp?
  /// When the next attempt is due; `nil` in a final state and where it is held.
  public var nextAttempt: Timestamp?
  /// The last order of an operator that changed it; `nil` where there was none.
  public var order: QueueOrder?

  /// A status of these parts.
  public init(
    path: ForwardPath, state: RecipientState, attempts: Int, reply: DeliveryReply?, lastAttempt: Timestamp?,
    nextAttempt: Timestamp?, order: QueueOrder? = nil
  ) {
    (self.path, self.state, self.attempts) = (path, state, attempts)
    (self.reply, self.lastAttempt, self.nextAttempt, self.order) = (reply, lastAttempt, nextAttempt, order)
  }
}

extension RecipientStatus {
  /// As a message is queued: due at once.
  package init(queued path: ForwardPath, at instant: Timestamp) {
    self.init(path: path, state: .queued, attempts: 0, reply: nil, lastAttempt: nil, nextAttempt: instant)
  }

  /// Takes a change of a settlement; nothing where the state is final already.
  package mutating func apply(_ change: Settlement.Change, at instant: Timestamp) {
    guard !state.isFinal else { return }
    state = change.state
    attempts += change.attempts
    reply = change.reply ?? reply
    if change.attempts > 0 { lastAttempt = instant }
    nextAttempt = change.due(at: instant)
  }
}

extension RecipientStatus {
  /// Takes an operator's order, and says whether it changed anything.
  package mutating func apply(_ order: QueueOrder) -> Bool {
    guard order.concerns(state) else { return false }
    state = order.state(after: state, attempts: attempts)
    nextAttempt = order.due(in: state)
    reply = order.reply ?? reply
    self.order = order
    return true
  }
}
