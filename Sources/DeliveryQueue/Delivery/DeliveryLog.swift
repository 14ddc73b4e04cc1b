import Logging
import MailModel
import Synchronization

/// What a delivery service says: texts that never vary, and what varies as metadata.
final class DeliveryLog: Sendable {
  /// Problems remembered, so that each is told once a minute. More at a time are not told.
  private static let problemLimit = 100
  private static let problemInterval = Duration.seconds(60)

  private let logger: Logger
  private let addresses: AddressDisplay
  private let problems = Mutex<[String: Timestamp]>([:])

  init(_ logger: Logger, addresses: AddressDisplay) { (self.logger, self.addresses) = (logger, addresses) }

  func claimFailed(_ error: any Error) {
    logger.error("The queue's store gives no messages; trying again", metadata: ["error": addresses.logged(error)])
  }

  func extendFailed(_ error: any Error, of id: QueueID) {
    logger.warning("A claim could not be extended; trying again", metadata: metadata(id, error))
  }

  func settleFailed(_ error: any Error, of id: QueueID) {
    logger.error(
      "The outcome of a delivery could not be recorded; no other is begun until it is", metadata: metadata(id, error))
  }

  func settlementImpossible(_ error: any Error, of id: QueueID) {
    logger.error(
      "The outcome of a delivery can never be recorded; the message is left alone until the service starts again",
      metadata: metadata(id, error))
  }

  func settlementGivenUp(of id: QueueID) {
    logger.error("The outcome of a delivery was not recorded; it may be repeated", metadata: metadata(id))
  }

  func claimLost(of id: QueueID) {
    logger.warning("A claim was lost; the outcome of its delivery is left to who holds it now", metadata: metadata(id))
  }

  func contentUnreadable(_ error: any Error, of id: QueueID) {
    logger.error("The content of a queued message cannot be read; it is deferred", metadata: metadata(id, error))
  }

  func outcomesMissing(of id: QueueID) {
    logger.error("The transport gave a wrong number of outcomes; what is missing is deferred", metadata: metadata(id))
  }

  func attemptOverdue(of id: QueueID) {
    logger.warning("A delivery took longer than it may and was cancelled", metadata: metadata(id))
  }

  /// Warns of a fault of a next host, of each once a minute.
  func hostProblem(_ problem: String, of id: QueueID, at now: Timestamp) {
    let isNew = problems.withLock { problems in
      if problems.count >= Self.problemLimit {
        problems = problems.filter { now - $0.value < Self.problemInterval && $0.value <= now }
      }
      if let last = problems[problem], last <= now, now - last < Self.problemInterval { return false }
      guard problems.count < Self.problemLimit || problems[problem] != nil else { return false }
      problems[problem] = now
      return true
    }
    guard isNew else { return }
    logger.warning(
      "The next host, or our way to it, is at fault",
      metadata: ["queue-id": "\(id)", "problem": "\(addresses.visible(problem))"])
  }

  /// Tells that a site is left alone from now on, or works again. The reason may be in the words of a next host.
  func changed(_ change: SiteChange) {
    let site: Logger.MetadataValue = "\(addresses.visible(change.site.description))"
    switch change.kind {
    case .paused(let end, let reason):
      logger.warning(
        "A site is left alone for a while",
        metadata: ["site": site, "until": "\(end)", "reason": "\(addresses.visible(reason))"])
    case .resumed: logger.notice("A site works again", metadata: ["site": site])
    }
  }

  private func metadata(_ id: QueueID, _ error: (any Error)? = nil) -> Logger.Metadata {
    var metadata: Logger.Metadata = ["queue-id": "\(id)"]
    if let error { metadata["error"] = addresses.logged(error) }
    return metadata
  }
}

// MARK: - Outcomes

extension DeliveryLog {
  /// What an attempt made of one recipient.
  private struct Outcome {
    var recipient: ClaimedRecipient
    var change: Settlement.Change
    var kind: FailureKind?
    var attempts: Int { recipient.attempts + change.attempts }

    /// Whether one line can tell of both.
    func isTold(with other: Outcome) -> Bool {
      change.state == other.change.state && change.reply == other.change.reply && attempts == other.attempts
        && change.nextAttempt == other.change.nextAttempt && kind == other.kind
    }
  }

  /// Tells what became of every recipient that was tried. Neighbours of whom the same is to be told share a line.
  func settled(_ result: AttemptResult, of claim: Claim) {
    guard logger.logLevel <= .warning else { return }
    var rest = outcomes(result, of: claim)[...]
    while let first = rest.first {
      let group = rest.prefix(AddressDisplay.recipientsPerLine).prefix { $0.isTold(with: first) }
      rest = rest.dropFirst(group.count)
      logger.log(
        level: first.change.state.logLevel, first.change.state.logMessage,
        metadata: metadata(group, first, result.settlement, claim))
    }
  }

  private func outcomes(_ result: AttemptResult, of claim: Claim) -> [Outcome] {
    let recipients = Dictionary(claim.recipients.map { ($0.index, $0) }, uniquingKeysWith: { first, _ in first })
    return result.settlement.changes.compactMap { change in
      recipients[change.index].map { Outcome(recipient: $0, change: change, kind: result.kinds[change.index]) }
    }
  }

  private func metadata(
    _ group: ArraySlice<Outcome>, _ first: Outcome, _ settlement: Settlement, _ claim: Claim
  ) -> Logger.Metadata {
    var metadata: Logger.Metadata = [
      "queue-id": "\(claim.id)", "size": "\(claim.size)", "sender": "\(addresses.shown(claim.reversePath))",
      "recipients": addresses.logged(group.lazy.map(\.recipient.path)), "attempts": "\(first.attempts)",
      "delay-ms": "\((settlement.at - claim.acceptedAt).wholeMilliseconds)",
    ]
    if let tenant = claim.tenant { metadata["tenant"] = "\(tenant)" }
    if let reply = first.change.reply { metadata["reply"] = addresses.logged(reply) }
    if let kind = first.kind { metadata["kind"] = "\(kind.rawValue)" }
    if let next = first.change.nextAttempt { metadata["next-attempt"] = "\(next)" }
    return metadata
  }
}

extension RecipientState {
  /// What operators look for.
  fileprivate var logMessage: Logger.Message {
    switch self {
    case .delivered: "Message sent"
    case .deferred: "Message deferred"
    case .bounced: "Message bounced"
    case .expired: "Message expired"
    case .suppressed: "Message suppressed"
    case .removed: "Message removed"
    case .queued, .held: "Message kept in the queue"
    }
  }

  /// What somebody should look at is a warning.
  fileprivate var logLevel: Logger.Level { self == .bounced || self == .expired ? .warning : .info }
}
