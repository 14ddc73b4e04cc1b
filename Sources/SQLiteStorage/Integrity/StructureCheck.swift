import DeliveryQueue
import Foundation
import GRDB
import GRDBSQLite

/// Whether the pages of a database hang together.
enum StructureCheck {
  /// Octets of a database that SQLite's own check reads in a second, also from a slow disk. It cannot be interrupted.
  private static let octetsPerSecond = 256 << 20

  /// Looks at every page, indexes included, however long it takes.
  ///
  /// - Returns: what is wrong, a hundred sentences at most.
  static func whole(of database: Database) throws -> [String] {
    try lines(of: "PRAGMA integrity_check(100)", on: database)
  }

  /// Looks at every page, or at as many as the time allows.
  ///
  /// - Returns: what is wrong, and whether everything was looked at.
  static func bounded(of database: Database, by limit: Duration) throws -> (faults: [String], isWhole: Bool) {
    let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
    let pageSize = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 0
    guard Double(pages * pageSize) > limit / .seconds(1) * Double(octetsPerSecond) else {
      return (try lines(of: "PRAGMA quick_check(100)", on: database), true)
    }
    return try scan(database, until: DispatchTime.now().uptimeNanoseconds + UInt64(max(0, limit / .nanoseconds(1))))
  }

  private static func lines(of check: String, on database: Database) throws -> [String] {
    do {
      // One value may have many lines, and a heading that says nothing.
      return try String.fetchAll(database, sql: check).flatMap { $0.split(separator: "\n") }
        .filter { $0 != "ok" && !$0.hasPrefix("***") }.map { String($0).oneLine }
    } catch let error as DatabaseError where error.isDamage {
      return ["\(error)".oneLine]
    }
  }

  /// Reads every row of every table, which can be interrupted.
  private static func scan(_ database: Database, until end: UInt64) throws -> (faults: [String], isWhole: Bool) {
    var faults: [String] = []
    var end = end
    return try withUnsafeMutablePointer(to: &end) { end in
      sqlite3_progress_handler(
        database.sqliteConnection, 10_000,
        { end in
          guard let end = end?.assumingMemoryBound(to: UInt64.self) else { return 0 }
          return DispatchTime.now().uptimeNanoseconds > end.pointee ? 1 : 0
        }, end)
      defer { sqlite3_progress_handler(database.sqliteConnection, 0, nil, nil) }
      do {
        for table in try StoredTable.all(of: database).reversed() {
          let last = table.columns.last?.name ?? "rowid"
          do {
            _ = try Row.fetchOne(database, sql: "SELECT count(*) FROM \(table.name) WHERE typeof(\(last)) = ''")
          } catch let error as DatabaseError where error.isDamage {
            faults.append("\(table.name): \(error)")
          }
        }
        return (faults, true)
      } catch let error as DatabaseError where error.resultCode == .SQLITE_INTERRUPT {
        return (faults, false)
      }
    }
  }
}

extension Connections {
  /// A connection that reads a database whatever its settings, and that expects damage: it does not trust a cell's size.
  static func unchecked(path: String) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.label = "submission.examination"
    configuration.busyMode = .timeout(5)
    configuration.readonly = true
    configuration.prepareDatabase { try $0.execute(sql: "PRAGMA cell_size_check = ON") }
    return try DatabaseQueue(path: path, configuration: configuration)
  }

  /// A connection that reads the database's file alone, as if nobody changed it: it looks at no log, takes no lock and makes no
  /// file. What it reads may be older than the database, or torn.
  static func header(path: String) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.label = "submission.header"
    configuration.readonly = true
    let escaped = path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? path
    // Behind two slashes stands a host, of which an absolute path has none.
    let uri = (escaped.hasPrefix("/") ? "file://" : "file:") + escaped + "?immutable=1"
    return try DatabaseQueue(path: uri, configuration: configuration)
  }
}

extension DatabaseQueue {
  /// Reads one state of a database that may be damaged. The library's own way of reading fails at its end where a
  /// statement has met a damaged page, even if that was expected.
  func examine<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try unsafeRead { database in
      try database.beginTransaction(.deferred)
      defer { try? database.rollback() }
      return try body(database)
    }
  }
}

extension String {
  /// Itself in one line that can be shown.
  var oneLine: String {
    VisibleText.of(split(whereSeparator: \.isWhitespace).joined(separator: " "), limit: 1000)
  }
}

extension DatabaseError {
  /// Whether it says that what is stored cannot be read: it is none of ours, or the disk does not give it back.
  var isDamage: Bool {
    switch extendedResultCode {
    case .SQLITE_IOERR_READ, .SQLITE_IOERR_SHORT_READ, .SQLITE_IOERR_CORRUPTFS, .SQLITE_IOERR_DATA: true
    default: resultCode == .SQLITE_CORRUPT || resultCode == .SQLITE_NOTADB
    }
  }
}
