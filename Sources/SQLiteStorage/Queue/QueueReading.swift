import DeliveryQueue
import GRDB
import MailModel

/// What is read of the queue's tables, by the server and by whoever looks into its folder.
enum QueueReading {
  /// What every reading of a message begins with.
  struct Head {
    var id: QueueID
    var tenant: String?
    var reversePath: ReversePath
    var acceptedAt: Timestamp
    var size: Int
    var parameters: MessageParameters

    static let columns = "sequence, secret, tenant, reverse_path, accepted_at, size, \(MessageParameters.columns)"
    /// How many those are.
    static let count = 12

  }

  /// What `read` gives, or why it cannot be understood. Other errors of the database, which say nothing about what is
  /// stored, are thrown.
  static func understood<Value>(_ read: () throws -> Value) throws -> Result<Value, QueueError> {
    do {
      return .success(try read())
    } catch let error as QueueError where error.code == .damaged {
      return .failure(error)
    } catch let error as DatabaseError where error.isDamage {
      // A page that cannot be read is no reason to stop what stands on others.
      return .failure(QueueError(.damaged, "a page of the database cannot be read", cause: error))
    }
  }

  static func status(of id: QueueID, on database: Database) throws -> MessageStatus? {
    guard let head = try head(id.sequence, on: database), head.id == id else { return nil }
    return try status(head, on: database)
  }

  /// All that a claim of a message and its settlement need.
  ///
  /// - Parameter withBody: whether a body that can be kept in memory is read too.
  static func message(_ sequence: Int64, withBody: Bool, on database: Database) throws -> KnownMessage {
    let limit = withBody ? MessageCache.contentLimit : -1
    let found = try database.rows(
      """
      SELECT \(Head.columns), spool, prefix, iif(length(body) <= \(limit), body, NULL), digest,
        (SELECT destination FROM pending WHERE pending.message = sequence)
      FROM message LEFT JOIN content ON content.message = sequence WHERE sequence = ?
      """, of: sequence
    ) { row in
      let head = try Head(row)
      let content = try StoredContent(row, from: Head.count, size: head.size)
      let message = KnownMessage(head: head, recipients: [], spool: content?.spool?.name, content: content?.ifSmall)
      return (message, PendingDestination(column: try row.optionalText(Head.count + 4)))
    }
    guard case (var message, let destination)? = found.first else {
      throw QueueError(.damaged, "a message of the database is not there")
    }
    let rows = try database.rows(
      """
      SELECT state, next_attempt, place, path, attempts, \(RecipientParameters.columns)
      FROM recipient WHERE message = ? ORDER BY place
      """, of: sequence
    ) { row in
      let path = try path(row.text(3))
      let recipient = KnownMessage.Recipient(
        path: path, parameters: try RecipientParameters(row, from: 5), attempts: try row.integer(4),
        standing: QueueWriting.Standing(
          state: try state(row.integer(0)), nextAttempt: try row.optionalInteger(1), destination: path.destination))
      return (place: try row.integer(2), recipient)
    }
    // An outcome must not be written to another than it is of.
    guard !rows.isEmpty, rows.map(\.place).elementsEqual(rows.indices) else {
      throw QueueError(.damaged, "a message's recipients in the database are not all there")
    }
    message.recipients = rows.map(\.1)
    message.isMisplaced = destination != .several && destination != message.destination
    return message
  }

  static func content(of id: QueueID, on database: Database) throws -> StoredContent? {
    try database.rows(
      """
      SELECT spool, prefix, body, digest, size FROM content JOIN message ON sequence = message
      WHERE message = ? AND secret = ?
      """, [id.sequence, Int64(bitPattern: id.secret)]
    ) { try StoredContent($0, from: 0, size: $0.integer(4)) }.first ?? nil
  }

  private static func head(_ sequence: Int64, on database: Database) throws -> Head? {
    try database.rows("SELECT \(Head.columns) FROM message WHERE sequence = ?", of: sequence) { try Head($0) }.first
  }

  static func status(_ head: Head, on database: Database) throws -> MessageStatus {
    let recipients = try database.rows(
      """
      SELECT path, state, attempts, reply_code, reply_text, last_attempt, next_attempt, action, operator, reason, at
      FROM recipient LEFT JOIN operator_order USING (message, place) WHERE message = ? ORDER BY place
      """, of: head.id.sequence, recipient)
    return MessageStatus(
      id: head.id, tenant: head.tenant, reversePath: head.reversePath, acceptedAt: head.acceptedAt, size: head.size,
      recipients: recipients)
  }

  private static func recipient(_ row: Columns) throws -> RecipientStatus {
    let code = try row.optionalInteger(3)
    let reply = try row.optionalText(4).map { text in
      code.flatMap(UInt16.init(exactly:)).map { DeliveryReply(code: $0, text: text) } ?? DeliveryReply(problem: text)
    }
    return RecipientStatus(
      path: try path(row.text(0)), state: try state(row.integer(1)), attempts: try row.integer(2), reply: reply,
      lastAttempt: try row.optionalInteger(5).map(Timestamp.init(milliseconds:)),
      nextAttempt: try row.optionalInteger(6).map(Timestamp.init(milliseconds:)), order: try order(row, from: 7))
  }

  /// The last order for a recipient, if there was one.
  private static func order(_ row: Columns, from first: Int) throws -> QueueOrder? {
    guard let name = try row.optionalText(first) else { return nil }
    guard let action = QueueOrder.Action(rawValue: name) else {
      throw QueueError(.damaged, "an operator's order in the database cannot be understood")
    }
    return QueueOrder(
      action, by: try row.text(first + 1), because: try row.text(first + 2),
      at: Timestamp(milliseconds: try row.int64(first + 3)))
  }

  private static func path(_ text: String) throws -> ForwardPath {
    guard let path = ForwardPath(text) else {
      throw QueueError(.damaged, "a recipient of the database cannot be understood")
    }
    return path
  }

  static func state(_ number: Int) throws -> RecipientState {
    guard let state = RecipientState(number: number) else {
      throw QueueError(.damaged, "a recipient's state in the database cannot be understood")
    }
    return state
  }
}

extension QueueReading.Head {
  /// What stands in the row's first columns, which are ``columns``.
  init(_ row: Columns) throws {
    guard let id = try QueueID(row), let reversePath = ReversePath(try row.text(3)) else {
      throw QueueError(.damaged, "a message of the database cannot be understood")
    }
    self.init(
      id: id, tenant: try row.optionalText(2), reversePath: reversePath,
      acceptedAt: Timestamp(milliseconds: try row.int64(4)), size: try row.integer(5),
      parameters: try MessageParameters(row, from: 6))
  }
}

extension QueueID {
  /// What stands in the row's first two columns, its sequence and its secret; `nil` where that cannot be a name.
  init?(_ row: Columns) throws {
    self.init(sequence: try row.int64(0), secret: UInt64(bitPattern: try row.int64(1)))
  }
}

extension StoredContent {
  /// What the columns `spool`, `prefix`, `body` and `digest` say, of which the first is the row's column `first`; `nil`
  /// where there is no content.
  fileprivate init?(_ row: Columns, from first: Int, size: Int) throws {
    let name = try row.optionalText(first)
    guard let prefix = try row.optionalOctets(first + 1) else { return nil }
    guard name == nil || size >= prefix.count else {
      throw QueueError(.damaged, "a message's size in the database cannot be understood")
    }
    self.init(
      prefix: prefix, body: try row.optionalOctets(first + 2),
      spool: name.map { SpooledBody(name: $0, count: size - prefix.count) },
      digest: try row.optionalOctets(first + 3))
  }

  /// Itself, unless it is too large to be kept in memory, or was too large to be read whole.
  fileprivate var ifSmall: StoredContent? {
    octets <= MessageCache.contentLimit && (body != nil || spool != nil) ? self : nil
  }
}
