import DeliveryQueue
import MailModel
import SMTPProtocol
import Synchronization

/// Puts messages into a queue, from which a delivery service takes them.
struct QueueDestination: MessageDestination {
  let queue: any QueueStore
  let delivery: DeliveryService
  let ids: QueueIDGenerator

  func makeSink(for message: MessageRequest) -> QueueSink { QueueSink(message.envelope, for: self) }
}

/// Gathers one message, in memory up to a limit and then in the queue's spool, and answers for it once the queue does.
final class QueueSink: MessageSink {
  private struct State {
    /// What is not in the spool.
    var octets: [UInt8] = []
    var spool: (any MessageBodyWriter)?
    var hasFailed = false
  }

  /// Octets of a message that are kept in memory.
  private static let memory = 256 << 10

  private let id: QueueID
  private let acceptedAt = SystemTime().now()
  private let envelope: Envelope
  private let destination: QueueDestination
  private let state = Mutex(State())

  init(_ envelope: Envelope, for destination: QueueDestination) {
    id = destination.ids.next(at: acceptedAt)
    (self.envelope, self.destination) = (envelope, destination)
  }

  func write(_ octets: Span<UInt8>) -> Bool {
    state.withLock { state in
      octets.withUnsafeBufferPointer { state.octets.append(contentsOf: $0) }
      return state.octets.count <= Self.memory
    }
  }

  func drained() async {
    do {
      _ = try await spool()
    } catch {
      state.withLock { $0.hasFailed = true }
    }
  }

  func finish() async -> SMTPReply {
    do {
      try await destination.queue.enqueue(
        NewMessage(
          id: id, tenant: nil, envelope: envelope, acceptedAt: acceptedAt, prefix: [], body: try await body()))
    } catch {
      abort()
      return (error as? QueueError)?.code == .insufficientStorage ? .queueIsFull : .cannotBeKept
    }
    destination.delivery.wake()
    return .queued(id)
  }

  func abort() { state.withLock { $0.spool }?.discard() }

  private func body() async throws -> MessageBody {
    guard !state.withLock({ $0.hasFailed }) else { throw QueueError(.cannotWrite, "the spool failed before") }
    if state.withLock({ $0.spool }) == nil { return .octets(state.withLock { $0.octets }) }
    return .spooled(try await spool().finish())
  }

  /// Moves what is in memory to the spool.
  private func spool() async throws -> any MessageBodyWriter {
    let known = state.withLock { $0.spool }
    let spool: any MessageBodyWriter
    if let known { spool = known } else { spool = try await destination.queue.makeBody(for: id) }
    let octets = state.withLock { state in
      state.spool = spool
      defer { state.octets = [] }
      return state.octets
    }
    try await spool.append(octets)
    return spool
  }
}

/// Delivers everything at once, to nowhere, so that the queue empties itself.
struct VanishingTransport: DeliveryTransport {
  let extensions: MailExtensions = [.eightBitMIME, .smtpUTF8]
  private let reply = DeliveryReply(code: 250, text: "250 2.0.0 Gone")

  func deliver(_ claim: Claim, content: any MessageContent) async -> DeliveryReport {
    DeliveryReport(outcomes: claim.recipients.map { _ in .delivered(reply) })
  }
}

extension SMTPReply {
  fileprivate static func queued(_ id: QueueID) -> SMTPReply {
    SMTPReply(250, EnhancedStatusCode("2.0.0"), "Ok: queued as \(id)")
  }
  fileprivate static let queueIsFull = SMTPReply(452, EnhancedStatusCode("4.3.1"), "The queue is full, try again later")
  fileprivate static let cannotBeKept = SMTPReply(451, EnhancedStatusCode("4.3.0"), "Cannot be kept, try again later")
}
