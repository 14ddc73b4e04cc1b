public import MailModel
import Synchronization

/// A queue that lives and ends with its process: the reference implementation of the queue's seams, for tests and for
/// hosts that can lose what they accepted.
public final class InMemoryQueueStore: QueueStore, QueueInspection, QueueControl {
  let queue: Mutex<InMemoryQueue>

  /// An empty queue.
  ///
  /// - Parameters:
  ///   - limits: what it takes before it refuses; default 100,000 messages and 1 GiB.
  ///   - finishedMessages: of how many finished messages the status is remembered at least; an eighth more at most.
  ///     Default 10,000.
  public init(
    limits: QueueLimits = QueueLimits(messages: 100_000, octets: 1 << 30), finishedMessages: Int = 10_000
  ) {
    queue = Mutex(InMemoryQueue(limits: limits, finishedMessages: finishedMessages))
  }

  init(_ kept: InMemoryQueue) { queue = Mutex(kept) }

  /// A body that is gathered in memory, within the limit of octets.
  public func makeBody(for id: QueueID) async throws -> any MessageBodyWriter {
    InMemoryBodyWriter(store: self, name: queue.withLock { $0.openBody(for: id) })
  }

  /// Keeps a message in memory.
  public func enqueue(_ message: NewMessage) async throws {
    try queue.withLock { queue throws(QueueError) in try queue.enqueue(message) }
  }

  /// Claims what is due, tenants and sites in turn.
  public func claim(_ request: ClaimRequest) async throws -> ClaimBatch { queue.withLock { $0.claim(request) } }

  /// Holds claims longer.
  public func extend(_ tokens: [Claim.Token], until leasedUntil: Timestamp) async throws -> [Claim.Token] {
    queue.withLock { $0.ledger.extend(tokens, until: leasedUntil) }
  }

  /// Ends a claim.
  public func settle(_ settlement: Settlement) async throws {
    try queue.withLock { queue throws(QueueError) in try queue.settle(settlement) }
  }

  /// The content of a message that has recipients left.
  public func content(of id: QueueID) async throws -> any MessageContent {
    try queue.withLock { queue throws(QueueError) in try queue.content(of: id) }
  }

  /// What is known of a message.
  public func status(of id: QueueID) async throws -> MessageStatus? { queue.withLock { $0.status(of: id) } }

  /// Messages in the order of their queue IDs.
  public func messages(_ selection: QueueSelection, after id: QueueID?, limit: Int) async throws -> [MessageStatus] {
    queue.withLock { $0.messages(selection, after: id, limit: limit) }
  }

  /// Recipients by tenant or destination, the greatest groups first.
  public func counts(
    _ selection: QueueSelection, by grouping: QueueGrouping, limit: Int
  ) async throws -> [QueueCount] {
    queue.withLock { $0.counts(selection, by: grouping, limit: limit) }
  }

  /// How many recipients stand in each state.
  public func recipientCounts() async throws -> [RecipientState: Int] { queue.withLock { $0.recipientCounts() } }

  /// What is not final yet.
  public func summary() async throws -> QueueSummary { queue.withLock { $0.summary() } }

  /// Carries an order out, in one step.
  public func apply(_ order: QueueOrder, to selection: QueueSelection) async throws -> QueueOrderResult {
    queue.withLock { $0.apply(order, to: selection) }
  }
}

/// Gathers one body in the store's memory.
private struct InMemoryBodyWriter: MessageBodyWriter {
  let store: InMemoryQueueStore
  let name: String

  func append(_ octets: [UInt8]) async throws {
    try store.queue.withLock { queue throws(QueueError) in try queue.append(octets, to: name) }
  }

  func finish() async throws -> SpooledBody {
    try store.queue.withLock { queue throws(QueueError) in try queue.finishBody(name) }
  }

  func discard() { store.queue.withLock { $0.discardBody(name) } }
}
