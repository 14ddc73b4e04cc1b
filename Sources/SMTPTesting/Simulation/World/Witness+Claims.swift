import DeliveryQueue
import MailModel

// Who may be claimed when, and what comes of it.
extension Witness {
  mutating func claimed(_ request: ClaimRequest, _ batch: ClaimBatch, after elapsed: Duration) throws(Violation) {
    try checkLeases(at: request.now)
    for claim in batch.claims {
      try check(claim, at: request.now)
      claims[claim.token] = HeldClaim(claim: claim, leasedUntil: request.leasedUntil, givenAfter: elapsed)
    }
    try limits.claimed(request, batch, after: elapsed)
    for claim in batch.claims { try countTurns(claim, at: request.now) }
  }

  /// Whoever lives extends what it holds before it claims more: else what is being delivered would be delivered again.
  private func checkLeases(at now: Timestamp) throws(Violation) {
    let lost = claims.values.filter { $0.leasedUntil <= now }.min { $0.claim.token.value < $1.claim.token.value }
    guard let lost else { return }
    throw Violation(
      "\(lost.claim.id) is held by claim \(lost.claim.token.value), whose lease has run out at \(lost.leasedUntil)")
  }

  private func check(_ claim: Claim, at now: Timestamp) throws(Violation) {
    guard claims[claim.token] == nil else { throw Violation("\(claim.token) is given a second time") }
    guard let message = messages[claim.id] else { throw Violation("\(claim.id) is claimed, and not in the queue") }
    guard !claim.recipients.isEmpty else { throw Violation("\(claim.id) is claimed for nobody") }
    for recipient in claim.recipients {
      let status = message.status.recipients[recipient.index]
      let name = "\(claim.id) for \(status.path)"
      guard status.path == recipient.path else { throw Violation("\(name) is claimed as \(recipient.path)") }
      guard [.queued, .deferred].contains(status.state) else {
        throw Violation("\(name) is claimed, and \(status.state)")
      }
      guard let due = status.nextAttempt, due <= now else { throw Violation("\(name) is claimed before it is due") }
      if let punctuality, due >= punctuality.since, !punctuality.but.contains(claim.site) {
        // Where the disk is slow, each step of the few deliveries that come before may take half a minute.
        guard now - due <= .seconds(300) else { throw Violation("\(name) is claimed \(now - due) late") }
      }
      guard status.attempts == recipient.attempts else {
        throw Violation("\(name) is claimed with \(recipient.attempts) attempts")
      }
      guard site(status.path.destination) == claim.site else { throw Violation("\(name) is claimed for \(claim.site)") }
      for held in claims.values where held.claim.id == claim.id {
        guard !held.claim.recipients.contains(where: { $0.index == recipient.index }) else {
          throw Violation("\(name) is under two claims")
        }
      }
    }
  }
}

// MARK: - Attempts

extension Witness {
  mutating func attemptBegins(_ claim: Claim) throws(Violation) {
    guard let held = claims[claim.token] else { throw Violation("\(claim.id) is attempted without a claim") }
    guard !held.isAttempted, held.report == nil else { throw Violation("\(claim.id) is attempted twice by one claim") }
    guard claim.suspension == nil else { throw Violation("\(claim.id) is attempted although \(claim.site) is paused") }
    claims[claim.token]?.isAttempted = true
    attempts += 1
    try limits.attemptBegins(claim)
  }

  /// - Parameter hasTrouble: whether the world has lost anything of its connection.
  mutating func attemptEnds(
    _ claim: Claim, _ report: DeliveryReport, hasTrouble: Bool, after elapsed: Duration
  ) throws(Violation) {
    let lasted = elapsed - (claims[claim.token]?.givenAfter ?? .zero)
    claims[claim.token]?.isAttempted = false
    claims[claim.token]?.report = report
    limits.ends(claim.token, report.condition, after: elapsed)
    // Whoever does not know what became of a message makes another copy: there must be a reason.
    guard report.uncertain.isEmpty || hasTrouble || isStopping || lasted >= min(patience.reply, patience.attempt) else {
      throw Violation("nobody knows what became of \(claim.id), and nothing happened to its connection")
    }
  }

  mutating func settled(_ settlement: Settlement, after elapsed: Duration) throws(Violation) {
    limits.ends(settlement.token, .unknown, after: elapsed)
    guard let held = claims.removeValue(forKey: settlement.token), held.claim.id == settlement.id,
      var message = messages[settlement.id]
    else { throw Violation("\(settlement.id) is settled by somebody who does not hold it") }
    for change in settlement.changes {
      guard let place = held.claim.recipients.firstIndex(where: { $0.index == change.index }) else {
        throw Violation("\(settlement.id) is settled for a recipient that was not claimed")
      }
      try check(change, of: message.status, at: settlement.at, held, place)
      if change.state == .delivered { message.evidence[change.index].recorded += 1 }
    }
    try checkUnchanged(held, settlement)
    if let report = held.report {
      for place in report.uncertain {
        message.evidence[held.claim.recipients[place].index].uncertain += 1
      }
    }
    messages[settlement.id] = message
    for change in settlement.changes { write(change, of: settlement.id, at: settlement.at) }
  }

  /// What goes back as it was is neither delivered nor refused nor in doubt, and the process stops.
  private func checkUnchanged(_ held: HeldClaim, _ settlement: Settlement) throws(Violation) {
    let changed = Set(settlement.changes.map(\.index))
    for (place, recipient) in held.claim.recipients.enumerated() where !changed.contains(recipient.index) {
      var mayGoBack = isStopping
      if let report = held.report {
        if case .deferred = report.outcomes[place] {} else { mayGoBack = false }
        if report.uncertain.contains(place) { mayGoBack = false }
      }
      guard mayGoBack else {
        throw Violation("\(held.claim.id) for \(recipient.path) goes back as if it had not been tried")
      }
    }
  }

  private func check(
    _ change: Settlement.Change, of status: MessageStatus, at now: Timestamp, _ held: HeldClaim, _ place: Int
  ) throws(Violation) {
    let recipient = status.recipients[change.index]
    let name = "\(status.id) for \(recipient.path)"
    guard change.reply != nil else { throw Violation("\(name) is \(change.state) without a reason") }
    guard change.attempts == (held.claim.suspension == nil ? 1 : 0) else {
      throw Violation("\(name) is \(change.state), and counts \(change.attempts) attempts")
    }
    let end = status.acceptedAt + schedule.lifetime
    switch (held.report?.outcomes[place], change.state) {
    case (.delivered, .delivered), (.failed, .bounced): return
    case (.deferred, .expired), (nil, .expired):
      guard now >= end else { throw Violation("\(name) expires \(end - now) before its time") }
    case (.deferred, .deferred), (nil, .deferred):
      guard let next = change.nextAttempt else { throw Violation("\(name) is deferred for ever") }
      let delays = delays(after: recipient.attempts + change.attempts, change.reply)
      guard next <= end, next <= now + delays.upperBound, next >= min(end, now + delays.lowerBound) else {
        throw Violation("\(name) is deferred by \(next - now) and not by \(delays)")
      }
    case (let outcome, let state):
      throw Violation("\(name) is \(state), and its attempt said \(outcome.map { "\($0)" } ?? "nothing")")
    }
  }
}
