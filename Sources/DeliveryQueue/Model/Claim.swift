public import MailModel

/// What ``QueueStore/claim(_:)`` is asked for.
public struct ClaimRequest: Hashable, Sendable {
  /// Messages at most; 1 or more.
  public var limit: Int
  /// Recipients whose next attempt is due by now are given.
  public var now: Timestamp
  /// Until when the claims hold unless they are extended.
  public var leasedUntil: Timestamp

  /// This request.
  public init(limit: Int, now: Timestamp, leasedUntil: Timestamp) {
    (self.limit, self.now, self.leasedUntil) = (limit, now, leasedUntil)
  }
}

/// What ``QueueStore/claim(_:)`` gives.
public struct ClaimBatch: Sendable {
  /// The messages claimed, the longest due first.
  public var claims: [Claim]
  /// When a claim can next give something: the earliest of what was not claimed falls due, or a lease runs out; `nil`
  /// where nothing is left. It may lie in the past, where more was due than asked for.
  public var nextDue: Timestamp?

  /// These claims.
  public init(claims: [Claim], nextDue: Timestamp?) { (self.claims, self.nextDue) = (claims, nextDue) }
}

/// The right to attempt the delivery of a message to some of its recipients, which nobody else holds meanwhile.
public struct Claim: Hashable, Sendable {
  /// Tells one claim of a message from an earlier one.
  public struct Token: Hashable, Sendable {
    /// Unique within the store.
    public var value: UInt64
    /// This token.
    public init(_ value: UInt64) { self.value = value }
  }

  /// The message.
  public var id: QueueID
  /// This claim of it.
  public var token: Token
  /// Whose message it is.
  public var tenant: String?
  /// Where reports go.
  public var reversePath: ReversePath
  /// What the sender declared of the message.
  public var parameters: MessageParameters
  /// When the message was accepted.
  public var acceptedAt: Timestamp
  /// Octets of its content.
  public var size: Int
  /// Those of its recipients whose attempt is due.
  public var recipients: [ClaimedRecipient]

  /// A claim of these parts.
  public init(
    id: QueueID, token: Token, tenant: String?, reversePath: ReversePath, parameters: MessageParameters,
    acceptedAt: Timestamp, size: Int, recipients: [ClaimedRecipient]
  ) {
    (self.id, self.token, self.tenant, self.reversePath) = (id, token, tenant, reversePath)
    (self.parameters, self.acceptedAt, self.size, self.recipients) = (parameters, acceptedAt, size, recipients)
  }
}

/// A recipient within a ``Claim``.
public struct ClaimedRecipient: Hashable, Sendable {
  /// Its place in the message's envelope, from 0 on.
  public var index: Int
  /// Who.
  public var path: ForwardPath
  /// What the sender asks for it.
  public var parameters: RecipientParameters
  /// Attempts made before this one.
  public var attempts: Int

  /// A recipient of these parts.
  public init(
    index: Int, path: ForwardPath, parameters: RecipientParameters = RecipientParameters(), attempts: Int
  ) {
    (self.index, self.path, self.parameters, self.attempts) = (index, path, parameters, attempts)
  }
}

/// What came of a claim.
public struct Settlement: Sendable {
  /// What happens to one recipient.
  public struct Change: Hashable, Sendable {
    /// Its place in the message's envelope.
    public var index: Int
    /// Where it stands now.
    public var state: RecipientState
    /// When it is tried next; for ``RecipientState/deferred`` alone.
    public var nextAttempt: Timestamp?
    /// In whose words; `nil` keeps the earlier ones.
    public var reply: DeliveryReply?
    /// Attempts that this one adds, 1 for a real one.
    public var attempts: Int

    /// A change of these parts.
    public init(
      index: Int, state: RecipientState, nextAttempt: Timestamp? = nil, reply: DeliveryReply?, attempts: Int = 1
    ) {
      (self.index, self.state, self.nextAttempt) = (index, state, nextAttempt)
      (self.reply, self.attempts) = (reply, attempts)
    }
  }

  /// The message.
  public var id: QueueID
  /// The claim that this ends.
  public var token: Claim.Token
  /// When.
  public var at: Timestamp
  /// One for each recipient that an attempt was made for. A claimed recipient without one goes back as it was.
  public var changes: [Change]
  /// Messages that come of it, such as reports; queued in the same transaction.
  public var newMessages: [NewMessage]

  /// A settlement of these parts.
  public init(
    id: QueueID, token: Claim.Token, at: Timestamp, changes: [Change], newMessages: [NewMessage] = []
  ) {
    (self.id, self.token, self.at, self.changes, self.newMessages) = (id, token, at, changes, newMessages)
  }
}

extension Settlement.Change {
  /// When the recipient is due after this change; at once where an open state names no time.
  package func due(at instant: Timestamp) -> Timestamp? { state.isFinal ? nil : nextAttempt ?? instant }
}

extension Settlement {
  /// Whether it can be applied to a message of so many recipients.
  package func validate(recipients: Int) throws(QueueError) {
    guard changes.allSatisfy({ (0..<recipients).contains($0.index) }) else {
      throw QueueError(.invalidMessage, "a change of a recipient that the message does not have")
    }
    for message in newMessages { try message.validate() }
  }
}
