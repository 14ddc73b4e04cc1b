import DeliveryQueue
import GRDB
import GRDBSQLite
import MailModel

extension ClaimLedger {
  /// A ledger of all messages that have recipients left, whatever the limits say of them. One pass over a narrow table,
  /// through SQLite's own calls: there may be millions.
  init(limits: QueueLimits, from database: Database) throws {
    self.init(limits: limits)
    let statement = try database.makeStatement(
      sql: "SELECT message, due, size, priority, tenant, destination FROM pending")
    let handle = statement.sqliteStatement
    var tenants = SharedValues<String?> { $0 }
    var destinations = SharedValues { PendingDestination(column: $0) }
    while case let code = sqlite3_step(handle), code != SQLITE_DONE {
      guard code == SQLITE_ROW else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
      let sequence = sqlite3_column_int64(handle, 0)
      let due = Timestamp(milliseconds: sqlite3_column_int64(handle, 1))
      let parts =
        switch destinations.value(of: Self.text(handle, 5)) {
        case .one(let destination): [Part(destination: destination, due: due)]
        case .several: try Self.parts(of: sequence, due: due, on: database)
        }
      insert(
        Entry(
          sequence: sequence, size: max(0, Int(sqlite3_column_int64(handle, 2))),
          tenant: tenants.value(of: Self.text(handle, 4)),
          priority: MessagePriority(rawValue: Int(sqlite3_column_int64(handle, 3))) ?? .normal, parts: parts))
    }
  }

  /// What the recipients of a message say. Where they cannot be understood, they are all in one place, so that a claim comes
  /// upon them and tells.
  private static func parts(of sequence: Int64, due: Timestamp, on database: Database) throws -> [Part] {
    let parts = try QueueReading.understood { try QueueWriting.standings(of: sequence, on: database).parts }
    guard case .success(let parts) = parts, !parts.isEmpty else { return [Part(destination: nil, due: due)] }
    return parts
  }

  private static func text(_ handle: OpaquePointer, _ column: Int32) -> String? {
    sqlite3_column_text(handle, column).map { String(cString: $0) }
  }
}

/// What columns say that hold the same few texts in many rows: each value is made once, and shared by those that have it.
private struct SharedValues<Value> {
  /// Texts that are remembered at most.
  private static var limit: Int { 65_536 }

  private let make: (String?) -> Value
  private var known: [String?: Value] = [:]

  init(_ make: @escaping (String?) -> Value) { self.make = make }

  mutating func value(of text: String?) -> Value {
    if let value = known[text] { return value }
    let value = make(text)
    if known.count >= Self.limit { known = [:] }
    known[text] = value
    return value
  }
}
