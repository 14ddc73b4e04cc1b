import GRDB

/// Goes through all messages of a database in the order of their keys, a slice at a time, past pages that cannot be read:
/// a message is found by any of the tables that name it.
struct MessageWalk {
  /// Messages in a slice. One transaction reads them, which keeps a server from emptying its log.
  static let slice = 200

  private var last: Int64 = -1
  private(set) var isOver = false

  /// The keys of the next slice; none at the end.
  mutating func next(on database: Database) throws -> [Int64] {
    var keys: Set<Int64> = []
    // Behind the last key that a table gave when it had more, that table has to be asked again.
    var horizon = Int64.max
    for table in ["message", "recipient", "content", "pending"] {
      let (found, hasMore) = try Self.keys(of: table, behind: last, on: database)
      keys.formUnion(found)
      if hasMore, let greatest = found.last { horizon = min(horizon, greatest) }
    }
    let slice = keys.filter { $0 <= horizon }.sorted()
    isOver = slice.isEmpty
    last = slice.last ?? last
    return slice
  }

  /// A slice of a table's keys, and whether it may have more. What cannot be read ends it; the slices behind begin
  /// behind it, where other tables know of a message there.
  private static func keys(
    of table: String, behind last: Int64, on database: Database
  ) throws -> (keys: [Int64], hasMore: Bool) {
    let key = StoredMessage.key(of: table)
    let statement = try database.cachedStatement(
      sql: "SELECT DISTINCT \(key) FROM \(table) WHERE \(key) > ? ORDER BY \(key)")
    var keys: [Int64] = []
    do {
      let rows = try Row.fetchCursor(statement, arguments: [last])
      while keys.count < slice, let row = try rows.next() {
        if let found = Int64.fromDatabaseValue(row[0]), found > (keys.last ?? last) { keys.append(found) }
      }
    } catch let error as DatabaseError where error.isDamage {
      return (keys, false)
    }
    return (keys, keys.count == slice)
  }
}
