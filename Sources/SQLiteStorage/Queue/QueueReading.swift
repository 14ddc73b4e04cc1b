import DeliveryQueue
import Foundation
import GRDB
import GRDBSQLite
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

    init(_ row: Row) throws {
      let secret: Int64 = row[1]
      guard let id = QueueID(sequence: row[0], secret: UInt64(bitPattern: secret)),
        let reversePath = ReversePath(row[3] as String)
      else { throw QueueError(.damaged, "a message of the database cannot be understood") }
      (self.id, tenant, self.reversePath) = (id, row[2], reversePath)
      (acceptedAt, size) = (Timestamp(milliseconds: row[4]), row[5])
      parameters = try MessageParameters(row, from: 6)
    }
  }

  /// What `read` gives, or why it cannot be understood. Other errors of the database, which say nothing about what is
  /// stored, are thrown.
  static func understood<Value>(_ read: () throws -> Value) throws -> Result<Value, QueueError> {
    do {
      return .success(try read())
    } catch let error as QueueError where error.code == .damaged {
      return .failure(error)
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
      // A page that cannot be read is no reason to stop what stands on others.
      return .failure(QueueError(.damaged, "a page of the database cannot be read", cause: error))
    }
  }

  static func status(of id: QueueID, on database: Database) throws -> MessageStatus? {
    guard let head = try head(id.sequence, on: database), head.id == id else { return nil }
    return try status(head, on: database)
  }

  /// A claim of a message and its recipients that are due, and what its settlement needs.
  static func claim(
    _ grant: ClaimLedger.Grant, now: Timestamp, on database: Database
  ) throws -> (Claim, ClaimedMessage) {
    guard let head = try head(grant.entry.sequence, on: database) else {
      throw QueueError(.damaged, "a message of the database is not there")
    }
    var claim = Claim(
      id: head.id, token: grant.token, tenant: head.tenant, reversePath: head.reversePath,
      parameters: head.parameters, acceptedAt: head.acceptedAt, size: head.size, recipients: [])
    let statement = try database.cachedStatement(
      sql: """
        SELECT state, next_attempt, place, path, attempts, \(RecipientParameters.columns)
        FROM recipient WHERE message = ? ORDER BY place
        """)
    let rows = try Row.fetchCursor(statement, arguments: [head.id.sequence])
    var standings: [QueueWriting.Standing] = []
    while let row = try rows.next() {
      let standing = QueueWriting.Standing(state: try state(row[0]), nextAttempt: row[1])
      standings.append(standing)
      guard let due = standing.due, due <= now else { continue }
      claim.recipients.append(
        ClaimedRecipient(
          index: row[2], path: try path(row[3]), parameters: try RecipientParameters(row, from: 5), attempts: row[4]))
    }
    let content = try content(of: head.id, on: database)
    let isSmall = (content?.octets ?? 0) <= MessageCache.contentLimit
    return (
      claim,
      ClaimedMessage(
        id: head.id, standings: standings, spool: content?.spool?.name, content: isSmall ? content : nil)
    )
  }

  static func content(of id: QueueID, on database: Database) throws -> StoredContent? {
    let statement = try database.cachedStatement(
      sql: """
        SELECT prefix, body, spool, size, digest FROM content JOIN message ON sequence = message
        WHERE message = ? AND secret = ?
        """)
    let arguments: StatementArguments = [id.sequence, Int64(bitPattern: id.secret)]
    guard let row = try Row.fetchOne(statement, arguments: arguments) else { return nil }
    let prefix: Data = row[0]
    let size: Int = row[3]
    let name: String? = row[2]
    let body: Data? = row[1]
    let digest: Data? = row[4]
    return StoredContent(
      prefix: Array(prefix), body: body.map { Array($0) },
      spool: name.map { SpooledBody(name: $0, count: size - prefix.count) }, digest: digest.map { Array($0) })
  }

  /// What the claim ledger is filled with.
  static func pending(on database: Database) throws -> [ClaimLedger.Entry] {
    let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM pending") ?? 0
    var entries: [ClaimLedger.Entry] = []
    entries.reserveCapacity(count)
    let statement = try database.makeStatement(sql: "SELECT message, due, size FROM pending")
    // Through SQLite's own calls: there may be millions.
    let handle = statement.sqliteStatement
    while case let code = sqlite3_step(handle), code != SQLITE_DONE {
      guard code == SQLITE_ROW else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
      entries.append(
        ClaimLedger.Entry(
          sequence: sqlite3_column_int64(handle, 0), due: Timestamp(milliseconds: sqlite3_column_int64(handle, 1)),
          size: Int(sqlite3_column_int64(handle, 2))))
    }
    return entries
  }

  private static func head(_ sequence: Int64, on database: Database) throws -> Head? {
    let statement = try database.cachedStatement(sql: "SELECT \(Head.columns) FROM message WHERE sequence = ?")
    return try Row.fetchOne(statement, arguments: [sequence]).map { try Head($0) }
  }

  static func status(_ head: Head, on database: Database) throws -> MessageStatus {
    let statement = try database.cachedStatement(
      sql: """
        SELECT path, state, attempts, reply_code, reply_text, last_attempt, next_attempt, action, operator, reason, at
        FROM recipient LEFT JOIN operator_order USING (message, place) WHERE message = ? ORDER BY place
        """)
    let rows = try Row.fetchAll(statement, arguments: [head.id.sequence])
    return MessageStatus(
      id: head.id, tenant: head.tenant, reversePath: head.reversePath, acceptedAt: head.acceptedAt, size: head.size,
      recipients: try rows.map(recipient))
  }

  private static func recipient(_ row: Row) throws -> RecipientStatus {
    let code: Int? = row[3]
    let text: String? = row[4]
    let reply = text.map { text in
      code.flatMap(UInt16.init(exactly:)).map { DeliveryReply(code: $0, text: text) } ?? DeliveryReply(problem: text)
    }
    let last: Int64? = row[5]
    let next: Int64? = row[6]
    return RecipientStatus(
      path: try path(row[0]), state: try state(row[1]), attempts: row[2], reply: reply,
      lastAttempt: last.map(Timestamp.init(milliseconds:)), nextAttempt: next.map(Timestamp.init(milliseconds:)),
      order: try order(row, from: 7))
  }

  /// The last order for a recipient, if there was one.
  private static func order(_ row: Row, from first: Int) throws -> QueueOrder? {
    guard let name: String = row[first] else { return nil }
    guard let action = QueueOrder.Action(rawValue: name) else {
      throw QueueError(.damaged, "an operator's order in the database cannot be understood")
    }
    return QueueOrder(
      action, by: row[first + 1], because: row[first + 2], at: Timestamp(milliseconds: row[first + 3]))
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
