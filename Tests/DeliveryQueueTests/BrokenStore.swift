import DeliveryQueue
import MailModel
import Synchronization

/// A store that breaks one promise, to see that the conformance finds out.
final class BrokenStore: QueueStore, QueueInspection, QueueControl {
  enum Flaw: String, CaseIterable {
    case settlesTwice, listsEverything, listsOneMessageTwice, sortsGroupsByName, countsNoPostmaster
    case summaryForgetsHeld, summaryCountsHistory
    case ordersDoNothing, ordersOverlookHeld, ordersForgetNames, ordersIgnoreDestinations, ordersReachAHundred
    case orderedContentStays, claimsReleaseHeld, releasesLate, namesNoClaims, removesLater, forgetsOrdersAtReopening
  }

  private struct State: Sendable {
    var contents: [QueueID: any MessageContent] = [:]
    var removals: [(QueueOrder, QueueSelection)] = []
  }

  let flaw: Flaw
  private let base: InMemoryQueueStore
  private let state = Mutex(State())

  init(_ flaw: Flaw, over base: InMemoryQueueStore = InMemoryQueueStore()) { (self.flaw, self.base) = (flaw, base) }

  /// Opens it again: the base lives in memory, and nothing ends.
  func reopened() async throws -> BrokenStore {
    if flaw == .forgetsOrdersAtReopening {
      let order = QueueOrder(.release, by: "nobody", because: "none", at: SystemTime().now())
      _ = try await base.apply(order, to: .everything)
    }
    return BrokenStore(flaw, over: base)
  }
}

// MARK: - Messages

extension BrokenStore {
  func makeBody(for id: QueueID) async throws -> any MessageBodyWriter { try await base.makeBody(for: id) }

  func enqueue(_ message: NewMessage) async throws {
    try await base.enqueue(message)
    let content = try await base.content(of: message.id)
    state.withLock { $0.contents[message.id] = content }
  }

  func claim(_ request: ClaimRequest) async throws -> ClaimBatch {
    if flaw == .claimsReleaseHeld {
      let order = QueueOrder(.release, by: "nobody", because: "none", at: request.now)
      _ = try await base.apply(order, to: .everything)
    }
    let batch = try await base.claim(request)
    for (order, selection) in state.withLock({ $0.removals }) { _ = try await base.apply(order, to: selection) }
    return batch
  }

  func extend(_ tokens: [Claim.Token], until leasedUntil: Timestamp) async throws -> [Claim.Token] {
    try await base.extend(tokens, until: leasedUntil)
  }

  func settle(_ settlement: Settlement) async throws {
    do {
      try await base.settle(settlement)
    } catch let error as QueueError where error.code == .claimLost && flaw == .settlesTwice {}
  }

  func content(of id: QueueID) async throws -> any MessageContent {
    if flaw == .orderedContentStays, let content = state.withLock({ $0.contents[id] }) { return content }
    return try await base.content(of: id)
  }
}

// MARK: - Inspection

extension BrokenStore {
  func status(of id: QueueID) async throws -> MessageStatus? { try await base.status(of: id) }

  func messages(_ selection: QueueSelection, after id: QueueID?, limit: Int) async throws -> [MessageStatus] {
    let selection = flaw == .listsEverything ? .everything : selection
    let messages = try await base.messages(selection, after: id, limit: limit)
    guard flaw == .listsOneMessageTwice, let id, let last = try await base.status(of: id) else { return messages }
    return Array(([last] + messages).prefix(limit))
  }

  func counts(_ selection: QueueSelection, by grouping: QueueGrouping, limit: Int) async throws -> [QueueCount] {
    let counts = try await base.counts(selection, by: grouping, limit: limit)
    return switch flaw {
    case .sortsGroupsByName: counts.sorted { ($0.name ?? "") < ($1.name ?? "") }
    case .countsNoPostmaster: counts.filter { grouping == .tenant || $0.name != nil }
    default: counts
    }
  }

  func recipientCounts() async throws -> [RecipientState: Int] { try await base.recipientCounts() }

  func summary() async throws -> QueueSummary {
    var summary = try await base.summary()
    if flaw == .summaryForgetsHeld { summary.recipients[.held] = nil }
    if flaw == .summaryCountsHistory { summary.messages = try await base.messages(after: nil, limit: .max).count }
    return summary
  }
}

// MARK: - Orders

extension BrokenStore {
  func apply(_ order: QueueOrder, to selection: QueueSelection) async throws -> QueueOrderResult {
    var (order, selection) = (order, selection)
    switch flaw {
    case .ordersDoNothing: return QueueOrderResult()
    case .ordersOverlookHeld where order.action == .remove: selection.states = [.queued, .deferred]
    case .ordersForgetNames: order = QueueOrder(order.action, by: "", because: order.reason, at: order.at)
    case .ordersIgnoreDestinations: selection.destination = nil
    case .ordersReachAHundred:
      selection.ids = Set(try await base.messages(selection, after: nil, limit: 100).map(\.id))
    case .releasesLate where order.action == .release:
      order = QueueOrder(.release, by: order.operator, because: order.reason, at: order.at + .seconds(3600))
    case .removesLater where order.action == .remove:
      return state.withLock { state in
        state.removals.append((order, selection))
        return QueueOrderResult()
      }
    default: break
    }
    var result = try await base.apply(order, to: selection)
    if flaw == .namesNoClaims { result.underAttempt = [] }
    return result
  }
}
