import DeliveryQueue
import Foundation
import GRDB
import MailModel

/// Takes damaged messages out of a queue whose database is sound, and corrects what the queue knows of the others. Blocks.
struct QueueRepair {
  let database: DatabaseQueue
  let setAside: SetAside
  let `operator`: String
  let now: Timestamp

  /// Mends one message. What is set aside lies on the disk before the database changes.
  ///
  /// - Returns: what was wrong with it, and what was done.
  func repair(_ message: StoredMessage) throws -> [StorageFinding] {
    guard !message.faults.isEmpty else {
      let action = try database.write { try correctPending(of: message, on: $0) }
      return message.findings.map { $0.with(action: action) }
    }
    let files = try setAside.keep(message)
    let reason = message.faults.map(\.text).joined(separator: "; ")
    let isKept = try database.write { try remove(message, because: reason, on: $0) }
    let action =
      "set aside in \(files.joined(separator: ", "))"
      + (isKept ? "; the recipients that were left are removed" : "; nothing of it is left in the queue")
    return message.faults.map { $0.with(action: action) }
  }

  /// Moves the files of the spool that no message names.
  func setOrphansAside(_ names: [String]) throws -> [StorageFinding] {
    try names.compactMap { name in
      guard let place = try setAside.move(name) else { return nil }
      return StorageFinding.orphan(name).with(action: "set aside in \(place)")
    }
  }

  private func correctPending(of message: StoredMessage, on database: Database) throws -> String {
    guard var expected = message.expectedPending else {
      try database.run("DELETE FROM content WHERE message = ?", [message.sequence])
      try database.run("DELETE FROM pending WHERE message = ?", [message.sequence])
      return "taken out of the queue"
    }
    expected.due = try correctDue(of: message, expected.due, on: database)
    let columns = expected.columns
    let marks = Array(repeating: "?", count: 1 + columns.count).joined(separator: ", ")
    try database.run(
      "INSERT OR REPLACE INTO pending (message, \(columns.map(\.name).joined(separator: ", "))) VALUES (\(marks))",
      StatementArguments([message.sequence.databaseValue] + columns.map(\.value)))
    return "corrected"
  }

  /// Where a recipient is due later than the queue knew, damage may have changed the time, which nothing else tells from a
  /// sound one. An attempt that comes early does no harm, and one that comes years late does: the earlier time counts.
  ///
  /// - Returns: when the first of its recipients is due now.
  private func correctDue(of message: StoredMessage, _ due: Int64, on database: Database) throws -> Int64 {
    guard due != Timestamp.never.milliseconds, let known: Int64 = message.rows["pending"]?.first?["due"], known < due
    else { return due }
    let states = RecipientState.allCases.filter(\.isDue).map { String($0.number) }.sorted().joined(separator: ", ")
    try database.run(
      "UPDATE recipient SET next_attempt = ? WHERE message = ? AND state IN (\(states))", [known, message.sequence])
    return known
  }

  /// - Returns: whether its status still tells of it.
  private func remove(_ message: StoredMessage, because reason: String, on database: Database) throws -> Bool {
    let order = QueueOrder(.remove, by: `operator`, because: reason, at: now)
    for row in message.open {
      let place: Int = row["place"]
      try database.run(
        "UPDATE recipient SET state = ?, next_attempt = NULL WHERE message = ? AND place = ?",
        [RecipientState.removed.number, message.sequence, place])
      try database.run(
        """
        INSERT OR REPLACE INTO operator_order (message, place, action, operator, reason, at) VALUES (?, ?, ?, ?, ?, ?)
        """,
        [message.sequence, place, order.action.rawValue, order.operator, order.reason, order.at.milliseconds])
    }
    for table in ["content", "pending"] {
      try database.run("DELETE FROM \(table) WHERE message = ?", [message.sequence])
    }
    // What cannot be understood in the history would be damage again tomorrow.
    try removeUnreadableRecipients(of: message, on: database)
    if try message.isUnderstood(on: database) { return true }
    for table in ["recipient", "operator_order", "message"] {
      try database.run(
        "DELETE FROM \(table) WHERE \(StoredMessage.key(of: table)) = ?", [message.sequence])
    }
    return false
  }

  private func removeUnreadableRecipients(of message: StoredMessage, on database: Database) throws {
    let readable = (message.rows["recipient"] ?? []).filter { row in
      ForwardPath(row["path"] as String) != nil && RecipientState(number: row["state"]) != nil
    }
    let places = readable.map { String($0["place"] as Int) }.joined(separator: ", ")
    for table in ["recipient", "operator_order"] {
      try database.execute(
        sql: "DELETE FROM \(table) WHERE message = ? AND place NOT IN (\(places))", arguments: [message.sequence])
    }
    for row in readable where (try? RecipientParameters(row: row)) == nil {
      try database.run(
        "UPDATE recipient SET notify = NULL, orcpt = NULL WHERE message = ? AND place = ?",
        [message.sequence, row["place"] as Int])
    }
  }
}

extension StoredMessage {
  /// Whether the database tells what became of it.
  fileprivate func isUnderstood(on database: Database) throws -> Bool {
    guard let id else { return false }
    let status = try QueueReading.understood { try QueueReading.status(of: id, on: database) }
    guard case .success(.some) = status else { return false }
    return true
  }
}

extension StorageFinding {
  static func orphan(_ name: String) -> StorageFinding {
    StorageFinding(
      .orphan, queueID: Spool.queueID(ofFile: name), file: "\(FolderResources.spoolName)/\(name)",
      text: "no queued message names the file")
  }

  func with(action: String) -> StorageFinding {
    var finding = self
    finding.action = action
    return finding
  }
}
