import MailModel

/// What is made of an attempt.
struct AttemptResult: Sendable {
  /// What is recorded.
  var settlement: Settlement
  /// What those recipients failed for that are deferred or expired, by their places in the envelope.
  var kinds: [Int: FailureKind] = [:]
}

extension DeliveryReport {
  /// A deferral for every recipient of `claim`.
  static func deferral(of claim: Claim, because problem: String, condition: SiteCondition) -> DeliveryReport {
    let reply = DeliveryReply(problem: problem)
    return DeliveryReport(outcomes: claim.recipients.map { _ in .deferred(reply) }, condition: condition)
  }

  /// What the outcomes make of the recipients of `claim`. Recipients without an outcome are deferred. Where nothing was
  /// attempted, for a site that is paused, no attempt is counted.
  ///
  /// - Parameters:
  ///   - now: when the attempt ended.
  ///   - chance: 0 to 1; one for the whole message, so that its recipients stay together.
  ///   - isCutOff: whether we cancelled the attempt ourselves in order to stop; then what is certainly neither delivered
  ///     nor refused goes back as if it had not been tried.
  func result(
    of claim: Claim, at now: Timestamp, schedule: RetrySchedule, chance: Double, isCutOff: Bool
  ) -> AttemptResult {
    let missing = DeliveryOutcome.deferred(DeliveryReply(problem: "The transport reported no outcome"))
    let attempts = claim.suspension == nil ? 1 : 0
    var result = AttemptResult(settlement: Settlement(id: claim.id, token: claim.token, at: now, changes: []))
    for (place, recipient) in claim.recipients.enumerated() {
      var change = Settlement.Change(index: recipient.index, state: .delivered, reply: nil, attempts: attempts)
      switch place < outcomes.count ? outcomes[place] : missing {
      case .delivered(let reply): change.reply = reply
      case .failed(let reply): (change.state, change.reply) = (.bounced, reply)
      case .deferred(let reply):
        guard !isCutOff || uncertain.contains(place) else { continue }
        let kind = FailureKind(reply, at: condition)
        change.nextAttempt = schedule.nextAttempt(
          after: recipient.attempts + attempts, failing: kind, at: now, acceptedAt: claim.acceptedAt, chance: chance)
        (change.state, change.reply) = (change.nextAttempt == nil ? .expired : .deferred, reply)
        result.kinds[recipient.index] = kind
      }
      result.settlement.changes.append(change)
    }
    return result
  }
}
