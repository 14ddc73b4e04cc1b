import DeliveryQueue
import GRDB
import MailModel

/// The changes of the queue's tables. Each runs within a transaction of the ``Writer``.
enum QueueWriting {
  /// Where one recipient stands, as far as its message's place in the queue depends on it.
  struct Standing: Sendable {
    var state: RecipientState
    /// `nil` for what is final or held.
    var due: Timestamp?
    /// What stands behind its `@`; `nil` for a postmaster without a domain, and for what cannot be understood, of which a claim
    /// tells.
    var destination: Mailbox.Host?
  }

  static func insert(_ message: NewMessage, digest: [UInt8]?, with statements: QueueStatements) throws {
    try insertMessage(message, with: statements)
    try insertContent(message, digest: digest, with: statements)
    let sequence = message.id.sequence
    let accepted = message.acceptedAt.milliseconds
    try statements.run(.insertPending) { row in
      row.bind(sequence)
      row.bind(accepted)
      row.bind(message.size)
      row.bind(message.envelope.recipients.count)
      row.bind(message.tenant)
      row.bind(message.priority.rawValue)
      row.bind(PendingDestination(message.envelope.recipients.lazy.map(\.path.destination)).column)
    }
    for (place, recipient) in message.envelope.recipients.enumerated() {
      try statements.run(.insertRecipient) { row in
        row.bind(sequence)
        row.bind(place)
        row.bind(recipient.path.description)
        row.bind(RecipientState.queued.number)
        row.bind(accepted)
        row.bind(recipient.parameters.notifyColumn)
        row.bind(recipient.parameters.originalRecipientColumn)
      }
    }
  }

  private static func insertMessage(_ message: NewMessage, with statements: QueueStatements) throws {
    let parameters = message.envelope.parameters
    do {
      try statements.run(.insertMessage) { row in
        row.bind(message.id.sequence)
        row.bind(Int64(bitPattern: message.id.secret))
        row.bind(message.tenant)
        row.bind(message.envelope.reversePath.description)
        row.bind(message.acceptedAt.milliseconds)
        row.bind(message.size)
        row.bind(parameters.bodyType.rawValue)
        row.bind(parameters.internationalizedColumn)
        row.bind(parameters.returnedContent?.rawValue)
        row.bind(parameters.envelopeID?.description)
        row.bind(parameters.submitter?.description)
        row.bind(parameters.priorityColumn)
        row.bind(message.priority.rawValue)
      }
    } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_PRIMARYKEY {
      throw QueueError(.invalidMessage, "a queue ID used before", cause: error)
    }
  }

  private static func insertContent(
    _ message: NewMessage, digest: [UInt8]?, with statements: QueueStatements
  ) throws {
    let body: [UInt8]? = if case .octets(let octets) = message.body { octets } else { nil }
    try message.prefix.withUnsafeBufferPointer { prefix in
      try (body ?? []).withUnsafeBufferPointer { octets in
        try (digest ?? []).withUnsafeBufferPointer { digested in
          try statements.run(.insertContent) { row in
            row.bind(message.id.sequence)
            row.bind(message.body.spooledName)
            row.bind(prefix)
            row.bind(body == nil ? nil : octets)
            row.bind(digest == nil ? nil : digested)
          }
        }
      }
    }
  }

  /// What a settlement leaves.
  struct Settled: Sendable {
    /// When the first of the recipients left is due at each destination, ``MailModel/Timestamp/never`` where all of them are
    /// held there.
    var left: [ClaimLedger.Part]
    /// Whether no recipient is left.
    var isFinished: Bool { left.isEmpty }
    /// The spool file that no message names any more.
    var spool: String?
  }

  /// Recipients at other destinations than the claim's are left as they are: another claim may be under way for those.
  ///
  /// - Parameters:
  ///   - grant: the claim.
  ///   - digests: of the new messages' content, in their order.
  ///   - known: what the message is known to be, which nobody can have changed since it was claimed; where it is `nil`, the
  ///     database is asked.
  static func settle(
    _ settlement: Settlement, of grant: ClaimLedger.Grant, digests: [[UInt8]?], known: KnownMessage?,
    with statements: QueueStatements
  ) throws -> Settled {
    let sequence = settlement.id.sequence
    var standings = try known?.standings ?? standings(of: sequence, on: statements.database)
    try settlement.validate(recipients: standings.count)
    for change in settlement.changes {
      let standing = standings[change.index]
      guard !standing.state.isFinal, grant.covers(standing.destination) else { continue }
      let next = change.due(at: settlement.at)
      try update(sequence, change, at: settlement.at, next: next, with: statements)
      standings[change.index] = Standing(state: change.state, due: next, destination: standing.destination)
    }
    for (message, digest) in zip(settlement.newMessages, digests) {
      try insert(message, digest: digest, with: statements)
    }
    return try conclude(sequence, standings, known: known, with: statements)
  }

  /// In the order of the envelope.
  static func standings(of sequence: Int64, on database: Database) throws -> [Standing] {
    let rows = try database.rows(
      "SELECT state, next_attempt, place, path FROM recipient WHERE message = ? ORDER BY place", of: sequence
    ) { row in
      let state = try QueueReading.state(row.integer(0))
      let destination = state.isFinal ? nil : ForwardPath(try row.text(3))?.destination
      let standing = Standing(state: state, nextAttempt: try row.optionalInteger(1), destination: destination)
      return (place: try row.integer(2), standing)
    }
    // What becomes of one must not be written to another.
    guard rows.map(\.place).elementsEqual(rows.indices) else {
      throw QueueError(.damaged, "a message's recipients in the database are not all there")
    }
    return rows.map(\.1)
  }

  /// Brings a message's place in the queue up to its recipients.
  static func conclude(_ sequence: Int64, _ standings: [Standing], on database: Database) throws -> Settled {
    try conclude(sequence, standings, known: nil, with: QueueStatements(database))
  }

  private static func conclude(
    _ sequence: Int64, _ standings: [Standing], known: KnownMessage?, with statements: QueueStatements
  ) throws -> Settled {
    let left = standings.parts
    guard let due = left.lazy.map(\.due).min() else {
      return Settled(left: [], spool: try finish(sequence, known: known, with: statements))
    }
    func count(_ state: RecipientState) -> Int { standings.count { $0.state == state } }
    try statements.run(.updatePending) { row in
      row.bind(due.milliseconds)
      row.bind(count(.queued))
      row.bind(count(.deferred))
      row.bind(count(.held))
      row.bind(PendingDestination(left.lazy.map(\.destination)).column)
      row.bind(sequence)
    }
    return Settled(left: left, spool: nil)
  }

  private static func update(
    _ sequence: Int64, _ change: Settlement.Change, at instant: Timestamp, next: Timestamp?,
    with statements: QueueStatements
  ) throws {
    try statements.run(.updateRecipient) { row in
      row.bind(change.state.number)
      row.bind(change.attempts)
      row.bind(next?.milliseconds)
      row.bind(change.attempts > 0 ? instant.milliseconds : nil)
      row.bind(change.reply?.code.map { Int($0) })
      row.bind(change.reply?.text)
      row.bind(sequence)
      row.bind(change.index)
    }
  }

  /// Forgets the content of a message whose recipients are all final.
  ///
  /// - Returns: the spool file that held it.
  private static func finish(
    _ sequence: Int64, known: KnownMessage?, with statements: QueueStatements
  ) throws -> String? {
    let spool = try known.map(\.spool) ?? spool(of: sequence, on: statements.database)
    try statements.run(.deleteContent) { $0.bind(sequence) }
    try statements.run(.deletePending) { $0.bind(sequence) }
    return spool
  }

  private static func spool(of sequence: Int64, on database: Database) throws -> String? {
    try database.rows("SELECT spool FROM content WHERE message = ?", of: sequence) { try $0.optionalText(0) }.first
      ?? nil
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
    // A time that is none is younger than any: what cannot be understood is kept.
    let messages = try database.rows(
      """
      SELECT sequence, iif(typeof(accepted_at) = 'integer', accepted_at, \(Int64.max)),
        EXISTS (SELECT 1 FROM pending WHERE message = sequence)
      FROM message WHERE sequence > ? ORDER BY sequence LIMIT \(limit)
      """, of: sequence
    ) { (key: try $0.int64(0), accepted: try $0.int64(1), isQueued: try $0.integer(2) != 0) }
    for message in messages {
      guard message.accepted < instant.milliseconds else { return nil }
      guard !message.isQueued else { continue }
      try database.run("DELETE FROM recipient WHERE message = ?", [message.key])
      try database.run("DELETE FROM operator_order WHERE message = ?", [message.key])
      try database.run("DELETE FROM message WHERE sequence = ?", [message.key])
    }
    return messages.count < limit ? nil : messages.last?.key
  }
}

extension QueueWriting.Standing {
  /// What the database says of it.
  init(state: RecipientState, nextAttempt: Int64?, destination: Mailbox.Host?) {
    self.init(
      state: state, due: state.isDue ? Timestamp(milliseconds: nextAttempt ?? 0) : nil, destination: destination)
  }
}

extension [QueueWriting.Standing] {
  /// The recipients that are left, as the claim ledger has them.
  var parts: [ClaimLedger.Part] {
    var parts: [ClaimLedger.Part] = []
    var places: [Mailbox.Host?: Int] = [:]
    for standing in self where !standing.state.isFinal {
      let due = standing.due ?? .never
      if let place = places[standing.destination] {
        parts[place].due = Swift.min(parts[place].due, due)
      } else {
        places[standing.destination] = parts.count
        parts.append(ClaimLedger.Part(destination: standing.destination, due: due))
      }
    }
    return parts
  }
}

extension Database {
  /// Runs a statement that is prepared once.
  func run(_ sql: String, _ arguments: StatementArguments) throws {
    try cachedStatement(sql: sql).execute(arguments: arguments)
  }
}
