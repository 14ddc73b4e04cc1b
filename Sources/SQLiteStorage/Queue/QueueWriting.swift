import DeliveryQueue
import Foundation
import GRDB
import MailModel

/// The changes of the queue's tables. Each runs within a transaction of the ``Writer``.
enum QueueWriting {
  static func insert(_ message: NewMessage, digest: Data?, on database: Database) throws {
    try insertMessage(message, on: database)
    try insertContent(message, digest: digest, on: database)
    let sequence = message.id.sequence
    let accepted = message.acceptedAt.milliseconds
    try database.run(
      "INSERT INTO pending (message, due, size, queued) VALUES (?, ?, ?, ?)",
      [sequence, accepted, message.size, message.envelope.recipients.count])
    for (place, recipient) in message.envelope.recipients.enumerated() {
      try database.run(
        """
        INSERT INTO recipient (message, place, path, state, attempts, next_attempt, notify, orcpt)
        VALUES (?, ?, ?, ?, 0, ?, ?, ?)
        """,
        [
          sequence, place, recipient.path.description, RecipientState.queued.number, accepted,
          recipient.parameters.notifyColumn, recipient.parameters.originalRecipientColumn,
        ])
    }
  }

  private static func insertMessage(_ message: NewMessage, on database: Database) throws {
    let parameters = message.envelope.parameters
    do {
      try database.run(
        """
        INSERT INTO message (sequence, secret, tenant, reverse_path, accepted_at, size, body_type, smtputf8, ret, envid,
          submitter)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          message.id.sequence, Int64(bitPattern: message.id.secret), message.tenant,
          message.envelope.reversePath.description, message.acceptedAt.milliseconds, message.size,
          parameters.bodyType.rawValue, parameters.internationalizedColumn, parameters.returnedContent?.rawValue,
          parameters.envelopeID?.description, parameters.submitter?.description,
        ])
    } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_PRIMARYKEY {
      throw QueueError(.invalidMessage, "a queue ID used before", cause: error)
    }
  }

  private static func insertContent(_ message: NewMessage, digest: Data?, on database: Database) throws {
    let (spool, body): (String?, Data?) =
      switch message.body {
      case .octets(let octets): (nil, Data(octets))
      case .spooled(let spooled): (spooled.name, nil)
      }
    try database.run(
      "INSERT INTO content (message, spool, prefix, body, digest) VALUES (?, ?, ?, ?, ?)",
      [message.id.sequence, spool, Data(message.prefix), body, digest])
  }

  /// What a settlement leaves.
  struct Settled: Sendable {
    /// When the first of the recipients left is due, ``MailModel/Timestamp/never`` where all of them are held; `nil` where
    /// none is left.
    var due: Timestamp?
    /// The spool file that no message names any more.
    var spool: String?
  }

  static func settle(_ settlement: Settlement, digests: [Data?], on database: Database) throws -> Settled {
    let sequence = settlement.id.sequence
    var standings = try standings(of: sequence, on: database)
    try settlement.validate(recipients: standings.count)
    for change in settlement.changes where !standings[change.index].state.isFinal {
      let next = change.due(at: settlement.at)
      try update(sequence, change, at: settlement.at, next: next, on: database)
      standings[change.index] = Standing(state: change.state, due: next)
    }
    for (message, digest) in zip(settlement.newMessages, digests) {
      try insert(message, digest: digest, on: database)
    }
    return try conclude(sequence, standings, on: database)
  }

  /// Where one recipient stands, as far as its message's place in the queue depends on it.
  struct Standing {
    var state: RecipientState
    /// `nil` for what is final or held.
    var due: Timestamp?
  }

  /// In the order of the envelope.
  static func standings(of sequence: Int64, on database: Database) throws -> [Standing] {
    let statement = try database.cachedStatement(
      sql: "SELECT state, next_attempt FROM recipient WHERE message = ? ORDER BY place")
    return try Row.fetchAll(statement, arguments: [sequence]).map { row in
      let state = try QueueReading.state(row[0])
      let next: Int64? = row[1]
      return Standing(state: state, due: state.isDue ? Timestamp(milliseconds: next ?? 0) : nil)
    }
  }

  /// Brings a message's place in the queue up to its recipients.
  static func conclude(_ sequence: Int64, _ standings: [Standing], on database: Database) throws -> Settled {
    guard standings.contains(where: { !$0.state.isFinal }) else {
      return Settled(due: nil, spool: try finish(sequence, on: database))
    }
    let due = standings.compactMap(\.due).min() ?? .never
    func count(_ state: RecipientState) -> Int { standings.count { $0.state == state } }
    try database.run(
      "UPDATE pending SET due = ?, queued = ?, deferred = ?, held = ? WHERE message = ?",
      [due.milliseconds, count(.queued), count(.deferred), count(.held), sequence])
    return Settled(due: due, spool: nil)
  }

  private static func update(
    _ sequence: Int64, _ change: Settlement.Change, at instant: Timestamp, next: Timestamp?, on database: Database
  ) throws {
    try database.run(
      """
      UPDATE recipient SET state = ?, attempts = attempts + ?, next_attempt = ?,
        last_attempt = coalesce(?, last_attempt)
      WHERE message = ? AND place = ?
      """,
      [
        change.state.number, change.attempts, next?.milliseconds, change.attempts > 0 ? instant.milliseconds : nil,
        sequence, change.index,
      ])
    guard let reply = change.reply else { return }
    try database.run(
      "UPDATE recipient SET reply_code = ?, reply_text = ? WHERE message = ? AND place = ?",
      [reply.code.map { Int($0) }, reply.text, sequence, change.index])
  }

  /// Forgets the content of a message whose recipients are all final.
  private static func finish(_ sequence: Int64, on database: Database) throws -> String? {
    let statement = try database.cachedStatement(sql: "SELECT spool FROM content WHERE message = ?")
    let spool = try String.fetchOne(statement, arguments: [sequence])
    try database.run("DELETE FROM content WHERE message = ?", [sequence])
    try database.run("DELETE FROM pending WHERE message = ?", [sequence])
    return spool
  }

  /// Forgets finished messages that were accepted before `instant`, looking at some of those behind `sequence`.
  ///
  /// Queue IDs ascend with time, so the first message that is younger ends it.
  ///
  /// - Returns: behind which message to go on; `nil` where all is done.
  static func forget(
    finishedBefore instant: Timestamp, behind sequence: Int64, on database: Database
  ) throws -> Int64? {
    let limit = 500
    let statement = try database.cachedStatement(
      sql: """
        SELECT sequence, accepted_at, EXISTS (SELECT 1 FROM pending WHERE message = sequence)
        FROM message WHERE sequence > ? ORDER BY sequence LIMIT \(limit)
        """)
    let rows = try Row.fetchAll(statement, arguments: [sequence])
    var last: Int64?
    for row in rows {
      let accepted: Int64 = row[1]
      guard accepted < instant.milliseconds else { return nil }
      let found: Int64 = row[0]
      last = found
      guard row[2] == 0 else { continue }
      try database.run("DELETE FROM recipient WHERE message = ?", [found])
      try database.run("DELETE FROM operator_order WHERE message = ?", [found])
      try database.run("DELETE FROM message WHERE sequence = ?", [found])
    }
    return rows.count < limit ? nil : last
  }
}

extension Database {
  /// Runs a statement that is prepared once.
  func run(_ sql: String, _ arguments: StatementArguments) throws {
    try cachedStatement(sql: sql).execute(arguments: arguments)
  }
}
