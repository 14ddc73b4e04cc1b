import GRDB

/// The statements that every message needs on its way through the queue, on the writer's connection and thread.
///
/// They are prepared once for the connection, and looked up once for a row of transactions.
final class QueueStatements {
  enum Statement: Int, CaseIterable {
    case insertMessage, insertContent, insertPending, insertRecipient
    case updateRecipient, updatePending, deleteContent, deletePending

    fileprivate var sql: String {
      switch self {
      case .insertMessage:
        """
        INSERT INTO message (sequence, secret, tenant, reverse_path, accepted_at, size, body_type, smtputf8, ret, envid,
          submitter, mt_priority, priority)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
      case .insertContent: "INSERT INTO content (message, spool, prefix, body, digest) VALUES (?, ?, ?, ?, ?)"
      case .insertPending:
        """
        INSERT INTO pending (message, due, size, queued, tenant, priority, destination) VALUES (?, ?, ?, ?, ?, ?, ?)
        """
      case .insertRecipient:
        """
        INSERT INTO recipient (message, place, path, state, attempts, next_attempt, notify, orcpt)
        VALUES (?, ?, ?, ?, 0, ?, ?, ?)
        """
      case .updateRecipient:
        // Without a reply, the earlier one stays.
        """
        UPDATE recipient SET state = ?, attempts = attempts + ?, next_attempt = ?,
          last_attempt = coalesce(?, last_attempt), reply_code = iif(?6 IS NULL, reply_code, ?5),
          reply_text = coalesce(?6, reply_text)
        WHERE message = ? AND place = ?
        """
      case .updatePending:
        "UPDATE pending SET due = ?, queued = ?, deferred = ?, held = ?, destination = ? WHERE message = ?"
      case .deleteContent: "DELETE FROM content WHERE message = ?"
      case .deletePending: "DELETE FROM pending WHERE message = ?"
      }
    }
  }

  /// For every other statement.
  let database: Database
  private var prepared: [PreparedStatement?] = Array(repeating: nil, count: Statement.allCases.count)

  init(_ database: Database) { self.database = database }

  /// Binds a statement's parameters, all of them and in their order, and runs it.
  func run(_ statement: Statement, _ bind: (inout PreparedStatement.Binding) -> Void) throws {
    try prepare(statement).run(bind)
  }

  private func prepare(_ statement: Statement) throws -> PreparedStatement {
    if let known = prepared[statement.rawValue] { return known }
    let new = try PreparedStatement(statement.sql, on: database)
    prepared[statement.rawValue] = new
    return new
  }
}
