import DeliveryQueue
import MailModel

/// Delivers everything at once, to nowhere, so that the queue empties itself.
struct VanishingTransport: DeliveryTransport {
  let extensions: MailExtensions = [.eightBitMIME, .smtpUTF8]
  private let reply = DeliveryReply(code: 250, text: "250 2.0.0 Gone")

  func site(of destination: Mailbox.Host?) -> DeliverySite { DeliverySite("nowhere") }

  func deliver(_ claim: Claim, content: any MessageContent) async -> DeliveryReport {
    DeliveryReport(outcomes: claim.recipients.map { _ in .delivered(reply) })
  }
}
