public import DeliveryQueue
public import MailModel

/// A store that fails where a test wants it to, dies where a test wants it to, and counts what it is asked.
///
/// A process that dies asks its store nothing more. So death is an operation from which on no ``Operation`` reaches the
/// store behind any more and every answer is an error; what the process had kept in memory goes when the test ends it.
/// To look at a queue is no such operation: what ``QueueInspection`` has always reaches the store behind, never fails by
/// order and is not counted, so that a test can look at what a dead process left. A test sweeps a whole run like this:
///
/// ```swift
/// for operation in 0... {
///   let store = FaultyStore(base)
///   store.die(after: operation)
///   // Run over `store` until the run is through, or `store.died()`; end what ran; run again over what `base` kept.
///   guard store.isDead else { break }  // the run needs no more operations
/// }
/// ```
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
    /// ``QueueControl/apply(_:to:)``.
    case apply
  }

  /// The store behind.
  public let base: Base
  private let state = Watched(FaultPlan<Operation>())

  /// A store that does what `base` does, until it is told to fail.
  public init(_ base: Base) { self.base = base }

  /// Makes calls to come fail.
  ///
  /// - Parameters:
  ///   - operation: which; `nil`, the default, counts those of every kind.
  ///   - skipped: how many of them succeed first; default none.
  ///   - count: how many then fail; default 1.
  ///   - error: what they throw.
  ///   - isAfterwards: whether the store behind does it all the same, so that only the answer is lost.
  public func fail(
    _ operation: Operation? = nil, after skipped: Int = 0, count: Int = 1,
    with error: QueueError = QueueError(.cannotWrite, "a fault was asked for"), afterwards isAfterwards: Bool = false
  ) {
    state.change { plan in
      let first = plan.calls(of: operation) + skipped
      let calls = first..<(first + min(count, Int.max - first))
      plan.faults.append(.init(operation: operation, calls: calls, error: error, isAfterwards: isAfterwards))
    }
  }

  /// Takes back every fault asked for.
  public func heal() { state.change { $0.faults = [] } }

  /// How often the store was asked this; `nil` for anything.
  public func calls(of operation: Operation? = nil) -> Int { state.value.calls(of: operation) }

  /// Returns when so many calls of `operation` have ended, well or not.
  public func ended(_ operation: Operation, _ count: Int) async {
    await state.until { $0.ended[operation, default: 0] >= count }
  }

  fileprivate func attempt<Result>(
    _ operation: Operation, _ body: () async throws -> Result
  ) async throws -> Result {
    let fate = state.change { $0.begin(operation) }
    defer { state.change { $0.end(operation, fate) } }
    if let error = fate.error, !fate.isAfterwards { throw error }
    let result = try await body()
    if let error = fate.error ?? state.value.deathOfOthers { throw error }
    return result
  }

  fileprivate func unlessDead(_ body: () -> Void) { if state.value.life == .alive { body() } }
}

// MARK: - Death

extension FaultyStore {
  /// Has the process die at an operation to come, of whatever kind: that one and all later ones throw. What is under way
  /// then ends in the store behind, and its answer is lost too. Instead of an earlier order of the kind.
  ///
  /// - Parameters:
  ///   - skipped: how many operations succeed first; default none.
  ///   - isAfterwards: whether the store behind still does the one at which the process dies, so that only its answer is
  ///     lost; default `false`.
  public func die(after skipped: Int = 0, afterwards isAfterwards: Bool = false) {
    state.change { $0.death = .init(call: $0.calls(of: nil) + skipped, isAfterwards: isAfterwards) }
  }

  /// Whether the process died, and the operation at which it did so has ended.
  public var isDead: Bool { state.value.life == .dead }

  /// Returns when ``isDead``, or when the task is cancelled.
  public func died() async { await state.until { $0.life == .dead } }

  /// Takes death back, whether it came already or not: the store works on over the same store behind, for a process
  /// started anew. Whatever used the store before must have ended.
  public func revive() {
    state.change { plan in
      plan.death = nil
      plan.life = .alive
    }
  }
}

// MARK: - The seams

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

extension FaultyStore: QueueControl where Base: QueueControl {
  /// Does what the order says, or fails.
  public func apply(_ order: QueueOrder, to selection: QueueSelection) async throws -> QueueOrderResult {
    try await attempt(.apply) { try await base.apply(order, to: selection) }
  }
}

private struct FaultyBodyWriter<Base: QueueStore>: MessageBodyWriter {
  let store: FaultyStore<Base>
  let base: any MessageBodyWriter

  func append(_ octets: [UInt8]) async throws { try await store.attempt(.append) { try await base.append(octets) } }
  func finish() async throws -> SpooledBody { try await store.attempt(.finish) { try await base.finish() } }
  /// The dead do not tidy up.
  func discard() { store.unlessDead { base.discard() } }
}

private struct FaultyContent<Base: QueueStore>: MessageContent {
  let store: FaultyStore<Base>
  let base: any MessageContent

  var count: Int { base.count }
  func read(from offset: Int, limit: Int) async throws -> [UInt8] {
    try await store.attempt(.read) { try await base.read(from: offset, limit: limit) }
  }
}
