import DeliveryQueue
import Foundation
import GRDB
import MailModel

/// Looks through a folder without changing anything. Blocks.
struct FolderExamination {
  let path: String
  private(set) var report = StorageReport()

  init(path: String) { self.path = path }

  var spool: String { path + "/" + FolderResources.spoolName }

  mutating func add(_ finding: StorageFinding) { report.add(finding) }

  mutating func add(faults: [String]) {
    for fault in faults {
      add(StorageFinding(.database, file: FolderResources.databaseName, text: fault.oneLine))
    }
  }

  /// Does something that damage of the database may stop, and makes a finding of that.
  mutating func tolerating<Value>(_ body: (inout FolderExamination) throws -> Value) throws -> Value? {
    do {
      return try body(&self)
    } catch let error as DatabaseError where error.isDamage {
      add(faults: ["\(error)"])
      return nil
    }
  }

  /// Looks at every message, or at those that the time allows.
  ///
  /// - Parameters:
  ///   - isSalvaged: whether the database is what was left of a damaged one.
  ///   - repair: is given what is damaged, and answers with what it did; `nil` in a check.
  /// - Returns: whether all were looked at.
  mutating func examineMessages(
    of database: DatabaseQueue, depth: StoredMessage.Depth, until end: ContinuousClock.Instant? = nil,
    isSalvaged: Bool = false, repair: ((StoredMessage) throws -> [StorageFinding])? = nil
  ) throws -> Bool {
    let tables = try database.examine { try StoredMessage.tables(of: $0) }
    func read(_ key: Int64, on database: Database) throws -> StoredMessage {
      try StoredMessage(key, tables: tables, spool: spool, depth: depth, isSalvaged: isSalvaged, on: database)
    }
    var walk = MessageWalk()
    while !walk.isOver {
      if let end, ContinuousClock.now > end { return false }
      let (keys, suspects) = try database.examine { database in
        let keys = try walk.next(on: database)
        return (keys, try keys.filter { try !read($0, on: database).isSound })
      }
      report.messages += keys.count
      for key in suspects {
        // Read again: a server may have finished the message while its spool file was looked at.
        let message = try database.examine { try read(key, on: $0) }
        guard !message.isSound else { continue }
        for finding in try repair?(message) ?? message.findings { add(finding) }
      }
    }
    return true
  }

  /// Whether every spool file that a queued message names is there, and as long as it should be.
  mutating func examineSpoolSizes(of database: Database) throws {
    let rows = try Row.fetchCursor(
      database,
      sql: """
        SELECT spool, size - length(prefix) FROM content JOIN message ON sequence = message
        WHERE spool IS NOT NULL
        """)
    while let row = try rows.next() {
      guard let name = String.fromDatabaseValue(row[0]), let count = Int.fromDatabaseValue(row[1]) else { continue }
      let text: String
      let kind: StorageFinding.Kind
      switch SpoolFile(path: spool + "/" + name, count: count).examineSize() {
      case nil: continue
      case .size(let found):
        (kind, text) = (.spoolFileSize, "the message's spool file has \(found) octets, and should have \(count)")
      default: (kind, text) = (.spoolFileMissing, "the message's spool file is not there")
      }
      add(StorageFinding(kind, queueID: QueueID(name), file: "\(FolderResources.spoolName)/\(name)", text: text))
    }
  }

  /// Names the files of the spool that no queued message names.
  func orphans(of database: DatabaseQueue) throws -> [String] {
    let files = FileManager.default
    guard files.fileExists(atPath: spool) else { return [] }
    return try files.contentsOfDirectory(atPath: spool).sorted().filter { name in
      guard let id = Spool.queueID(ofFile: name) else { return false }
      guard !Spool.isPart(name) else { return true }
      return try database.examine { database in
        try Bool.fetchOne(
          database, sql: "SELECT NOT EXISTS (SELECT 1 FROM content WHERE message = ? AND spool = ?)",
          arguments: [id.sequence, id.description]) ?? true
      }
    }
  }
}

extension StoredMessage {
  /// Whether nothing is wrong.
  var isSound: Bool { faults.isEmpty && pendingFault == nil }

  /// Everything that is wrong.
  var findings: [StorageFinding] { faults + (pendingFault.map { [$0] } ?? []) }
}
