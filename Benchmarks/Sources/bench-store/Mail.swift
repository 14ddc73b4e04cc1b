import DeliveryQueue
import MailModel
import Synchronization

/// Makes messages of one size, for one recipient each.
final class Mail: Sendable {
  /// Names that cost nothing: a server's own take a system call for what is random in them.
  private let lastSequence: Atomic<Int64>
  private let envelope: Envelope
  private let prefix = Array("Received: from bench by bench; Sun, 22 Nov 2026 12:00:00 +0000\r\n".utf8)
  private let body: [UInt8]

  init(size: Int, after lastSequence: Int64) {
    self.lastSequence = Atomic(lastSequence)
    let recipients = [ForwardPath("recipient@destination.example")].compactMap { $0 }
    envelope = Envelope(reversePath: ReversePath("sender@bench.example") ?? .null, recipients: recipients)
    body = [UInt8](repeating: 65, count: size)
  }

  /// A message, due from `instant` on.
  func message(at instant: Timestamp) throws -> NewMessage {
    let sequence = lastSequence.add(1, ordering: .relaxed).newValue
    guard let id = QueueID(sequence: sequence, secret: UInt64(bitPattern: sequence) &* 0x9E37_79B9_7F4A_7C15) else {
      throw QueueError(.invalidMessage, "no names are left")
    }
    // A body of its own, as a server has.
    let body = [UInt8](unsafeUninitializedCapacity: body.count) { buffer, count in
      count = buffer.initialize(fromContentsOf: self.body)
    }
    return NewMessage(
      id: id, tenant: "bench", envelope: envelope, acceptedAt: instant, prefix: prefix,
      body: .octets(body))
  }
}
