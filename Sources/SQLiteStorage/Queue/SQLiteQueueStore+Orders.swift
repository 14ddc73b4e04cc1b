public import DeliveryQueue
import Logging
import MailModel
import Synchronization

extension SQLiteQueueStore: QueueControl {
  /// Messages that an order changes in one transaction.
  private static let orderStep = 200

  /// Carries an order out, some messages to a commit. Others who write wait for no more than one such step.
  public func apply(_ order: QueueOrder, to selection: QueueSelection) async throws -> QueueOrderResult {
    await orderTurn.enter()
    defer { orderTurn.leave() }
    let selection = selection.concerned(by: order)
    let selected = Set(try await inspector.sequences(selection))
    guard !selected.isEmpty else { return QueueOrderResult() }
    let (taken, claimed) = ledger.withLock { $0.take(selected) }
    let result = try await carryOut(
      order, QueueSearch(selection), on: taken.sorted { $0.sequence < $1.sequence }, butNot: claimed)
    logger.notice(
      "An operator's order was carried out",
      metadata: [
        "action": "\(order.action.rawValue)", "operator": "\(order.operator)", "messages": "\(result.messages)",
        "recipients": "\(result.recipients)", "under-attempt": "\(result.underAttempt.count)",
      ])
    return result
  }

  /// Carries an order out on messages that were taken out of the ledger, and gives every one of them back.
  private func carryOut(
    _ order: QueueOrder, _ search: QueueSearch, on taken: [ClaimLedger.Entry], butNot claimed: [Int64]
  ) async throws -> QueueOrderResult {
    var rest = taken[...]
    defer { ledger.withLock { ledger in rest.forEach { ledger.putBack($0, parts: $0.parts) } } }
    var result = QueueOrderResult()
    result.underAttempt = try await inspector.ids(of: claimed)
    while !rest.isEmpty {
      try Task.checkCancellation()
      let step = rest.prefix(Self.orderStep)
      let effects = try await resources.writer.perform { database in
        try step.map { try QueueOrders.apply(order, to: search, of: $0.sequence, on: database) }
      }
      rest = rest.dropFirst(step.count)
      for (entry, effect) in zip(step, effects) { await conclude(entry, effect, &result) }
    }
    return result
  }

  private func conclude(_ entry: ClaimLedger.Entry, _ effect: QueueOrders.Effect, _ result: inout QueueOrderResult)
    async
  {
    forget(entry.sequence)
    switch effect {
    case .changed(let recipients, let settled):
      ledger.withLock { $0.putBack(entry, parts: settled.isFinished ? nil : settled.left) }
      removeBody(settled.spool, of: entry.sequence)
      result.messages += 1
      result.recipients += recipients
    case .none:
      ledger.withLock { $0.putBack(entry, parts: entry.parts) }
    case .damaged(let error):
      ledger.withLock { $0.putBack(entry, parts: entry.parts) }
      await log("An operator's order leaves a message alone that cannot be read", of: entry.sequence, error)
    }
  }
}
