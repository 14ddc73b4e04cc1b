import DeliveryQueue
import Logging
import MailModel
import SMTPProtocol

/// What the intake says of one message: texts that never vary, and what varies as metadata.
struct IntakeLog {
  let logger: Logger
  let addresses: AddressDisplay
  let id: QueueID
  let tenant: String
  let client: SocketEndpoint
  let request: MessageRequest

  /// The promise was given.
  func queued(size: Int) { logger.info("Message queued", metadata: metadata(size)) }

  /// It was not, and the client was told why.
  func refused(_ reply: SMTPReply, size: Int) {
    logger.info(
      "Message refused", metadata: metadata(size).merging(["reply": "\(reply)"], uniquingKeysWith: { $1 }))
  }

  /// Why it was not.
  func failed(_ error: any Error) {
    logger.error(
      "Message could not be kept", metadata: ["queue-id": "\(id)", "error": addresses.logged(error)])
  }

  private func metadata(_ size: Int) -> Logger.Metadata {
    let envelope = request.envelope
    var metadata: Logger.Metadata = [
      "queue-id": "\(id)", "tenant": "\(tenant)", "client": "\(client)", "size": "\(size)",
      "sender": "\(addresses.shown(envelope.reversePath))", "recipient-count": "\(envelope.recipients.count)",
      "recipients": addresses.logged(envelope.recipients.lazy.map(\.path)),
    ]
    if let identity = request.identity { metadata["identity"] = "\(identity)" }
    return metadata
  }
}
