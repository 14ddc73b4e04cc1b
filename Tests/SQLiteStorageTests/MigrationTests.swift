import DeliveryQueue
import Foundation
import GRDB
import MailModel
import SQLiteStorage
import Testing

/// Folders that earlier versions of this library made.
@Suite(.serialized) struct MigrationTests {
  private let folders = TemporaryFolders()

  /// What the step `queue 2` added to ``makeFolderOfVersion2(holding:at:)``.
  private func makeFolderOfVersion3(holding id: QueueID, at accepted: Timestamp) async throws -> String {
    let path = try await makeFolderOfVersion2(holding: id, at: accepted)
    let database = try DatabaseQueue(path: path + "/submission.sqlite")
    try await database.write { database in
      try database.execute(
        sql: """
          ALTER TABLE message ADD COLUMN smtputf8 INTEGER;
          ALTER TABLE message ADD COLUMN ret TEXT;
          ALTER TABLE message ADD COLUMN envid TEXT;
          ALTER TABLE message ADD COLUMN submitter TEXT;
          ALTER TABLE recipient ADD COLUMN notify INTEGER;
          ALTER TABLE recipient ADD COLUMN orcpt TEXT;
          PRAGMA user_version = 3;
          """)
    }
    try database.close()
    return path
  }

  /// The schema of version 2 as it was released, with a message for two recipients, of whom one is deferred.
  private func makeFolderOfVersion2(holding id: QueueID, at accepted: Timestamp) async throws -> String {
    let path = folders.newPath()
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    let database = try DatabaseQueue(path: path + "/submission.sqlite")
    try await database.writeWithoutTransaction { database in
      try database.execute(
        sql: """
          PRAGMA page_size = 16384;
          PRAGMA journal_mode = WAL;
          CREATE TABLE message (
            sequence INTEGER PRIMARY KEY, secret INTEGER NOT NULL, tenant TEXT, reverse_path TEXT NOT NULL,
            body_type TEXT NOT NULL, accepted_at INTEGER NOT NULL, size INTEGER NOT NULL
          ) STRICT;
          CREATE TABLE recipient (
            message INTEGER NOT NULL, place INTEGER NOT NULL, path TEXT NOT NULL, state INTEGER NOT NULL,
            attempts INTEGER NOT NULL, next_attempt INTEGER, last_attempt INTEGER, reply_code INTEGER, reply_text TEXT,
            PRIMARY KEY (message, place)
          ) STRICT, WITHOUT ROWID;
          CREATE TABLE content (message INTEGER PRIMARY KEY, spool TEXT, prefix BLOB NOT NULL, body BLOB) STRICT;
          CREATE TABLE pending (message INTEGER PRIMARY KEY, due INTEGER NOT NULL, size INTEGER NOT NULL) STRICT;
          CREATE TABLE instance (id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT;
          CREATE TABLE configuration (
            id TEXT PRIMARY KEY, instance TEXT NOT NULL REFERENCES instance, name TEXT NOT NULL, details TEXT NOT NULL,
            domain TEXT NOT NULL
          ) STRICT;
          CREATE TABLE smtp_user (
            id TEXT PRIMARY KEY, configuration TEXT NOT NULL REFERENCES configuration, username TEXT NOT NULL,
            verifier TEXT NOT NULL
          ) STRICT;
          CREATE TABLE access_policy (
            instance TEXT PRIMARY KEY REFERENCES instance, document TEXT NOT NULL
          ) STRICT;
          PRAGMA user_version = 2;
          """)
      let (sequence, time) = (id.sequence, accepted.milliseconds)
      try database.execute(
        sql: "INSERT INTO message VALUES (?, ?, 'tenant', 'sender@example.com', '8BITMIME', ?, 20)",
        arguments: [sequence, Int64(bitPattern: id.secret), time])
      try database.execute(
        sql: """
          INSERT INTO recipient VALUES
            (?, 0, 'one@example.org', 1, 1, ?, ?, 451, '451 4.7.1 Later'), (?, 1, 'postmaster', 0, 0, ?, NULL, NULL, NULL)
          """, arguments: [sequence, time, time, sequence, time])
      try database.execute(
        sql: "INSERT INTO content VALUES (?, NULL, ?, ?)",
        arguments: [sequence, Data("Subject: x\r\n\r\n".utf8), Data("Hello\n".utf8)])
      try database.execute(sql: "INSERT INTO pending VALUES (?, ?, 20)", arguments: [sequence, time])
    }
    try database.close()
    return path
  }

  @Test func mailQueuedByAnEarlierVersionIsDelivered() async throws {
    let now = SystemTime().now()
    let id = Mail.ids.next(at: now)
    let path = try await makeFolderOfVersion2(holding: id, at: now)
    let folder = try await folders.open(path)
    #expect(folder.queue.greatestSequence == id.sequence)
    let request = ClaimRequest(limit: 10, now: now, leasedUntil: now + .seconds(60))
    let claim = try #require(try await folder.queue.claim(request).claims.first)
    let paths = [try #require(ForwardPath("one@example.org")), .postmaster]
    #expect(
      claim
        == Claim(
          id: id, token: claim.token, tenant: "tenant", reversePath: try #require(ReversePath("sender@example.com")),
          parameters: MessageParameters(bodyType: .eightBitMIME), acceptedAt: now, size: 20,
          recipients: [
            ClaimedRecipient(index: 0, path: paths[0], attempts: 1),
            ClaimedRecipient(index: 1, path: paths[1], attempts: 0),
          ]))
    #expect(try await folder.queue.readAll(id) == Array("Subject: x\r\n\r\nHello\n".utf8))
    let changes = [0, 1].map { Settlement.Change(index: $0, state: .delivered, reply: nil) }
    try await folder.queue.settle(Settlement(id: id, token: claim.token, at: now, changes: changes))
    await folder.close()

    let again = try await folders.open(path)
    let status = try #require(try await again.queue.status(of: id))
    #expect(status.isFinal)
    #expect(status.recipients[0].reply == DeliveryReply(code: 451, text: "451 4.7.1 Later"))
  }

  @Test func aFolderOfAnEarlierVersionTakesWhatNewMailAsks() async throws {
    let now = SystemTime().now()
    let path = try await makeFolderOfVersion2(holding: Mail.ids.next(at: now + .seconds(-60)), at: now + .seconds(3600))
    let store = try await folders.open(path).queue
    var message = Mail.message(at: now)
    message.envelope.parameters.envelopeID = EnvelopeID("new mail")
    message.envelope.recipients[1].parameters.notifications = .never
    try await store.enqueue(message)
    let request = ClaimRequest(limit: 10, now: now, leasedUntil: now + .seconds(60))
    let claim = try #require(try await store.claim(request).claims.first)
    #expect(claim.parameters == message.envelope.parameters)
    #expect(claim.recipients.map(\.parameters) == message.envelope.recipients.map(\.parameters))
  }

  /// A reader changes nothing, and does not read half.
  @Test func aReaderSaysThatTheFolderIsToBeBroughtUp() async throws {
    let now = SystemTime().now()
    let id = Mail.ids.next(at: now)
    let path = try await makeFolderOfVersion2(holding: id, at: now)
    await #expect { try await SQLiteQueueReader(folder: path) } throws: { error in
      let error = error as? StorageError
      return error?.code == .olderSchema && error?.message.contains("brings it up") == true
    }
    await (try folders.open(path)).close()
    #expect(try await SQLiteQueueReader(folder: path).status(of: id) != nil)
  }

  /// What is open is counted when the columns for that are made.
  @Test func recipientsOfAnEarlierVersionAreCounted() async throws {
    let now = SystemTime().now()
    let id = Mail.ids.next(at: now)
    let path = try await makeFolderOfVersion3(holding: id, at: now)
    let later = [Mail.ids.next(at: now), Mail.ids.next(at: now)].map(\.sequence)
    let database = try DatabaseQueue(path: path + "/submission.sqlite")
    try await database.write { database in
      // A third recipient that is final; one message of which all are queued, and one that is finished.
      try database.execute(
        sql: """
          INSERT INTO recipient (message, place, path, state, attempts) VALUES (\(id.sequence), 2, 'x@example.org', 2, 1);
          INSERT INTO message (sequence, secret, reverse_path, body_type, accepted_at, size)
            VALUES (\(later[0]), 1, '', '7BIT', 5, 30), (\(later[1]), 1, '', '7BIT', 5, 40);
          INSERT INTO recipient (message, place, path, state, attempts, next_attempt) VALUES
            (\(later[0]), 0, 'a@example.org', 0, 0, 5), (\(later[0]), 1, 'b@example.org', 0, 0, 5),
            (\(later[1]), 0, 'c@example.org', 3, 1, NULL);
          INSERT INTO content VALUES (\(later[0]), NULL, x'0D0A', x'');
          INSERT INTO pending VALUES (\(later[0]), 5, 30);
          """)
    }
    try database.close()
    let folder = try await folders.open(path)
    let rows = try await folder.resources.writer.perform { database in
      try Row.fetchAll(database, sql: "SELECT message, queued, deferred, held FROM pending ORDER BY message").map {
        [$0[0], $0[1], $0[2], $0[3]] as [Int64]
      }
    }
    #expect(rows == [[id.sequence, 1, 1, 0], [later[0], 2, 0, 0]])
    let summary = QueueSummary(messages: 2, octets: 50, recipients: [.queued: 3, .deferred: 1], oldest: now)
    #expect(try await folder.queue.summary() == summary)
    let hold = QueueOrder(.hold, by: "Ada", because: "a test", at: now)
    #expect(try await folder.queue.apply(hold, to: .everything).recipients == 4)
    #expect(try await folder.queue.summary().recipients == [.held: 4])
  }

  /// What an earlier version did not store is derived when a damaged folder of it is repaired, and no fault of any message.
  @Test(arguments: [2, 3, 4]) func aDamagedFolderOfAnEarlierVersionIsRepaired(version: Int) async throws {
    let now = SystemTime().now()
    let id = Mail.ids.next(at: now)
    let path =
      try await version == 2 ? makeFolderOfVersion2(holding: id, at: now) : makeFolderOfVersion3(holding: id, at: now)
    if version == 4 { try await bringUpToVersion4(path) }
    let damage = Damage(path: path)
    try damage.overwrite(page: try #require(try damage.pages(of: "instance", .root).first), .noise)
    let report = try await StorageMaintenance.repair(path, by: "me", at: now, logger: .silent)
    #expect(!report.findings.isEmpty)
    #expect(report.findings.allSatisfy { $0.kind == .database })
    #expect(try await StorageMaintenance.check(path).findings == [])
    var request = ClaimRequest(limit: 10, now: now, leasedUntil: now + .seconds(60))
    request.site = { DeliverySite($0) }
    let claims = try await folders.open(path).queue.claim(request).claims
    #expect(
      claims.map { "\($0.site) \($0.tenant ?? "-")" }.sorted() == ["example.org tenant", "postmaster tenant"])
  }

  /// The steps of the schema from version 3 to version 4.
  private func bringUpToVersion4(_ path: String) async throws {
    let database = try DatabaseQueue(path: path + "/submission.sqlite")
    try await database.write { database in
      try database.execute(
        sql: """
          ALTER TABLE pending ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;
          ALTER TABLE pending ADD COLUMN deferred INTEGER NOT NULL DEFAULT 0;
          ALTER TABLE pending ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
          UPDATE pending SET queued = 1, deferred = 1;
          CREATE TABLE operator_order (
            message INTEGER NOT NULL, place INTEGER NOT NULL, action TEXT NOT NULL, operator TEXT NOT NULL,
            reason TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (message, place)
          ) STRICT, WITHOUT ROWID;
          ALTER TABLE content ADD COLUMN digest BLOB;
          CREATE INDEX content_spool ON content (spool) WHERE spool IS NOT NULL;
          PRAGMA user_version = 4;
          """)
    }
    try database.close()
  }

  /// The recipients that are left tell where a message is to go.
  @Test(arguments: [
    (["one@example.org"], "example.org"), (["one@example.org", "two@example.org"], "example.org"),
    (["postmaster"], ""), (["one@[192.0.2.1]"], "[192.0.2.1]"), (["\"a@b\"@example.org"], "example.org"),
    (["one@example.org", "two@example.net"], nil), (["one@example.org", "postmaster"], nil),
    (["one@example.org", "final@example.net"], "example.org"),
  ])
  func destinationsOfAnEarlierVersionAreKnown(paths: [String], destination: String?) async throws {
    let now = SystemTime().now()
    let path = try await makeFolderOfVersion3(holding: Mail.ids.next(at: now), at: now)
    let id = Mail.ids.next(at: now)
    let database = try DatabaseQueue(path: path + "/submission.sqlite")
    try await database.write { database in
      try database.execute(
        sql: """
          INSERT INTO message (sequence, secret, tenant, reverse_path, body_type, accepted_at, size)
            VALUES (\(id.sequence), ?, 'theirs', '', '7BIT', 5, 2);
          INSERT INTO content VALUES (\(id.sequence), NULL, x'0D0A', x'');
          INSERT INTO pending VALUES (\(id.sequence), 5, 2);
          """, arguments: [Int64(bitPattern: id.secret)])
      for (place, text) in paths.enumerated() {
        let state = text.hasPrefix("final") ? 2 : place % 2
        try database.execute(
          sql: "INSERT INTO recipient (message, place, path, state, attempts, next_attempt) VALUES (?, ?, ?, ?, 0, 5)",
          arguments: [id.sequence, place, text, state])
      }
    }
    try database.close()
    let folder = try await folders.open(path)
    let columns = try await folder.resources.writer.perform { database in
      try Row.fetchOne(
        database, sql: "SELECT tenant, priority, destination FROM pending WHERE message = ?", arguments: [id.sequence]
      ).map { Array($0.databaseValues) }
    }
    #expect(columns == ["theirs".databaseValue, 1.databaseValue, destination?.databaseValue ?? .null])
    #expect(try await StorageMaintenance.check(path).findings == [])
    var request = ClaimRequest(limit: 10, now: now, leasedUntil: now + .seconds(60))
    request.site = { DeliverySite($0) }
    let claimed = try await folder.queue.claim(request).claims.filter { $0.id == id }.flatMap(\.recipients)
    #expect(claimed.count == paths.count { !$0.hasPrefix("final") })
  }
}
