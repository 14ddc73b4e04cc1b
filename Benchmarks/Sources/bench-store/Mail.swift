import DeliveryQueue
import MailModel

/// Makes messages of one size, for one recipient each.
struct Mail: Sendable {
  private let ids: QueueIDGenerator
  private let envelope: Envelope
  private let prefix = Array("Received: from bench by bench; Sun, 22 Nov 2026 12:00:00 +0000\r\n".utf8)
  private let body: [UInt8]

  init(size: Int, ids: QueueIDGenerator) {
    self.ids = ids
    let recipients = [ForwardPath("recipient@destination.example")].compactMap { $0 }
    envelope = Envelope(reversePath: ReversePath("sender@bench.example") ?? .null, recipients: recipients)
    body = [UInt8](repeating: 65, count: size)
  }

  /// A message, due from `instant` on.
  func message(at instant: Timestamp) -> NewMessage {
    // A body of its own, as a server has.
    let body = [UInt8](unsafeUninitializedCapacity: body.count) { buffer, count in
      count = buffer.initialize(fromContentsOf: self.body)
    }
    return NewMessage(
      id: ids.next(at: SystemTime().now()), tenant: "bench", envelope: envelope, acceptedAt: instant, prefix: prefix,
      body: .octets(body))
  }
}
