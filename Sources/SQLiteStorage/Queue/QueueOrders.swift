import DeliveryQueue
import GRDB
import MailModel

/// What an operator's order does to the queue's tables, within a transaction of the ``Writer``.
enum QueueOrders {
  /// What became of one message.
  enum Effect: Sendable {
    /// So many of its recipients were changed.
    case changed(recipients: Int, QueueWriting.Settled)
    /// No recipient was in a state that the order concerns, any more.
    case none
    /// It cannot be understood, and was left alone.
    case damaged(QueueError)
  }

  /// Carries an order out on the recipients of one message that a search selects; all of them or none.
  static func apply(
    _ order: QueueOrder, to search: QueueSearch, of sequence: Int64, on database: Database
  ) throws -> Effect {
    let read = try QueueReading.understood {
      let standings = try QueueWriting.standings(of: sequence, on: database)
      return (
        standings, try selected(search, of: sequence, on: database).filter { standings.indices.contains($0.place) }
      )
    }
    switch read {
    case .failure(let error): return .damaged(error)
    case .success((_, let selected)) where selected.isEmpty: return .none
    case .success((var standings, let selected)):
      for recipient in selected {
        let state = order.state(after: standings[recipient.place].state, attempts: recipient.attempts)
        standings[recipient.place].state = state
        standings[recipient.place].due = order.due(in: state)
        try write(order, state, of: sequence, recipient.place, on: database)
      }
      let settled = try QueueWriting.conclude(sequence, standings, on: database)
      return .changed(recipients: selected.count, settled)
    }
  }

  private struct Selected {
    var place: Int
    var attempts: Int
  }

  private static func selected(
    _ search: QueueSearch, of sequence: Int64, on database: Database
  ) throws -> [Selected] {
    try database.rows(
      "SELECT place, attempts FROM recipient WHERE message = :message AND \(search.recipientCondition)",
      search.arguments(["message": sequence])
    ) { Selected(place: try $0.integer(0), attempts: try $0.integer(1)) }
  }

  private static func write(
    _ order: QueueOrder, _ state: RecipientState, of sequence: Int64, _ place: Int, on database: Database
  ) throws {
    try database.run(
      "UPDATE recipient SET state = ?, next_attempt = ? WHERE message = ? AND place = ?",
      [state.number, order.due(in: state)?.milliseconds, sequence, place])
    if let reply = order.reply {
      try database.run(
        "UPDATE recipient SET reply_code = ?, reply_text = ? WHERE message = ? AND place = ?",
        [reply.code.map { Int($0) }, reply.text, sequence, place])
    }
    try database.run(
      """
      INSERT OR REPLACE INTO operator_order (message, place, action, operator, reason, at) VALUES (?, ?, ?, ?, ?, ?)
      """,
      [sequence, place, order.action.rawValue, order.operator, order.reason, order.at.milliseconds])
  }
}
