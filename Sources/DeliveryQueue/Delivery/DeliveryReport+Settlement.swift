import MailModel

extension DeliveryReport {
  /// A deferral for every recipient of `claim`.
  static func deferral(of claim: Claim, because problem: String) -> DeliveryReport {
    let reply = DeliveryReply(problem: problem)
    return DeliveryReport(outcomes: claim.recipients.map { _ in .deferred(reply) })
  }

  /// What the outcomes make of the recipients of `claim`. Recipients without an outcome are deferred.
  ///
  /// - Parameters:
  ///   - now: when the attempt ended.
  ///   - chance: 0 to 1; one for the whole message, so that its recipients stay together.
  ///   - isCutOff: whether we cancelled the attempt ourselves in order to stop; then what is certainly neither delivered
  ///     nor refused goes back as if it had not been tried.
  func settlement(
    of claim: Claim, at now: Timestamp, schedule: RetrySchedule, chance: Double, isCutOff: Bool
  ) -> Settlement {
    let missing = DeliveryOutcome.deferred(DeliveryReply(problem: "The transport reported no outcome"))
    var changes: [Settlement.Change] = []
    for (place, recipient) in claim.recipients.enumerated() {
      switch place < outcomes.count ? outcomes[place] : missing {
      case .delivered(let reply):
        changes.append(Settlement.Change(index: recipient.index, state: .delivered, reply: reply))
      case .failed(let reply):
        changes.append(Settlement.Change(index: recipient.index, state: .bounced, reply: reply))
      case .deferred(let reply):
        guard !isCutOff || uncertain.contains(place) else { continue }
        let next = schedule.nextAttempt(
          after: recipient.attempts + 1, at: now, acceptedAt: claim.acceptedAt, chance: chance)
        changes.append(
          Settlement.Change(
            index: recipient.index, state: next == nil ? .expired : .deferred, nextAttempt: next, reply: reply))
      }
    }
    return Settlement(id: claim.id, token: claim.token, at: now, changes: changes)
  }
}
