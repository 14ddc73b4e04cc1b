package import MailModel

extension ClaimLedger {
  /// What a claim is of.
  package struct Grant: Hashable, Sendable {
    package var token: Claim.Token
    package var sequence: Int64
    /// Octets of the message's content.
    package var size: Int
    package var site: DeliverySite
    /// ``Claim/suspension``.
    package var suspension: String?
    fileprivate var destination: Mailbox.Host?
    fileprivate var others: [Mailbox.Host?]

    /// Whether the message's recipients there are part of the claim, as far as they are due.
    package func covers(_ destination: Mailbox.Host?) -> Bool {
      self.destination == destination || others.contains(destination)
    }
  }

  /// What a claim gives, and what ``ClaimBatch`` tells beside it.
  package struct Claimed: Hashable, Sendable {
    package var grants: [Grant] = []
    package var nextDue: Timestamp?
    package var awaitsEnd = false
    package var siteChanges: [SiteChange] = []
    package var pausedSites = 0
  }

  /// What is under a claim.
  struct Holding: Sendable {
    var first: QueuedPart
    /// Of the same message.
    var others: [QueuedPart]
    /// The claim, as it was given.
    var grant: Grant
    var leasedUntil: Timestamp
    /// Where its delivery counts; `nil` where it was suspended.
    var site: UInt32?
    /// Until the end of the delivery is known, or the claim has ended.
    var isRunning = true
    /// While its settlement is written, a claim does not run out.
    var isSettling = false
  }

  /// Claims what is due and whose turn it is. Leases that have ended are lost first.
  package mutating func claim(_ request: ClaimRequest) -> Claimed {
    scheduler.advance(to: request.now, request.rules, limit: request.limit)
    var claimed = Claimed()
    for end in request.ended {
      if let change = self.end(end.token, end.condition) { claimed.siteChanges.append(change) }
    }
    endLeases(by: request.now)
    claimed.grants = scheduler.pick(request.limit, site: request.site).map { grant($0, until: request.leasedUntil) }
    settleLeaseEnds()
    claimed.nextDue = min(scheduler.nextDue() ?? .never, leaseEnds.first?.leasedUntil ?? .never).unlessNever
    (claimed.awaitsEnd, claimed.pausedSites) = (scheduler.awaitsEnd, scheduler.pausedSites)
    return claimed
  }

  /// Of which messages the next claims will probably give something, so many at most, the first first; for reading ahead.
  package func next(_ count: Int, dueBy now: Timestamp) -> [Int64] { scheduler.next(count, dueBy: now) }

  private mutating func grant(_ pick: Scheduler.Pick, until leasedUntil: Timestamp) -> Grant {
    let grant = Grant(
      token: Claim.Token(pick.token), sequence: pick.first.sequence, size: Int(pick.first.size),
      site: scheduler.sites[pick.site].name, suspension: pick.suspension,
      destination: scheduler.named(pick.first).destination,
      others: pick.others.isEmpty ? [] : pick.others.map { scheduler.named($0).destination })
    let holding = Holding(
      first: pick.first, others: pick.others, grant: grant, leasedUntil: leasedUntil,
      site: pick.suspension == nil ? pick.site : nil)
    hold(holding, token: pick.token)
    return grant
  }

  /// A delivery no longer counts. Only the first time that it is heard of changes anything.
  @discardableResult private mutating func end(_ token: Claim.Token, _ condition: SiteCondition) -> SiteChange? {
    guard let holding = holdings[token.value] else {
      return settledSites.remove(token.value).flatMap { scheduler.learn(condition, from: token.value, at: $0) }
    }
    guard holding.isRunning else { return nil }
    holdings[token.value]?.isRunning = false
    scheduler.end(for: holding.first.tenant)
    return holding.site.flatMap { scheduler.end(token.value, at: $0, condition) }
  }

  /// A claim is no more.
  private mutating func drop(_ token: Claim.Token) -> Holding? {
    end(token, .unknown)
    return holdings.removeValue(forKey: token.value)
  }
}

// MARK: - Settlements

extension ClaimLedger {
  /// Puts a claim under the writing of its settlement; afterwards comes ``endSettlement(_:left:isFinished:)`` or
  /// ``abandonSettlement(_:)``.
  package mutating func beginSettlement(_ token: Claim.Token, of sequence: Int64) throws(QueueError) -> Grant {
    guard let holding = holdings[token.value], !holding.isSettling, holding.first.sequence == sequence else {
      throw QueueError(.claimLost, "the claim ran out or was settled before")
    }
    holdings[token.value]?.isSettling = true
    return holding.grant
  }

  /// The settlement is kept.
  ///
  /// - Parameters:
  ///   - left: what of the claim's destinations has recipients left.
  ///   - isFinished: whether no recipient of the whole message is left.
  package mutating func endSettlement(_ token: Claim.Token, left: [Part], isFinished: Bool) {
    if let holding = holdings[token.value], holding.isRunning, holding.site != nil {
      settledSites.insert(token.value, holding.grant.site)
    }
    guard let holding = drop(token) else { return }
    let (first, tenant) = (holding.first, scheduler.tenantNames[holding.first.tenant] ?? nil)
    for part in left {
      scheduler.insert(
        scheduler.part(of: first.sequence, size: first.size, tenant: tenant, priority: first.priority, part))
    }
    scheduler.forget(first)
    holding.others.forEach { scheduler.forget($0) }
    if isFinished { subtract(size: Int(first.size)) }
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
    guard let holding = drop(token) else { return }
    wait(holding, due: due)
    settleLeaseEnds()
  }

  private mutating func wait(_ holding: Holding, due: Timestamp? = nil) {
    for var part in [holding.first] + holding.others {
      part.due = due ?? part.due
      scheduler.insert(part)
    }
  }
}

// MARK: - Leases

extension ClaimLedger {
  struct LeaseEnd: Comparable, Sendable {
    var leasedUntil: Timestamp
    var token: UInt64

    static func < (left: LeaseEnd, right: LeaseEnd) -> Bool {
      (left.leasedUntil, left.token) < (right.leasedUntil, right.token)
    }
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
      guard isCurrent(end), let holding = drop(Claim.Token(end.token)) else { continue }
      wait(holding)
    }
  }

  /// Keeps the first lease end one that matters, and the heap within twice what is held.
  private mutating func settleLeaseEnds() {
    while let end = leaseEnds.first, !isCurrent(end) { _ = leaseEnds.popFirst() }
    if leaseEnds.count > 2 * holdings.count + 64 { leaseEnds = leaseEnds.filter(isCurrent) }
  }
}
