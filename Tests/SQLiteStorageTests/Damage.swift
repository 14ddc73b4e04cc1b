import Foundation
import GRDB
import SQLiteStorage

/// Damages the files of a closed folder.
struct Damage {
  static let pageSize = 16_384
  let path: String

  var database: String { path + "/submission.sqlite" }

  /// Which of a table's pages.
  enum Place: String, CaseIterable { case root, leaf }
  /// What is done to it.
  enum Kind: String, CaseIterable { case zeros, noise, brokenCells }

  /// The numbers of a table's pages, in order of its keys for leaves.
  func pages(of table: String, _ place: Place) throws -> [Int] {
    let queue = try DatabaseQueue(path: database)
    defer { try? queue.close() }
    return try queue.read { database in
      try Int.fetchAll(
        database,
        sql: """
          SELECT pageno FROM dbstat
          WHERE name = ? AND \(place == .leaf ? "pagetype = 'leaf'" : "path = '/'") ORDER BY path
          """, arguments: [table])
    }
  }

  func overwrite(page: Int, _ kind: Kind) throws {
    var octets = [UInt8](repeating: 0, count: Self.pageSize)
    let offset = UInt64((page - 1) * Self.pageSize)
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: database))
    defer { try? file.close() }
    switch kind {
    case .zeros: break
    case .noise:
      var generator = SystemRandomNumberGenerator()
      for index in octets.indices { octets[index] = UInt8.random(in: 0...255, using: &generator) }
      // Whatever chance says, no kind of page.
      octets[0] = 0x7F
    case .brokenCells:
      try file.seek(toOffset: offset)
      octets = Array(try file.read(upToCount: Self.pageSize) ?? Data())
      for index in (Self.pageSize / 2)..<Self.pageSize { octets[index] = 0xFF }
    }
    try file.seek(toOffset: offset)
    try file.write(contentsOf: Data(octets))
  }

  func flip(_ octet: Int, in file: String) throws {
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file))
    defer { try? handle.close() }
    try handle.seek(toOffset: UInt64(octet))
    let found = try handle.read(upToCount: 1)?.first ?? 0
    try handle.seek(toOffset: UInt64(octet))
    try handle.write(contentsOf: Data([found ^ 1]))
  }

  /// Everything in the folder that a start may not change.
  func contents() throws -> [String: Data] {
    var contents: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
      guard name != "lock", !name.hasSuffix("-shm") else { continue }
      let octets = FileManager.default.contents(atPath: path + "/" + name) ?? Data()
      // An empty log is made by whoever reads.
      if !(name.hasSuffix("-wal") && octets.isEmpty) { contents[name] = octets }
    }
    return contents
  }
}
