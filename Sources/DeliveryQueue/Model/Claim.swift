public import MailModel

/// What ``QueueStore/claim(_:)`` is asked for.
public struct ClaimRequest: Sendable {
  /// Claims at most: as many deliveries as may begin now; 1 or more.
  public var limit: Int
  /// Recipients whose next attempt is due by now are given.
  public var now: Timestamp
  /// Until when the claims hold unless they are extended.
  public var leasedUntil: Timestamp
  /// What is limited beside that; default ``SchedulingRules/unlimited``.
  public var rules = SchedulingRules.unlimited
  /// To which site a destination belongs: what stands behind a recipient's `@`, `nil` for a postmaster without a domain. Answers
  /// at once. By default there is one site.
  public var site: @Sendable (Mailbox.Host?) -> DeliverySite = { _ in DeliverySite("next host") }
  /// Deliveries that have ended since the last request that was answered, whether or not what came of them is settled yet. They
  /// no longer count against the limits. Those that have been reported before do no harm. Default none.
  public var ended: [DeliveryEnd] = []

  /// This request.
  public init(limit: Int, now: Timestamp, leasedUntil: Timestamp) {
    (self.limit, self.now, self.leasedUntil) = (limit, now, leasedUntil)
  }
}

/// The end of a delivery, as far as others wait for it.
public struct DeliveryEnd: Hashable, Sendable {
  /// The claim.
  public var token: Claim.Token
  /// What it told of its site.
  public var condition: SiteCondition

  /// This end.
  public init(token: Claim.Token, condition: SiteCondition) { (self.token, self.condition) = (token, condition) }
}

/// What ``QueueStore/claim(_:)`` gives.
public struct ClaimBatch: Sendable {
  /// What was claimed, in the order in which it should begin.
  public var claims: [Claim]
  /// When a claim can next give something, if no delivery ends before: the earliest of what was not claimed falls due, a pause
  /// or a lease runs out; `nil` where nothing is left. It may lie in the past, where more was due than asked for.
  public var nextDue: Timestamp?
  /// Whether something that is due waits for the end of a delivery, since its site or its tenant has as many as it may.
  public var awaitsEnd = false
  /// What became of sites, in that order.
  public var siteChanges: [SiteChange] = []
  /// Sites that are paused now, and for which something waits.
  public var pausedSites = 0

  /// These claims.
  public init(claims: [Claim], nextDue: Timestamp?) { (self.claims, self.nextDue) = (claims, nextDue) }

  /// The claims that a store made of what its ledger gave.
  package init(_ claimed: ClaimLedger.Claimed, claims: [Claim]) {
    self.init(claims: claims, nextDue: claimed.nextDue)
    (awaitsEnd, siteChanges) = (claimed.awaitsEnd, claimed.siteChanges)
    pausedSites = claimed.pausedSites
  }
}

/// The right to attempt the delivery of a message to those of its recipients that are due at one site, which nobody else holds
/// meanwhile. Another claim of the same message may be held for another site.
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
  /// Where they all are.
  public var site = DeliverySite("next host")
  /// Why nothing is to be attempted: the site is paused for so long that the recipients should be deferred with this sentence;
  /// `nil` for an attempt.
  public var suspension: String?

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
