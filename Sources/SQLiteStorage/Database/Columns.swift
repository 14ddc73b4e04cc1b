import DeliveryQueue
import GRDB
import GRDBSQLite

/// The columns of the row that a statement stands on, read without trust: what a damaged page makes of a value is an error.
/// Only to be used until the statement steps on.
struct Columns {
  private let handle: OpaquePointer

  fileprivate init(_ handle: OpaquePointer) { self.handle = handle }

  // MARK: - What must be there

  func int64(_ column: Int) throws(QueueError) -> Int64 { try present(try optionalInteger(column), column) }
  func integer(_ column: Int) throws(QueueError) -> Int { Int(try int64(column)) }
  func text(_ column: Int) throws(QueueError) -> String { try present(try optionalText(column), column) }
  func octets(_ column: Int) throws(QueueError) -> [UInt8] { try present(try optionalOctets(column), column) }

  /// A sum, which SQLite may give as a number with a fraction.
  func total(_ column: Int) throws(QueueError) -> Int {
    guard let number = Int(exactly: sqlite3_column_double(handle, Int32(column)).rounded()) else {
      throw damaged(column)
    }
    return number
  }

  // MARK: - What may be NULL

  func optionalInteger(_ column: Int) throws(QueueError) -> Int64? {
    guard try holds(SQLITE_INTEGER, column) else { return nil }
    return sqlite3_column_int64(handle, Int32(column))
  }

  func optionalText(_ column: Int) throws(QueueError) -> String? {
    guard try holds(SQLITE_TEXT, column) else { return nil }
    guard let text = sqlite3_column_text(handle, Int32(column)) else { throw damaged(column) }
    let octets = UnsafeBufferPointer(start: text, count: Int(sqlite3_column_bytes(handle, Int32(column))))
    guard let string = String(validating: octets, as: UTF8.self) else { throw damaged(column) }
    return string
  }

  func optionalOctets(_ column: Int) throws(QueueError) -> [UInt8]? {
    guard try holds(SQLITE_BLOB, column) else { return nil }
    // No octets have no address.
    guard let octets = sqlite3_column_blob(handle, Int32(column)) else { return [] }
    return Array(UnsafeRawBufferPointer(start: octets, count: Int(sqlite3_column_bytes(handle, Int32(column)))))
  }

  // MARK: -

  /// Whether a column holds a value, which must be of this type.
  private func holds(_ type: Int32, _ column: Int) throws(QueueError) -> Bool {
    let found = sqlite3_column_type(handle, Int32(column))
    guard found == type || found == SQLITE_NULL else { throw damaged(column) }
    return found == type
  }

  private func present<Value>(_ value: Value?, _ column: Int) throws(QueueError) -> Value {
    guard let value else { throw damaged(column) }
    return value
  }

  private func damaged(_ column: Int) -> QueueError {
    let name = sqlite3_column_name(handle, Int32(column)).map { String(cString: $0) } ?? "\(column)"
    return QueueError(.damaged, "the column \(name) of a row in the database holds what it cannot hold")
  }
}

extension Database {
  /// What `read` makes of each row that a statement gives, which is prepared once for the connection.
  ///
  /// - Throws: `DatabaseError`, and what `read` throws.
  func rows<Value>(
    _ sql: String, _ arguments: StatementArguments = StatementArguments(), _ read: (Columns) throws -> Value
  ) throws -> [Value] {
    let statement = try cachedStatement(sql: sql)
    try statement.setArguments(arguments)
    return try statement.rows(read)
  }

  /// The same of a statement whose one parameter is the key of a message: every claim that is read needs some, and GRDB's
  /// arguments cost more than SQLite takes to run it.
  func rows<Value>(_ sql: String, of message: Int64, _ read: (Columns) throws -> Value) throws -> [Value] {
    let statement = try cachedStatement(sql: sql)
    sqlite3_reset(statement.sqliteStatement)
    sqlite3_bind_int64(statement.sqliteStatement, 1, message)
    return try statement.rows(read)
  }
}

extension Statement {
  fileprivate func rows<Value>(_ read: (Columns) throws -> Value) throws -> [Value] {
    defer { sqlite3_reset(sqliteStatement) }
    var values: [Value] = []
    while case let code = sqlite3_step(sqliteStatement), code != SQLITE_DONE {
      guard code == SQLITE_ROW else {
        let message = sqlite3_errmsg(sqlite3_db_handle(sqliteStatement)).map { String(cString: $0) }
        throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
      }
      values.append(try read(Columns(sqliteStatement)))
    }
    return values
  }
}
