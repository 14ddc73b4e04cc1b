import GRDB

/// One step of the schema. Steps are never changed once released; new ones go to the end of ``Schema/migrations``.
struct Migration: Sendable {
  var name: String
  private var sql: String
  private var filling: String

  /// A step that runs these statements.
  ///
  /// - Parameter filling: those that fill the step's new columns from what older versions have.
  init(_ name: String, sql: String, filling: String = "") {
    (self.name, self.sql, self.filling) = (name, sql, filling)
  }

  func apply(_ database: Database) throws {
    try database.execute(sql: sql)
    try fill(database)
  }

  /// Fills the step's columns alone, for rows of an older version that came into a newer database.
  func fill(_ database: Database) throws {
    if !filling.isEmpty { try database.execute(sql: filling) }
  }
}

/// The database's schema. Its version, in SQLite's `user_version`, is the number of steps made.
enum Schema {
  /// Every step, of whichever half of the storage, in the order in which they are made.
  static let migrations: [Migration] = [.queue1, .tenants1, .queue2, .queue3, .queue4]

  static var version: Int { migrations.count }

  /// The version of a database, which must not be above ours.
  static func checkedVersion(of database: Database) throws -> Int {
    let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    try check(found)
    return found
  }

  /// - Throws: ``StorageError`` with code ``StorageError/Code/newerSchema``.
  static func check(_ found: Int) throws {
    guard found <= version else {
      throw StorageError(
        .newerSchema, "the database has version \(found) of the schema, and this program knows \(version)")
    }
  }

  /// Whether a database has tables, of whatever version.
  static func isMade(in database: Database) throws -> Bool {
    if try checkedVersion(of: database) > 0 { return true }
    return try Bool.fetchOne(database, sql: "SELECT EXISTS (SELECT 1 FROM sqlite_schema)") ?? false
  }

  /// What is wrong with a database that has tables and this version, which was read from it.
  static func fault(of version: Int) -> String? { version > 0 ? nil : "the database does not say which version it has" }

  /// Makes the steps that are missing, all or none.
  static func migrate(_ database: Database) throws {
    let found = try checkedVersion(of: database)
    guard found < version else { return }
    try database.inTransaction(.immediate) {
      for migration in migrations[max(0, found)...] { try migration.apply(database) }
      try database.execute(sql: "PRAGMA user_version = \(version)")
      return .commit
    }
  }
}
