import DeliveryQueue
import MailModel

// What the queue ought to have, written down by the witness itself.
extension Witness {
  /// A settlement's change of a recipient that was not final before.
  mutating func write(_ change: Settlement.Change, of id: QueueID, at instant: Timestamp) {
    guard var recipient = messages[id]?.status.recipients[change.index] else { return }
    recipient.state = change.state
    recipient.attempts += change.attempts
    recipient.reply = change.reply
    if change.attempts > 0 { recipient.lastAttempt = instant }
    recipient.nextAttempt = change.state == .deferred ? change.nextAttempt : nil
    messages[id]?.status.recipients[change.index] = recipient
  }

  /// An order: to all that it means and concerns, but for messages of which anything is claimed.
  mutating func ordered(
    _ order: QueueOrder, _ selection: QueueSelection, _ result: QueueOrderResult
  ) throws(Violation) {
    let claimed = Set(claims.values.map(\.claim.id))
    var (leftAlone, expected) = ([QueueID](), (messages: 0, recipients: 0))
    for id in messages.keys.sorted() {
      guard let status = messages[id]?.status else { continue }
      let obeying = status.recipients.map { recipient in
        Self.means(selection, recipient, of: status) ? Self.obeying(order, recipient) : nil
      }
      let count = obeying.count { $0 != nil }
      guard count > 0 else { continue }
      guard !claimed.contains(id) else {
        leftAlone.append(id)
        continue
      }
      expected = (expected.messages + 1, expected.recipients + count)
      messages[id]?.status.recipients = zip(status.recipients, obeying).map { $1 ?? $0 }
    }
    guard result.underAttempt == leftAlone else {
      throw Violation("an order to \(order.action) left alone \(result.underAttempt), and not \(leftAlone)")
    }
    guard (result.messages, result.recipients) == expected else {
      throw Violation("an order to \(order.action) changed \(result) instead of \(expected)")
    }
  }

  private static func means(_ selection: QueueSelection, _ recipient: RecipientStatus, of message: MessageStatus)
    -> Bool
  {
    if let ids = selection.ids, !ids.contains(message.id) { return false }
    if let tenant = selection.tenant, tenant != message.tenant { return false }
    if let states = selection.states, !states.contains(recipient.state) { return false }
    guard let destination = selection.destination else { return true }
    if case .mailbox(let mailbox) = recipient.path { return mailbox.host == destination }
    return false
  }

  /// What an order makes of a recipient; `nil` where it does not concern it.
  private static func obeying(_ order: QueueOrder, _ recipient: RecipientStatus) -> RecipientStatus? {
    var obeying = recipient
    switch (order.action, recipient.state) {
    case (.hold, .queued), (.hold, .deferred): (obeying.state, obeying.nextAttempt) = (.held, nil)
    case (.release, .held):
      (obeying.state, obeying.nextAttempt) = (recipient.attempts > 0 ? .deferred : .queued, order.at)
    case (.retry, .queued), (.retry, .deferred): obeying.nextAttempt = order.at
    case (.bounce, .queued), (.bounce, .deferred), (.bounce, .held):
      (obeying.state, obeying.nextAttempt) = (.bounced, nil)
      obeying.reply = DeliveryReply(problem: order.reason)
    case (.remove, .queued), (.remove, .deferred), (.remove, .held):
      (obeying.state, obeying.nextAttempt) = (.removed, nil)
    default: return nil
    }
    obeying.order = order
    return obeying
  }

  /// The queue has what it was seen to take, as it was seen to change it: after each opening, and at the end.
  func compare(_ kept: [MessageStatus]) throws(Violation) {
    let kept = Dictionary(uniqueKeysWithValues: kept.map { ($0.id, $0) })
    for id in messages.keys.sorted() {
      guard let message = messages[id] else { continue }
      guard let status = kept[id] else {
        throw Violation("\(id), letter \(message.letter), is not in the queue any more")
      }
      guard status == message.status else {
        throw Violation("\(id), letter \(message.letter), is \(status) and not \(message.status)")
      }
    }
    guard kept.count == messages.count else { throw Violation("\(kept.count) messages instead of \(messages.count)") }
  }

  /// Recipients of which `concerns` says so are in a final state.
  func checkAllFinal(_ concerns: (RecipientStatus) -> Bool) throws(Violation) {
    for id in messages.keys.sorted() {
      for recipient in messages[id]?.status.recipients ?? [] where concerns(recipient) && !recipient.state.isFinal {
        throw Violation("\(id) for \(recipient.path), whose host works, is \(recipient.state) still: \(recipient)")
      }
    }
  }

  /// A letter to a host that works, which was sent so long ago in calm weather, is accepted and there.
  func checkArrived(_ number: Int, within bound: Duration) throws(Violation) {
    let name = "letter \(number), to a host that works,"
    guard let answer = letters[number]?.answer else { throw Violation("\(name) has no answer within \(bound)") }
    guard let id = answer.queueID else { throw Violation("\(name) is not accepted in calm weather: \(answer)") }
    guard messages[id]?.status.recipients.first?.state == .delivered else {
      throw Violation("\(name) has not arrived within \(bound)")
    }
  }

  /// Recipients of a tenant that have their message.
  func arrived(from tenant: String) -> Int {
    messages.values.lazy.filter { $0.status.tenant == tenant }
      .reduce(0) { $0 + $1.status.recipients.count { $0.state == .delivered } }
  }
}
