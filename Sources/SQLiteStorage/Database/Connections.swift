import Foundation
import GRDB
import GRDBSQLite

/// Opens connections as durability asks for it.
///
/// The settings are made in `prepareDatabase` with GRDB's journal mode left alone, since its own WAL mode sets
/// `synchronous` back to NORMAL, which loses acknowledged messages in a power cut. They are read back after opening.
enum Connections {
  /// Pages in the log from which on a commit copies them into the database. Small, so that no commit takes long; smaller
  /// still, the copying would cost more syncs than the commits.
  private static let checkpointPages = 600
  /// Octets to which a log is cut that grew beyond them, while a reader kept it from being copied.
  private static let logLimit = 64 << 20

  /// The one connection that writes and copies the log.
  ///
  /// What is deleted is overwritten only in pages that are written anyhow (`secure_delete`): some builds of SQLite would
  /// write every page that becomes free once more.
  static func writer(path: String) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.label = "submission.writer"
    configuration.busyMode = .timeout(5)
    configuration.prepareDatabase { database in
      try database.execute(
        sql: """
          PRAGMA page_size = 16384;
          PRAGMA journal_mode = WAL;
          PRAGMA synchronous = FULL;
          PRAGMA journal_size_limit = \(logLimit);
          PRAGMA cache_size = -32768;
          PRAGMA secure_delete = FAST;
          """)
      keepLogAtClose(database)
      checkpointAfterCommits(database)
    }
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    try queue.read { database in
      try check(database, "page_size", is: "16384")
      try check(database, "journal_mode", is: "wal")
      try check(database, "synchronous", is: "2")
      try check(database, "foreign_keys", is: "1")
    }
    return queue
  }

  /// A connection that can neither write nor copy the log. The database must be there.
  static func reader(path: String, label: String) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.label = label
    configuration.busyMode = .timeout(5)
    configuration.readonly = true
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    try queue.read { try check($0, "journal_mode", is: "wal") }
    return queue
  }

  /// Copies the whole log into the database and empties it, which must be done before anything is accepted.
  ///
  /// A process may have ended since a sync failed. What it wrote then is read like the rest of the log, though it may
  /// not be on the disk, and a commit behind it would be lost with it. What was copied has been written and synced anew.
  ///
  /// - Throws: ``StorageError`` with code ``StorageError/Code/cannotOpen``, also where a reader keeps the log.
  static func emptyLog(of database: Database) throws {
    do {
      _ = try database.checkpoint(.truncate)
    } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
      throw StorageError(
        .cannotOpen, "another process has been reading the database for seconds; end it, and start again", cause: error)
    } catch {
      throw StorageError(.cannotOpen, "the database's log cannot be copied into the database", cause: error)
    }
  }

  /// Whether an error says that a quota is used up. SQLite knows a disk that is full alone, and calls this a failure to
  /// write.
  static func isQuotaUsedUp(_ code: ResultCode, _ systemError: Int32) -> Bool {
    code == .SQLITE_IOERR_WRITE && systemError == EDQUOT
  }

  private static func check(_ database: Database, _ setting: String, is expected: String) throws {
    let found = try String.fetchOne(database, sql: "PRAGMA \(setting)") ?? ""
    guard found == expected else {
      throw StorageError(.cannotOpen, "the database's \(setting) is \(found), and must be \(expected)")
    }
  }

  /// Leaves the log's two files where they are at the end, so that a reader of another process need not make them.
  private static func keepLogAtClose(_ database: Database) {
    var persist: Int32 = 1
    sqlite3_file_control(database.sqliteConnection, nil, SQLITE_FCNTL_PERSIST_WAL, &persist)
  }

  /// Does what `PRAGMA wal_autocheckpoint` does, but for one thing: when the copy cannot be synced, the commit fails.
  /// SQLite itself says nothing then and tries again, though the system may have dropped what it could not write.
  private static func checkpointAfterCommits(_ database: Database) {
    sqlite3_wal_hook(
      database.sqliteConnection,
      { _, connection, _, pages in
        guard pages >= Connections.checkpointPages else { return SQLITE_OK }
        let code = sqlite3_wal_checkpoint_v2(connection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
        // Without room, full or by quota, the log only grows: the commit itself is kept.
        let isFull = Connections.isQuotaUsedUp(ResultCode(rawValue: code), sqlite3_system_errno(connection))
        return code & 0xFF == SQLITE_IOERR && !isFull ? code : SQLITE_OK
      }, nil)
  }
}
