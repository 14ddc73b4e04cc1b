import Foundation
import GRDB

/// A row as it lies in a page, in the order of its table's columns.
struct StoredRecord {
  private var values: [DatabaseValue] = []
  private let key: Int64?

  /// Reads SQLite's record format; `nil` where it is none.
  init?(_ payload: [UInt8], key: Int64?) {
    self.key = key
    var place = 0
    guard let header = payload.varint(at: &place), let bodyStart = Int(exactly: header), bodyStart <= payload.count
    else { return nil }
    var body = bodyStart
    while place < bodyStart {
      guard let type = payload.varint(at: &place), let count = Self.count(of: type), body + count <= payload.count,
        let value = Self.value(payload[body..<body + count], type)
      else { return nil }
      values.append(value)
      body += count
    }
    guard place == bodyStart else { return nil }
  }

  private static func count(of type: Int64) -> Int? {
    switch type {
    case 0, 8, 9: 0
    case 1...4: Int(type)
    case 5: 6
    case 6, 7: 8
    case 12...: Int(exactly: (type - 12) / 2)
    default: nil
    }
  }

  private static func value(_ octets: ArraySlice<UInt8>, _ type: Int64) -> DatabaseValue? {
    switch type {
    case 0: return .null
    case 1...6:
      let isNegative = octets.first.map { $0 & 0x80 != 0 } ?? false
      return octets.reduce(isNegative ? -1 : Int64(0)) { $0 << 8 | Int64($1) }.databaseValue
    case 8, 9: return (type - 8).databaseValue
    case 12... where type % 2 == 0: return Data(octets).databaseValue
    case 13...: return String(validating: octets, as: UTF8.self)?.databaseValue
    default: return nil
    }
  }

  /// The values that a row of the table has, if this is one. Columns that a later version of the schema has added stand at
  /// the end, and have their defaults.
  func row(of table: StoredTable) -> [DatabaseValue]? {
    var row = values
    if table.hasIntegerKey {
      guard let key, row.first?.isNull == true else { return nil }
      row[0] = key.databaseValue
    }
    row += table.columns.dropFirst(row.count).map(\.standard)
    return table.fits(row) ? row : nil
  }
}
