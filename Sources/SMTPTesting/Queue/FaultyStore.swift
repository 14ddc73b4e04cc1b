public import DeliveryQueue
public import MailModel

/// A store that fails where a test wants it to, and counts what it is asked.
public final class FaultyStore<Base: QueueStore>: QueueStore {
  /// What a store is asked.
  @nonexhaustive public enum Operation: Hashable, Sendable, CaseIterable {
    /// ``QueueStore/makeBody(for:)``.
    case makeBody
    /// ``MessageBodyWriter/append(_:)``.
    case append
    /// ``MessageBodyWriter/finish()``.
    case finish
    /// ``QueueStore/enqueue(_:)``.
    case enqueue
    /// ``QueueStore/claim(_:)``.
    case claim
    /// ``QueueStore/extend(_:until:)``.
    case extend
    /// ``QueueStore/settle(_:)``.
    case settle
    /// ``QueueStore/content(of:)``.
    case content
    /// ``MessageContent/read(from:limit:)``.
    case read
  }

  private struct Fault: Sendable {
    var calls: Range<Int>
    var error: QueueError
    var isAfterwards: Bool
  }

  private struct State: Sendable {
    var calls: [Operation: Int] = [:]
    var ended: [Operation: Int] = [:]
    var faults: [Operation: [Fault]] = [:]
  }

  /// The store behind.
  public let base: Base
  private let state = Watched(State())

  /// A store that does what `base` does, until it is told to fail.
  public init(_ base: Base) { self.base = base }

  /// Makes calls to come fail.
  ///
  /// - Parameters:
  ///   - operation: which.
  ///   - skipped: how many of them succeed first; default none.
  ///   - count: how many then fail; default 1.
  ///   - error: what they throw.
  ///   - isAfterwards: whether the store behind does it all the same, so that only the answer is lost.
  public func fail(
    _ operation: Operation, after skipped: Int = 0, count: Int = 1,
    with error: QueueError = QueueError(.cannotWrite, "a fault was asked for"), afterwards isAfterwards: Bool = false
  ) {
    state.change { state in
      let first = state.calls[operation, default: 0] + skipped
      let calls = first..<(first + min(count, Int.max - first))
      state.faults[operation, default: []].append(Fault(calls: calls, error: error, isAfterwards: isAfterwards))
    }
  }

  /// Takes back every fault asked for.
  public func heal() { state.change { $0.faults = [:] } }

  /// How often the store was asked this.
  public func calls(of operation: Operation) -> Int { state.value.calls[operation, default: 0] }

  /// Returns when so many calls of `operation` have ended, well or not.
  public func ended(_ operation: Operation, _ count: Int) async {
    await state.until { $0.ended[operation, default: 0] >= count }
  }

  fileprivate func attempt<Result>(
    _ operation: Operation, _ body: () async throws -> Result
  ) async throws -> Result {
    let fault = state.change { state in
      let call = state.calls[operation, default: 0]
      state.calls[operation] = call + 1
      return state.faults[operation]?.first { $0.calls.contains(call) }
    }
    defer { state.change { $0.ended[operation, default: 0] += 1 } }
    if let fault, !fault.isAfterwards { throw fault.error }
    let result = try await body()
    if let fault { throw fault.error }
    return result
  }
}

extension FaultyStore {
  /// A body writer that fails where it is to.
  public func makeBody(for id: QueueID) async throws -> any MessageBodyWriter {
    try await attempt(.makeBody) { FaultyBodyWriter(store: self, base: try await base.makeBody(for: id)) }
  }

  /// Queues, or fails.
  public func enqueue(_ message: NewMessage) async throws {
    try await attempt(.enqueue) { try await base.enqueue(message) }
  }

  /// Claims, or fails.
  public func claim(_ request: ClaimRequest) async throws -> ClaimBatch {
    try await attempt(.claim) { try await base.claim(request) }
  }

  /// Extends, or fails.
  public func extend(_ tokens: [Claim.Token], until leasedUntil: Timestamp) async throws -> [Claim.Token] {
    try await attempt(.extend) { try await base.extend(tokens, until: leasedUntil) }
  }

  /// Settles, or fails.
  public func settle(_ settlement: Settlement) async throws {
    try await attempt(.settle) { try await base.settle(settlement) }
  }

  /// Content that fails where it is to.
  public func content(of id: QueueID) async throws -> any MessageContent {
    try await attempt(.content) { FaultyContent(store: self, base: try await base.content(of: id)) }
  }
}

extension FaultyStore: QueueInspection where Base: QueueInspection {
  /// As the store behind says.
  public func status(of id: QueueID) async throws -> MessageStatus? { try await base.status(of: id) }

  /// As the store behind says.
  public func messages(_ selection: QueueSelection, after id: QueueID?, limit: Int) async throws -> [MessageStatus] {
    try await base.messages(selection, after: id, limit: limit)
  }

  /// As the store behind says.
  public func counts(
    _ selection: QueueSelection, by grouping: QueueGrouping, limit: Int
  ) async throws -> [QueueCount] {
    try await base.counts(selection, by: grouping, limit: limit)
  }

  /// As the store behind says.
  public func recipientCounts() async throws -> [RecipientState: Int] { try await base.recipientCounts() }

  /// As the store behind says.
  public func summary() async throws -> QueueSummary { try await base.summary() }
}

private struct FaultyBodyWriter<Base: QueueStore>: MessageBodyWriter {
  let store: FaultyStore<Base>
  let base: any MessageBodyWriter

  func append(_ octets: [UInt8]) async throws { try await store.attempt(.append) { try await base.append(octets) } }
  func finish() async throws -> SpooledBody { try await store.attempt(.finish) { try await base.finish() } }
  func discard() { base.discard() }
}

private struct FaultyContent<Base: QueueStore>: MessageContent {
  let store: FaultyStore<Base>
  let base: any MessageContent

  var count: Int { base.count }
  func read(from offset: Int, limit: Int) async throws -> [UInt8] {
    try await store.attempt(.read) { try await base.read(from: offset, limit: limit) }
  }
}
