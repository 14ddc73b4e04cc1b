import DeliveryQueue
import MailModel

// What the customers saw: what they send, what they are told of it, and what the queue has of it.
extension Witness {
  mutating func sends(_ letter: Letter) { letters[letter.number] = SentLetter(letter: letter) }

  mutating func hears(_ answer: SimulatedCustomer.Answer, to number: Int) throws(Violation) {
    letters[number]?.answer = answer
    guard let sent = letters[number] else { throw Violation("an answer to letter \(number), which nobody sent") }
    if answer.isAccepted {
      guard let id = sent.id, id == answer.queueID else {
        let name = sent.id.map(String.init(describing:)) ?? "none"
        throw Violation("letter \(number) was accepted with \(answer), and the queue has it as \(name)")
      }
    } else if !answer.isUnknown {
      guard sent.id == nil || sent.mayBeKept else {
        throw Violation("letter \(number) was refused with \(answer), and is in the queue")
      }
    }
  }

  mutating func queued(_ message: NewMessage) throws(Violation) {
    guard let number = Letter.number(in: message.prefix), let sent = letters[number] else {
      throw Violation("\(message.id) is queued, and nobody sent it")
    }
    guard sent.id == nil else { throw Violation("letter \(number) is queued a second time, as \(message.id)") }
    if let answer = sent.answer, !answer.isAccepted, !answer.isUnknown, !sent.mayBeKept {
      throw Violation("letter \(number) is queued after it was refused with \(answer)")
    }
    let letter = sent.letter
    guard message.tenant == letter.tenant, message.envelope.reversePath == letter.envelope.reversePath,
      message.envelope.recipients.map(\.path) == letter.envelope.recipients.map(\.path)
    else { throw Violation("letter \(number) is queued with another envelope") }
    guard message.body.count == letter.content.count - letter.bodyStart else {
      throw Violation("letter \(number) is queued with a body of \(message.body.count) octets")
    }
    letters[number]?.id = message.id
    let recipients = letter.envelope.recipients.map { RecipientStatus(queued: $0.path, at: message.acceptedAt) }
    let status = MessageStatus(
      id: message.id, tenant: message.tenant, reversePath: message.envelope.reversePath,
      acceptedAt: message.acceptedAt, size: message.size, recipients: recipients)
    let evidence = recipients.map { _ in Evidence() }
    messages[message.id] = Message(letter: number, status: status, evidence: evidence)
  }
}
