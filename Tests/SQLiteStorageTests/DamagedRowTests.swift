import DeliveryQueue
import GRDB
import Logging
import MailModel
import SQLiteStorage
import SMTPTesting
import Testing

/// Rows whose columns hold what they cannot hold, as damage within a page makes them: an error, and never the end of the
/// process.
@Suite(.serialized) struct DamagedRowTests {
  private let folders = TemporaryFolders()

  static let columns = [
    ("message", "secret"), ("message", "tenant"), ("message", "reverse_path"), ("message", "accepted_at"),
    ("message", "size"), ("message", "body_type"), ("message", "smtputf8"), ("message", "envid"),
    ("recipient", "path"), ("recipient", "state"), ("recipient", "attempts"), ("recipient", "next_attempt"),
    ("recipient", "notify"), ("recipient", "orcpt"), ("content", "prefix"), ("content", "body"), ("content", "digest"),
    ("content", "spool"),
  ]
  static let values = ["x'FF00'", "'text'", "1.5", "NULL"]

  /// Writes values past the types of the tables, which SQLite checks where it writes.
  private func damage(_ folder: StorageFolder, _ column: (table: String, name: String), _ value: String) async throws {
    try await folder.resources.writer.perform { database in
      try database.execute(
        sql: """
          PRAGMA writable_schema = ON;
          UPDATE sqlite_schema SET sql = replace(replace(replace(sql, ') STRICT, WITHOUT', ') WITHOUT'), ') STRICT', ')'),
            ' NOT NULL', '') WHERE type = 'table';
          PRAGMA writable_schema = RESET;
          """)
      try database.execute(sql: "UPDATE \(column.table) SET \(column.name) = \(value)")
    }
  }

  @Test(arguments: columns, values) func aDamagedRowIsAnError(column: (String, String), value: String) async throws {
    let path = folders.newPath()
    let first = try await folders.open(path)
    let message = Mail.message()
    try await first.queue.enqueue(message)
    await first.close()
    let folder = try await folders.open(path)
    let store = folder.queue
    try await damage(folder, column, value)
    // Each of these may fail, or give what could be understood.
    _ = try? await store.status(of: message.id)
    _ = try? await store.messages(.everything, after: nil, limit: 10)
    _ = try? await store.counts(.everything, by: .destination, limit: 10)
    _ = try? await store.counts(.everything, by: .tenant, limit: 10)
    _ = try? await store.summary()
    _ = try? await store.recipientCounts()
    _ = try? await store.content(of: message.id)
    try? await store.forget(finishedBefore: message.acceptedAt + .seconds(1))
    let order = QueueOrder(.hold, by: "me", because: "I say so", at: message.acceptedAt)
    _ = try? await store.apply(order, to: .everything)
    let now = SystemTime().now() + .seconds(1)
    _ = try? await store.claim(ClaimRequest(limit: 1, now: now, leasedUntil: now + .seconds(60)))
    await folder.close()
  }

  @Test(arguments: [("message", "reverse_path"), ("message", "size"), ("recipient", "path"), ("recipient", "attempts")])
  func whatIsDamagedIsToldAndPutOff(column: (String, String)) async throws {
    let path = folders.newPath()
    let first = try await folders.open(path)
    let message = Mail.message()
    try await first.queue.enqueue(message)
    await first.close()
    let log = RecordingLog(level: .debug)
    let folder = try await folders.open(path, logger: log.logger)
    try await damage(folder, column, "x'FF00'")
    await #expect { try await folder.queue.status(of: message.id) } throws: { code($0) == .damaged }
    let now = SystemTime().now()
    let batch = try await folder.queue.claim(ClaimRequest(limit: 1, now: now, leasedUntil: now + .seconds(60)))
    #expect(batch.claims.isEmpty)
    #expect(log.lines.map { $0["queue-id"] } == [message.id.description])
  }
}
