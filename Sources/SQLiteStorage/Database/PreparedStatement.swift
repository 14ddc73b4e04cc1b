import GRDB
import GRDBSQLite

/// A statement that writes and that every message needs: bound through SQLite's own calls, since GRDB's arguments cost
/// more than SQLite itself takes to run it. To be used on its connection's thread alone.
struct PreparedStatement {
  /// Owns ``handle``.
  private let statement: Statement
  private let handle: OpaquePointer

  /// Prepared once for a connection; asked for again, it is the same.
  init(_ sql: String, on database: Database) throws {
    statement = try database.cachedStatement(sql: sql)
    handle = statement.sqliteStatement
  }

  /// Binds every parameter, in their order, and runs the statement.
  ///
  /// - Throws: `DatabaseError`.
  func run(_ bind: (inout Binding) -> Void) throws {
    defer {
      sqlite3_reset(handle)
      // Octets that were bound where they lie are about to go.
      sqlite3_clear_bindings(handle)
    }
    var binding = Binding(handle)
    bind(&binding)
    let code = binding.failure ?? sqlite3_step(handle)
    guard code == SQLITE_DONE || code == SQLITE_ROW else {
      let connection = sqlite3_db_handle(handle)
      throw DatabaseError(
        resultCode: ResultCode(rawValue: code), message: sqlite3_errmsg(connection).map { String(cString: $0) })
    }
  }

  /// The parameters of a statement, one after the other.
  struct Binding {
    private let handle: OpaquePointer
    private var place: Int32 = 0
    /// The first that failed.
    fileprivate var failure: Int32?

    fileprivate init(_ handle: OpaquePointer) { self.handle = handle }

    mutating func bind(_ number: Int64?) {
      place += 1
      check(number.map { sqlite3_bind_int64(handle, place, $0) } ?? sqlite3_bind_null(handle, place))
    }

    mutating func bind(_ number: Int?) { bind(number.map { Int64($0) }) }

    mutating func bind(_ text: String?) {
      place += 1
      guard var text else { return check(sqlite3_bind_null(handle, place)) }
      let place = place
      check(
        text.withUTF8 { octets in
          octets.withMemoryRebound(to: CChar.self) {
            sqlite3_bind_text64(handle, place, $0.baseAddress, UInt64($0.count), Self.copied, UInt8(SQLITE_UTF8))
          }
        })
    }

    /// Octets that stay where they are until the statement has run.
    mutating func bind(_ octets: UnsafeBufferPointer<UInt8>?) {
      place += 1
      guard let octets else { return check(sqlite3_bind_null(handle, place)) }
      // Without an address, SQLite would take no octets for NULL.
      check(
        octets.isEmpty
          ? sqlite3_bind_zeroblob(handle, place, 0)
          : sqlite3_bind_blob64(handle, place, octets.baseAddress, UInt64(octets.count), nil))
    }

    private mutating func check(_ code: Int32) {
      if code != SQLITE_OK, failure == nil { failure = code }
    }

    /// SQLITE_TRANSIENT, which C says by a cast.
    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
  }
}
