import Logging
import MailModel
import Synchronization

/// What a delivery service says, without addresses: texts that never vary, and what varies as metadata.
final class DeliveryLog: Sendable {
  /// Problems remembered, so that each is told once a minute. More at a time are not told.
  private static let problemLimit = 100
  private static let problemInterval = Duration.seconds(60)

  private let logger: Logger
  private let problems = Mutex<[String: Timestamp]>([:])

  init(_ logger: Logger) { self.logger = logger }

  func claimFailed(_ error: any Error) {
    logger.error("The queue's store gives no messages; trying again", metadata: ["error": "\(error)"])
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

  func settled(_ settlement: Settlement) {
    logger.info(
      "Delivery attempted",
      metadata: [
        "queue-id": "\(settlement.id)",
        "states": .array(settlement.changes.map { "\($0.state.rawValue)" }),
      ])
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
      metadata: ["queue-id": "\(id)", "problem": "\(problem)"])
  }

  private func metadata(_ id: QueueID, _ error: (any Error)? = nil) -> Logger.Metadata {
    var metadata: Logger.Metadata = ["queue-id": "\(id)"]
    if let error { metadata["error"] = "\(error)" }
    return metadata
  }
}
