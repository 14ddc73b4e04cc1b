import Foundation
import GRDB

/// A table as the schema describes it, to tell a row that it can have from one that only damage explains.
struct StoredTable: Sendable {
  enum Kind: Sendable { case integer, text, blob }
  struct Column: Sendable {
    var name: String
    var kind: Kind
    var isOptional = false
    /// What stands in it where nothing else was given.
    var standard = DatabaseValue.null
  }

  var name: String
  var columns: [Column]
  /// What tells its rows apart.
  var key: [String]
  /// Whether its first column is the key that its rows are stored under.
  var hasIntegerKey: Bool
  /// Whether its rows are stored in the order of their whole key.
  var isWithoutRowID: Bool

  /// Reads what the columns of a database's table are.
  init(_ name: String, of database: Database) throws {
    self.name = name
    let primaryKey = try database.primaryKey(name)
    key = primaryKey.columns
    hasIntegerKey = primaryKey.rowIDColumn != nil
    isWithoutRowID =
      try Bool.fetchOne(
        database, sql: "SELECT sql LIKE '%WITHOUT ROWID' FROM sqlite_schema WHERE name = ?", arguments: [name]) ?? false
    columns = try database.columns(in: name).map { column in
      let kind: Kind =
        switch column.type {
        case "INTEGER": .integer
        case "BLOB": .blob
        default: .text
        }
      return Column(
        name: column.name, kind: kind, isOptional: !column.isNotNull && !primaryKey.columns.contains(column.name),
        standard: column.defaultValueSQL.flatMap { Int64($0) }?.databaseValue ?? .null)
    }
  }

  /// Whether a row can stand in the table.
  func fits(_ values: [DatabaseValue]) -> Bool {
    values.count == columns.count
      && zip(values, columns).allSatisfy { value, column in
        switch value.storage {
        case .null: column.isOptional
        case .int64: column.kind == .integer
        case .string: column.kind == .text
        case .blob: column.kind == .blob
        case .double: false
        }
      }
  }

  /// The tables of a schema, in the order in which one refers to another.
  static func all(of database: Database) throws -> [StoredTable] {
    let names = try String.fetchAll(
      database, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY rowid")
    return try names.map { try StoredTable($0, of: database) }
  }
}
