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

  /// Queues messages of which only the last can be read.
  private func enqueue(_ count: Int, beforeOneIn folder: StorageFolder) async throws -> QueueID {
    let messages = (0...count).map { _ in Mail.message() }
    for message in messages { try await folder.queue.enqueue(message) }
    let last = messages[count].id.sequence
    try await folder.resources.writer.perform {
      try $0.execute(sql: "UPDATE recipient SET path = 'no address' WHERE message < ?", arguments: [last])
    }
    for message in messages { folder.queue.forget(message.id.sequence) }
    return messages[count].id
  }

  /// A site begins with two deliveries at once, which are not for what cannot be read; 128 are tried by one claim, and then
  /// by another one at once.
  @Test(arguments: [1, 3, 127, 128, 200]) func whatIsDamagedHoldsUpNothingElse(count: Int) async throws {
    let folder = try await folders.open()
    let last = try await enqueue(count, beforeOneIn: folder)
    let now = SystemTime().now()
    var request = ClaimRequest(limit: 20, now: now, leasedUntil: now + .seconds(60))
    request.rules = SchedulingRules()
    var batch = try await folder.queue.claim(request)
    #expect(batch.claims.map(\.id) == (count < 128 ? [last] : []))
    #expect(batch.nextDue == (count < 127 ? now + .seconds(60) : now))
    if count >= 128 {
      batch = try await folder.queue.claim(request)
      #expect(batch.claims.map(\.id) == [last])
    }
    batch = try await folder.queue.claim(request)
    #expect(batch.claims == [])
    #expect(batch.nextDue == now + .seconds(60))
    #expect(!batch.awaitsEnd)
  }

  /// What is given back is no delivery at its site, and no probe of it.
  @Test func whatIsDamagedProbesNothing() async throws {
    let folder = try await folders.open()
    try await folder.queue.enqueue(Mail.message())
    let now = SystemTime().now()
    var request = ClaimRequest(limit: 20, now: now, leasedUntil: .never)
    request.rules.failuresBeforePause = 1
    let first = try #require(try await folder.queue.claim(request).claims.first)
    let last = try await enqueue(3, beforeOneIn: folder)
    request.ended = [DeliveryEnd(token: first.token, condition: .failed("no route to it"))]
    request.now = SystemTime().now()
    let paused = try await folder.queue.claim(request)
    #expect(paused.claims == [] && paused.siteChanges.count == 1)
    (request.ended, request.now) = ([], try #require(paused.nextDue))
    let probe = try await folder.queue.claim(request)
    #expect(probe.claims.map(\.id) == [last])
    #expect(probe.claims.map(\.suspension) == [nil])
    request.ended = probe.claims.map { DeliveryEnd(token: $0.token, condition: .working) }
    #expect(try await folder.queue.claim(request).siteChanges.map(\.kind) == [.resumed])
  }
}
