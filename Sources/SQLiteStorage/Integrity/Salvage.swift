import Foundation
import GRDB

/// Copies every row that can be read from a damaged database into a new one. Blocks.
///
/// It reads the pages themselves: first those that hang on the tables' roots; then, where some of them were damaged, all
/// pages that hang on nothing any more. A page of the second kind belongs to the one table that its rows fit. Free pages,
/// which may hold what is long gone, are left alone as far as the list of them can be read.
struct Salvage {
  /// Pages whose rows are written in one transaction.
  private static let pagesPerTransaction = 256

  private let pages: DatabasePages
  private let tables: [StoredTable]
  private let roots: [(table: StoredTable, page: Int)]
  /// Of the schema that the rows were written under; ours where nothing tells.
  private let version: Int
  private let new: DatabaseQueue
  private var seen: Set<Int> = []
  private var batch: [(table: StoredTable, row: [DatabaseValue])] = []
  private var pagesInBatch = 0

  /// What was lost for good.
  private(set) var damagedPages = 0
  private(set) var damagedRows = 0
  private(set) var foundPages = 0

  /// - Parameters:
  ///   - copy: a copy of the damaged database, with its log, which this may change.
  ///   - new: an empty database of our schema.
  init(copy path: String, into new: DatabaseQueue) throws {
    self.new = new
    tables = try new.read { try StoredTable.all(of: $0) }
    try Self.makeReadable(path, by: new)
    roots = (try? Self.roots(of: tables, in: path)) ?? []
    version = (try? Self.version(of: path)) ?? Schema.version
    pages = try DatabasePages(path: path)
  }

  /// Gives a database a first page that SQLite can read, where it has none, and brings the log into the file.
  ///
  /// The first page says where the tables begin. The schema is always made in the same steps, so that of a new database
  /// says the same, unless rows were stored between two versions of the schema; then rows are found by their form.
  private static func makeReadable(_ path: String, by new: DatabaseQueue) throws {
    // Where the file is missing or empty, SQLite would throw its log away.
    if try OpenFile(path, O_RDONLY | O_CREAT).size() > 0, emptyLog(path) { return }
    let first = try new.writeWithoutTransaction { database in
      _ = try database.checkpoint(.truncate)
      return try OpenFile(new.path, O_RDONLY).read(from: 0, limit: DatabasePages.pageSize)
    }
    try OpenFile(path, O_WRONLY).write(first)
    _ = emptyLog(path)
  }

  /// - Returns: whether SQLite can open the database at all.
  private static func emptyLog(_ path: String) -> Bool {
    do {
      let connection = try Connections.writer(path: path)
      defer { try? connection.close() }
      try connection.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
      return try connection.examine { try String.fetchOne($0, sql: "SELECT name FROM sqlite_schema") != nil }
    } catch {
      return false
    }
  }

  private static func version(of path: String) throws -> Int {
    let connection = try Connections.unchecked(path: path)
    defer { try? connection.close() }
    let version = try connection.examine { try Schema.checkedVersion(of: $0) }
    return Schema.fault(of: version) == nil ? version : Schema.version
  }

  private static func roots(of tables: [StoredTable], in path: String) throws -> [(StoredTable, Int)] {
    let connection = try Connections.unchecked(path: path)
    defer { try? connection.close() }
    return tables.compactMap { table in
      let root = try? connection.examine { database in
        try Int.fetchOne(
          database, sql: "SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = ?", arguments: [table.name]
        )
      }
      return root.flatMap { root in (table, root) }
    }
  }

  /// Copies what can be read.
  mutating func run() throws {
    seen = [1]
    try new.writeWithoutTransaction { try $0.execute(sql: "PRAGMA foreign_keys = OFF") }
    for (table, root) in roots { try copy(root, of: table) }
    if damagedPages > 0 || roots.count < tables.count { try copyLost() }
    try flush()
    // What an older version does not have is no damage.
    try new.write { database in
      for migration in Schema.migrations.dropFirst(version) { try migration.fill(database) }
    }
    try new.writeWithoutTransaction { try $0.execute(sql: "PRAGMA foreign_keys = ON") }
  }

  private mutating func copy(_ root: Int, of table: StoredTable) throws {
    var waiting = [root]
    var visited: Set<Int> = []
    while let number = waiting.popLast() {
      guard !seen.contains(number), visited.insert(number).inserted else { continue }
      guard let node = try pages.node(number), node.kind.isOf(table) else {
        damagedPages += 1
        continue
      }
      let rows = try rows(of: node, as: table)
      guard node.cells.isEmpty || !rows.isEmpty else {
        // Another's page, that a damaged one names.
        damagedPages += 1
        continue
      }
      seen.insert(number)
      waiting += node.children.reversed()
      damagedRows += node.cells.count - rows.count
      try add(rows, of: table)
    }
  }

  private mutating func copyLost() throws {
    let free = try pages.free()
    for number in 1...max(1, pages.count) where !seen.contains(number) && !free.contains(number) {
      guard let node = try pages.node(number), !node.cells.isEmpty else { continue }
      let fitting = try tables.filter { node.kind.isOf($0) }
        .map { (table: $0, rows: try rows(of: node, as: $0)) }.filter { !$0.rows.isEmpty }
      guard fitting.count == 1 else { continue }
      foundPages += 1
      try add(fitting[0].rows, of: fitting[0].table)
    }
  }

  /// The rows of a page that the table can have.
  private func rows(of node: Node, as table: StoredTable) throws -> [[DatabaseValue]] {
    try node.cells.compactMap { try pages.record(of: $0, in: node)?.row(of: table) }
  }

  private mutating func add(_ rows: [[DatabaseValue]], of table: StoredTable) throws {
    batch += rows.map { (table, $0) }
    pagesInBatch += 1
    if pagesInBatch >= Self.pagesPerTransaction { try flush() }
  }

  /// A row that was found on its table's own pages goes before one that was found elsewhere.
  private mutating func flush() throws {
    try new.write { [batch] database in
      for (table, row) in batch {
        let marks = Array(repeating: "?", count: row.count).joined(separator: ", ")
        let statement = try database.cachedStatement(sql: "INSERT OR IGNORE INTO \(table.name) VALUES (\(marks))")
        try statement.execute(arguments: StatementArguments(row))
      }
    }
    (batch, pagesInBatch) = ([], 0)
  }
}

extension Node.Kind {
  /// Whether a table's rows can lie in such a page.
  fileprivate func isOf(_ table: StoredTable) -> Bool {
    switch self {
    case .interiorTable, .leafTable: !table.isWithoutRowID
    case .interiorIndex, .leafIndex: table.isWithoutRowID
    }
  }
}
