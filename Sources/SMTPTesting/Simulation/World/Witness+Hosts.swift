import DeliveryQueue
import MailModel

// What the hosts of the world saw: copies, as many as the attempts allow.
extension Witness {
  /// A copy of a message at a remote host.
  struct Copy: Sendable {
    var host: String
    /// What the host serves.
    var domains: [DomainName]
    var reversePath: ReversePath
    var recipients: [ForwardPath]
    var content: [UInt8]
  }

  /// A remote host took a message.
  mutating func takes(_ copy: Copy) throws(Violation) {
    guard let number = Letter.number(in: copy.content), let sent = letters[number] else {
      throw Violation("\(copy.host) got a message that nobody sent")
    }
    guard let id = sent.id, var message = messages[id] else {
      throw Violation("\(copy.host) got letter \(number), which was never queued")
    }
    guard copy.reversePath == sent.letter.envelope.reversePath else {
      throw Violation("\(copy.host) got letter \(number) from \(copy.reversePath), who did not send it")
    }
    let content = sent.letter.content
    guard copy.content.count == message.status.size, copy.content.suffix(content.count).elementsEqual(content) else {
      throw Violation("\(copy.host) got letter \(number) with other octets than were sent")
    }
    for path in copy.recipients {
      guard let index = message.status.recipients.firstIndex(where: { $0.path == path }) else {
        throw Violation("\(copy.host) got letter \(number) for \(path), for whom it is not")
      }
      guard copy.domains.contains(where: { path.destination == .domain($0) }) else {
        throw Violation("\(copy.host) got letter \(number) for \(path), whose host is another")
      }
      message.evidence[index].copies += 1
    }
    messages[id] = message
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
