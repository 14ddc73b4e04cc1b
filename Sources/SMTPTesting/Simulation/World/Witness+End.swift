import DeliveryQueue
import MailModel

// What must hold of every message: its state in the queue, and its copies at the hosts.
extension Witness {
  /// A copy of a message at a remote host.
  struct Copy: Sendable {
    var host: String
    var recipients: [ForwardPath]
    var content: [UInt8]
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

  /// A remote host took a message.
  mutating func takes(_ copy: Copy) throws(Violation) {
    guard let number = Letter.number(in: copy.content), let sent = letters[number] else {
      throw Violation("\(copy.host) got a message that nobody sent")
    }
    guard let id = sent.id, var message = messages[id] else {
      throw Violation("\(copy.host) got letter \(number), which was never queued")
    }
    let content = sent.letter.content
    guard copy.content.count == message.status.size, copy.content.suffix(content.count).elementsEqual(content) else {
      throw Violation("\(copy.host) got letter \(number) with other octets than were sent")
    }
    for path in copy.recipients {
      guard let index = message.status.recipients.firstIndex(where: { $0.path == path }) else {
        throw Violation("\(copy.host) got letter \(number) for \(path), for whom it is not")
      }
      message.evidence[index].copies += 1
    }
    messages[id] = message
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

  /// At the end of all: each letter has an answer, each recipient of what was accepted is in one final state, and the copies are as many as its
  /// attempts allow.
  func checkEnds() throws(Violation) {
    for number in letters.keys.sorted() {
      guard let answer = letters[number]?.answer else { throw Violation("letter \(number) never had an answer") }
      guard let id = answer.queueID, messages[id] == nil else { continue }
      throw Violation("letter \(number) was accepted as \(id), and is lost")
    }
    for id in messages.keys.sorted() {
      guard let message = messages[id] else { continue }
      for (recipient, evidence) in zip(message.status.recipients, message.evidence) {
        let name = "\(id), letter \(message.letter), for \(recipient.path)"
        guard recipient.state.isFinal else { throw Violation("\(name) is \(recipient.state) at the end") }
        try Self.check(evidence, of: recipient.state, name)
      }
    }
  }

  private static func check(_ evidence: Evidence, of state: RecipientState, _ name: String) throws(Violation) {
    guard evidence.recorded == (state == .delivered ? 1 : 0) else {
      throw Violation("\(name) is \(state), and was delivered \(evidence.recorded) times")
    }
    let least = evidence.recorded + evidence.unrecorded
    guard (least...least + evidence.uncertain).contains(evidence.copies) else {
      throw Violation(
        "\(name) is \(state) and has \(evidence.copies) copies, with \(least) deliveries and \(evidence.uncertain) unknown"
      )
    }
  }
}
