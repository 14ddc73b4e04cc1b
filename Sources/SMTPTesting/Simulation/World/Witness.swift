import DeliveryQueue
import MailModel

/// Something that must never be.
struct Violation: Error {
  var what: String

  init(_ what: String) { self.what = what }
}

/// Sees all that customers, queue, transport and remote hosts do, keeps books of its own, and objects to what must never be.
///
/// What became of a recipient it knows from the changes of the queue alone, so that a queue which forgets one is found out.
struct Witness: Sendable {
  struct SentLetter: Sendable {
    var letter: Letter
    var answer: SimulatedCustomer.Answer?
    /// Whether the store gave up with an unknown outcome while it took this letter.
    var mayBeKept = false
    var id: QueueID?
  }

  /// What speaks for and against a recipient's having got a copy.
  struct Evidence: Sendable {
    /// Attempts that said so, and were recorded.
    var recorded = 0
    /// Attempts that said so, and could not be recorded.
    var unrecorded = 0
    /// Attempts of which nobody knows: the reply was lost, or the process died.
    var uncertain = 0
    /// Copies at remote hosts.
    var copies = 0
  }

  struct Message: Sendable {
    var letter: Int
    var status: MessageStatus
    var evidence: [Evidence]
  }

  struct HeldClaim: Sendable {
    var claim: Claim
    var leasedUntil: Timestamp
    /// Whether an attempt is being made.
    var isAttempted = false
    var report: DeliveryReport?
  }

  let schedule: RetrySchedule
  let site: @Sendable (Mailbox.Host?) -> DeliverySite
  var letters: [Int: SentLetter] = [:]
  var messages: [QueueID: Message] = [:]
  var claims: [Claim.Token: HeldClaim] = [:]
  var limits: Limits
  /// Attempts that were begun.
  var attempts = 0
  /// From when on what is due is claimed at once, but for that at sites that do not work.
  var punctuality: (since: Timestamp, but: Set<DeliverySite>)?
  var turns: Turns?

  init(_ configuration: DeliveryConfiguration, site: @escaping @Sendable (Mailbox.Host?) -> DeliverySite) {
    (schedule, limits, self.site) = (configuration.schedule, Limits(configuration), site)
  }
}

// MARK: - Customers

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
}

// MARK: - The queue

extension Witness {
  /// - Parameter elapsed: since the beginning, by the clock that never steps.
  mutating func sees(_ event: SimulatedStore.Event, after elapsed: Duration) throws(Violation) {
    switch event {
    case .queued(let message): try queued(message)
    case .claimed(let request, let batch): try claimed(request, batch, after: elapsed)
    case .extended(let tokens, let until): for token in tokens { claims[token]?.leasedUntil = until }
    case .settled(let settlement): try settled(settlement, after: elapsed)
    case .ordered(let order, let selection, let result): try ordered(order, selection, result)
    case .died: processEnded()
    case .failed(let operation, let error):
      // Nobody can tell the customer what became of it.
      guard operation == .enqueue, error.code == .unknownOutcome else { return }
      for number in letters.keys where letters[number]?.answer == nil { letters[number]?.mayBeKept = true }
    }
  }

  private mutating func queued(_ message: NewMessage) throws(Violation) {
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

  private mutating func ordered(
    _ order: QueueOrder, _ selection: QueueSelection, _ result: QueueOrderResult
  ) throws(Violation) {
    let concerned = selection.concerned(by: order)
    let claimed = Set(claims.values.map(\.claim.id))
    let selected = messages.values.filter { concerned.contains($0.status) }.map(\.status.id).sorted()
    guard result.underAttempt == selected.filter(claimed.contains) else {
      throw Violation("an order to \(order.action) left alone \(result.underAttempt)")
    }
    var changed = 0
    for id in selected where !claimed.contains(id) {
      guard var message = messages[id] else { continue }
      for index in message.status.recipients.indices where concerned.contains(message.status.recipients[index]) {
        if message.status.recipients[index].apply(order) { changed += 1 }
      }
      messages[id] = message
    }
    guard changed == result.recipients else {
      throw Violation("an order to \(order.action) changed \(result.recipients) recipients instead of \(changed)")
    }
  }

  /// The process died, or was stopped: nobody holds a claim any more, and what was being attempted may have arrived.
  private mutating func processEnded() {
    for token in claims.keys { leave(token) }
    claims = [:]
    limits.processEnded()
  }

  /// Nobody will record what comes of this claim.
  private mutating func leave(_ token: Claim.Token) {
    guard let held = claims.removeValue(forKey: token), held.isAttempted || held.report != nil else { return }
    for (place, recipient) in held.claim.recipients.enumerated() {
      messages[held.claim.id]?.count(
        held.report?.outcomes[place], recipient.index, isUncertain: held.report?.uncertain.contains(place) ?? true)
    }
  }

  /// From now on nothing is late, but at these sites.
  mutating func expectPunctuality(from now: Timestamp, but sites: Set<DeliverySite>) { punctuality = (now, sites) }
}

extension Witness.Message {
  /// What an attempt that is not recorded says of a recipient.
  fileprivate mutating func count(_ outcome: DeliveryOutcome?, _ index: Int, isUncertain: Bool) {
    if case .delivered = outcome {
      evidence[index].unrecorded += 1
    } else if isUncertain {
      evidence[index].uncertain += 1
    }
  }
}
