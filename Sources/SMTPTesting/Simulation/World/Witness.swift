import DeliveryQueue
import MailModel
import SMTPProtocol

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
    let givenAfter: Duration
    /// Whether an attempt is being made.
    var isAttempted = false
    var report: DeliveryReport?
  }

  let schedule: RetrySchedule
  /// How long an attempt waits for the reply to the end of the content, and how long it may last.
  let patience: (reply: Duration, attempt: Duration)
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
  var isStopping = false

  /// - Parameter replyTimeout: how long an attempt waits for the reply to the end of the content.
  init(
    _ configuration: DeliveryConfiguration, replyTimeout: Duration = ClientLimits().endOfContentTimeout,
    site: @escaping @Sendable (Mailbox.Host?) -> DeliverySite
  ) {
    patience = (replyTimeout, configuration.attemptLimit)
    (schedule, limits, self.site) = (configuration.schedule, Limits(configuration), site)
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
    case .stopped(let inTime):
      if inTime { try checkNothingHeld() }
      processEnded()
    case .failed(_, let error, let message):
      // Nobody can tell the customer what became of it.
      guard let message, error.code == .unknownOutcome, let number = Letter.number(in: message.prefix) else { return }
      letters[number]?.mayBeKept = true
    }
  }

  /// From now on the process begins nothing new, and what it began may be cut off.
  mutating func stops() { isStopping = true }

  /// A process that has stopped before its deadline has recorded all that it knew, and given back the rest.
  private func checkNothingHeld() throws(Violation) {
    guard let left = claims.values.min(by: { $0.claim.token.value < $1.claim.token.value }) else { return }
    throw Violation("\(left.claim.id) is left under claim \(left.claim.token.value) by a process that had time")
  }

  /// The process died, or was stopped: nobody holds a claim any more, and what was being attempted may have arrived.
  private mutating func processEnded() {
    for token in claims.keys { leave(token) }
    claims = [:]
    limits.processEnded()
    isStopping = false
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
