import DeliveryQueue
import Foundation
import GRDB
import Logging
import MailModel
import SQLiteStorage
import SMTPTesting
import Testing

/// That damage is told, that no server starts over it, and that a repair leaves everything else as it was.
@Suite(.serialized) struct StorageMaintenanceTests {
  private let folders = TemporaryFolders()
  private let now = Timestamp(milliseconds: 1_800_000_000_000)

  /// A closed folder of messages that differ, two of them finished, one with a spool file, and what their contents are.
  private func filled(_ count: Int = 600) async throws -> (path: String, contents: [QueueID: [UInt8]]) {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    let finished = [Mail.message(), Mail.message()]
    try await folder.queue.enqueueAll(finished)
    try await folder.queue.deliverAll()
    var messages = (0..<count).map { index in
      Mail.message(body: .octets(Array("\(index)".utf8) + [UInt8](repeating: UInt8(index % 251), count: 1500)))
    }
    try await folder.queue.enqueueAll(messages)
    messages.append(try await Mail.spooled(octets: 300_000, in: folder.queue))
    try await folder.queue.enqueue(messages[count])
    var contents: [QueueID: [UInt8]] = [:]
    for message in messages { contents[message.id] = try await folder.queue.readAll(message.id) }
    await folder.close()
    return (path, contents)
  }

  private func repair(_ path: String) async throws -> StorageReport {
    try await StorageMaintenance.repair(path, by: "the tests", at: now, logger: .silent)
  }

  /// What a start is refused with.
  private func refusal(_ path: String) async -> StorageError? {
    do {
      await (try folders.open(path)).close()
      return nil
    } catch {
      return error as? StorageError
    }
  }

  /// Every message is deliverable as it was, or told in the report and removed.
  private func expect(_ contents: [QueueID: [UInt8]], in path: String, after report: StorageReport) async throws -> Int
  {
    let folder = try await folders.open(path)
    let told = Set(report.findings.compactMap(\.queueID))
    var lost = 0
    for (id, content) in contents {
      let status = try await folder.queue.status(of: id)
      if let status, status.recipients.map(\.state) == [.queued, .queued] {
        #expect(try await folder.queue.readAll(id) == content)
        continue
      }
      lost += 1
      // Where both of a message's rows were on a page that is lost, its name is lost too.
      #expect(told.contains(id) || report.findings.contains { $0.action?.contains("sequence-\(id.sequence)") == true })
      for recipient in status?.recipients ?? [] {
        #expect(recipient.state == .removed)
        #expect(recipient.order?.operator == "the tests")
      }
    }
    #expect(try await folder.queue.summary().messages == contents.count - lost)
    // Octets that damage changed within a time give another time: what is due may be due later than it was.
    for years in [0, 100] { try await folder.queue.deliverAll(at: SystemTime().now() + .seconds(years * 365 * 86_400)) }
    #expect(try await folder.queue.summary().messages == 0)
    await folder.close()
    #expect(try await StorageMaintenance.check(path).findings == [])
    return lost
  }

  // MARK: - Nothing wrong

  @Test func aSoundFolderIsSoundAndARepairLeavesItAlone() async throws {
    let (path, contents) = try await filled()
    let before = try Damage(path: path).contents()
    let checked = try await StorageMaintenance.check(path)
    #expect(checked.isSound && checked.messages == contents.count + 2)
    #expect(try Damage(path: path).contents() == before)
    let repaired = try await repair(path)
    #expect(repaired.isSound)
    #expect(try await expect(contents, in: path, after: repaired) == 0)
  }

  @Test func aFolderInUseIsCheckedAndNotRepaired() async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    let writer = try await folder.queue.makeBody(for: Mail.ids.next(at: SystemTime().now()))
    try await folder.queue.enqueue(Mail.message())
    let checked = try await StorageMaintenance.check(path)
    #expect(checked.isSound && checked.messages == 1)
    await #expect { try await repair(path) } throws: { error in
      (error as? StorageError)?.code == .locked
        && (error as? StorageError)?.message.contains("process \(getpid()) ") == true
    }
    _ = try await writer.finish()
  }

  @Test func whereNothingIsNothingIsChecked() async throws {
    let path = folders.newPath()
    await #expect { try await StorageMaintenance.check(path) } throws: { ($0 as? StorageError)?.code == .notFound }
    await #expect { try await repair(path) } throws: { ($0 as? StorageError)?.code == .notFound }
  }

  // MARK: - Pages

  @Test(
    arguments: [
      ("message", Damage.Place.leaf), ("message", .root), ("recipient", .leaf), ("recipient", .root),
      ("content", .leaf),
      ("content", .root), ("pending", .root), ("instance", .root),
    ], Damage.Kind.allCases)
  func aDamagedPageIsToldRefusedAndRepaired(page place: (table: String, page: Damage.Place), kind: Damage.Kind)
    async throws
  {
    let (table, place) = place
    let (path, contents) = try await filled()
    let damage = Damage(path: path)
    let pages = try damage.pages(of: table, place)
    // A table of one page has no other.
    let page = try #require(pages.count > 1 ? pages[1] : try pages.first ?? damage.pages(of: table, .root).first)
    // An empty page has nothing to break.
    if table == "instance" && kind == .brokenCells { return }
    try damage.overwrite(page: page, kind)
    let before = try damage.contents()

    let refused = try #require(await refusal(path))
    #expect(refused.code == .damaged)
    #expect(refused.message.contains("submission.sqlite") && refused.message.contains("repair"))
    #expect(!refused.message.contains("\n") && !refused.message.contains("***"))
    // The names of messages stand in the table `message` itself.
    if place == .leaf && table != "message" {
      #expect(contents.keys.contains { refused.message.contains($0.description) })
    }
    #expect(try damage.contents() == before)
    let checked = try await StorageMaintenance.check(path)
    #expect(!checked.isSound && checked.findings.allSatisfy { !$0.text.contains("\n") })
    #expect(try damage.contents() == before)

    let report = try await repair(path)
    let lost = try await expect(contents, in: path, after: report)
    // A page of bodies has 10 of these messages; one of recipients some hundreds.
    let most = ["content": 11, "instance": 0, "pending": 0][table] ?? 330
    #expect(lost <= most)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: path + "/set-aside").contains("database-\(now.milliseconds)"))
  }

  @Test(arguments: [100, 16_384]) func aLostFirstPageIsMadeAnew(octets: Int) async throws {
    let (path, contents) = try await filled()
    let damage = Damage(path: path)
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: damage.database))
    try file.write(contentsOf: Data(repeating: 0x5A, count: octets))
    try file.close()
    let before = try damage.contents()
    #expect(await refusal(path)?.code == .damaged)
    #expect(try await !StorageMaintenance.check(path).isSound)
    #expect(try damage.contents() == before)
    let report = try await repair(path)
    #expect(!report.isSound)
    #expect(try await expect(contents, in: path, after: report) == 0)
  }

  @Test func aFileThatIsNoDatabaseIsSetAside() async throws {
    let (path, contents) = try await filled(10)
    try Data(repeating: 0x5A, count: 40_000).write(to: URL(fileURLWithPath: path + "/submission.sqlite"))
    let report = try await repair(path)
    #expect(report.findings.first?.kind == .database)
    #expect(report.findings.contains { $0.kind == .orphan })
    let folder = try await folders.open(path)
    #expect(try await folder.queue.summary().messages == 0)
    let aside = path + "/set-aside/database-\(now.milliseconds)/damaged.sqlite"
    #expect(FileManager.default.contents(atPath: aside) == Data(repeating: 0x5A, count: 40_000))
    #expect(contents.count == 11)
  }

  @Test func aTruncatedFileGivesWhatIsLeft() async throws {
    let (path, contents) = try await filled()
    let damage = Damage(path: path)
    let size = try #require(try FileManager.default.attributesOfItem(atPath: damage.database)[.size] as? Int)
    #expect(truncate(damage.database, off_t(size / 2 / Damage.pageSize * Damage.pageSize)) == 0)
    #expect(await refusal(path)?.code == .damaged)
    #expect(try await !repair(path).isSound)
    // What was lost in every table nobody can name.
    let folder = try await folders.open(path)
    var left = 0
    for (id, content) in contents where try await folder.queue.status(of: id)?.recipients.first?.state == .queued {
      left += 1
      #expect(try await folder.queue.readAll(id) == content)
    }
    #expect(try await folder.queue.summary().messages == left)
    await folder.close()
    #expect(try await StorageMaintenance.check(path).isSound)
  }

  @Test func whatIsInTheLogAloneIsSalvagedToo() async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    let message = Mail.message()
    try await folder.queue.enqueue(message)
    let copy = try folders.crashCopy(of: path)
    let content = try await folder.queue.readAll(message.id)
    await folder.close()
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: copy + "/submission.sqlite"))
    try file.write(contentsOf: Data(repeating: 0x5A, count: 16_384))
    try file.close()
    let report = try await repair(copy)
    #expect(!report.isSound)
    #expect(try await expect([message.id: content], in: copy, after: report) == 0)
  }

  // MARK: - The spool

  @Test(arguments: [StorageFinding.Kind.spoolFileMissing, .spoolFileSize, .content])
  func aDamagedSpoolFileIsSetAside(kind: StorageFinding.Kind) async throws {
    let (path, contents) = try await filled(5)
    let damage = Damage(path: path)
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: path + "/spool").first)
    let file = path + "/spool/" + name
    switch kind {
    case .spoolFileMissing: try FileManager.default.removeItem(atPath: file)
    case .spoolFileSize: #expect(truncate(file, 299_999) == 0)
    default: try damage.flip(200_000, in: file)
    }
    let before = try damage.contents()
    let refused = await refusal(path)
    if kind == .content {
      // Bodies in the spool are read by a check alone.
      #expect(refused == nil)
    } else {
      #expect(refused?.code == .damaged)
      #expect(
        refused?.message.contains("spool/\(name)") == true && refused?.message.contains("messages: \(name)") == true)
      #expect(try damage.contents() == before)
    }
    let checked = try await StorageMaintenance.check(path)
    #expect(checked.findings.map(\.kind) == [kind])
    #expect(checked.findings.map { $0.queueID?.description } == [name])
    let report = try await repair(path)
    #expect(report.findings.map(\.kind) == [kind])
    #expect(try await expect(contents, in: path, after: report) == 1)
    let aside = Set(try FileManager.default.contentsOfDirectory(atPath: path + "/set-aside"))
    #expect(aside.contains("\(name).json") && aside.contains("\(name).prefix"))
    #expect(aside.contains("\(name).body") == (kind != .spoolFileMissing))
  }

  @Test func aRefusalNamesTenAndCountsTheRest() async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    var names: [String] = []
    for _ in 0..<12 {
      let message = try await Mail.spooled(octets: 10, in: folder.queue)
      try await folder.queue.enqueue(message)
      names.append(message.id.description)
    }
    await folder.close()
    for name in names { try FileManager.default.removeItem(atPath: "\(path)/spool/\(name)") }
    let message = try #require(await refusal(path)).message
    #expect(message.contains("messages: \(names.prefix(10).joined(separator: ", ")) and 2 more"))
  }

  @Test func aFileThatNoMessageNamesIsToldAndKept() async throws {
    let (path, contents) = try await filled(2)
    let name = "\(Mail.message().id)"
    try Data([1]).write(to: URL(fileURLWithPath: "\(path)/spool/\(name)"))
    #expect(try await StorageMaintenance.check(path).findings.map(\.kind) == [.orphan])
    let report = try await repair(path)
    #expect(report.findings.map(\.file) == ["spool/\(name)"])
    #expect(FileManager.default.contents(atPath: "\(path)/set-aside/\(name).body") == Data([1]))
    #expect(try await expect(contents, in: path, after: report) == 0)
  }

  // MARK: - Rows

  @Test(arguments: [
    ("UPDATE recipient SET path = 'no address' WHERE message = ? AND place = 0", StorageFinding.Kind.message),
    ("UPDATE recipient SET notify = 257 WHERE message = ?", .message),
    ("UPDATE recipient SET state = 99 WHERE message = ? AND place = 1", .message),
    ("DELETE FROM recipient WHERE message = ? AND place = 0", .message),
    ("DELETE FROM recipient WHERE message = ?", .message),
    ("UPDATE message SET envid = '' WHERE sequence = ?", .message),
    ("UPDATE message SET reverse_path = 'no address' WHERE sequence = ?", .message),
    ("UPDATE message SET size = size + 1 WHERE sequence = ?", .content),
    ("DELETE FROM message WHERE sequence = ?", .message),
    ("DELETE FROM content WHERE message = ?", .content),
    ("UPDATE content SET body = NULL WHERE message = ?", .content),
    ("UPDATE content SET body = zeroblob(length(body)) WHERE message = ?", .content),
    ("UPDATE content SET spool = 'elsewhere', body = NULL WHERE message = ?", .message),
  ])
  func aDamagedRowIsToldAndItsMessageSetAside(change: String, kind: StorageFinding.Kind) async throws {
    let (path, contents) = try await filled(4)
    let broken = try #require(contents.keys.min())
    try await edit(path, change, broken)
    let checked = try await StorageMaintenance.check(path)
    #expect(checked.findings.map(\.kind) == [kind])
    #expect(await refusal(path)?.code == .damaged)
    let report = try await repair(path)
    #expect(report.findings.map(\.kind) == [kind])
    #expect(try await expect(contents, in: path, after: report) == 1)
    let files = try FileManager.default.contentsOfDirectory(atPath: path + "/set-aside")
    #expect(files.contains { $0.hasSuffix(".json") })
  }

  @Test(arguments: [
    "DELETE FROM pending WHERE message = ?", "UPDATE pending SET queued = 1 WHERE message = ?",
    "UPDATE pending SET queued = 1, held = 1 WHERE message = ?", "UPDATE pending SET due = due + 1 WHERE message = ?",
    "UPDATE pending SET size = 0 WHERE message = ?", "UPDATE pending SET tenant = 'other' WHERE message = ?",
    "UPDATE pending SET priority = 2 WHERE message = ?", "UPDATE pending SET destination = NULL WHERE message = ?",
    "UPDATE pending SET destination = 'other.example' WHERE message = ?",
  ])
  func whatTheQueueKnowsIsCorrected(change: String) async throws {
    let (path, contents) = try await filled(4)
    try await edit(path, change, try #require(contents.keys.min()))
    let kinds = try await StorageMaintenance.check(path).findings.map(\.kind)
    #expect(kinds == [change.hasPrefix("DELETE") ? .forgotten : .pending])
    let report = try await repair(path)
    #expect(report.findings.map(\.action) == ["corrected"])
    #expect(try await expect(contents, in: path, after: report) == 0)
  }

  /// All that `pending` says can be told from the rest.
  @Test func whatTheQueueKnowsIsMadeAnew() async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    let destinations = [["a@one.example"], ["a@one.example", "b@two.example"], ["postmaster"], ["a@[192.0.2.1]"]]
    for (recipients, tenant) in zip(destinations, ["first", "second", nil, "first"]) {
      var message = Mail.message(to: recipients)
      (message.tenant, message.priority) = (tenant, tenant == "first" ? .urgent : .bulk)
      try await folder.queue.enqueue(message)
    }
    let rows: @Sendable (Database) throws -> [[DatabaseValue]] = { database in
      try Row.fetchAll(database, sql: "SELECT * FROM pending ORDER BY message").map { Array($0.databaseValues) }
    }
    let before = try await folder.resources.writer.perform { database in
      let found = try rows(database)
      try database.execute(sql: "DELETE FROM pending")
      return found
    }
    await folder.close()
    #expect(try await repair(path).findings.map(\.kind) == Array(repeating: .forgotten, count: 4))
    #expect(try await folders.open(path).resources.writer.perform(rows) == before)
  }

  @Test func figuresAloneDoNotKeepAServerFromStarting() async throws {
    let (path, contents) = try await filled(4)
    let id = try #require(contents.keys.min())
    try await edit(path, "UPDATE pending SET queued = 1 WHERE message = ?", id)
    #expect(await refusal(path) == nil)
  }

  @Test func aMessageThatIsNotKnownToWaitIsNotForgotten() async throws {
    let (path, contents) = try await filled(4)
    try await edit(path, "DELETE FROM pending WHERE message = ?", try #require(contents.keys.min()))
    #expect(await refusal(path)?.code == .damaged)
  }

  private func edit(_ path: String, _ change: String, _ id: QueueID) async throws {
    let queue = try DatabaseQueue(path: path + "/submission.sqlite")
    try await queue.write { try $0.execute(sql: change, arguments: [id.sequence]) }
    try queue.close()
  }

  @Test func whatIsDamagedWhileTheStoreRunsIsNotDelivered() async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    let spooled = try await Mail.spooled(octets: 300_000, in: folder.queue)
    let messages = [Mail.message(), Mail.message(), spooled]
    try await folder.queue.enqueueAll(messages)
    try await folder.resources.writer.perform { database in
      try database.execute(
        sql: "UPDATE content SET body = zeroblob(length(body)) WHERE message = ?", arguments: [messages[0].id.sequence])
    }
    try Damage(path: path).flip(299_999, in: "\(path)/spool/\(spooled.id)")
    await #expect { try await folder.queue.content(of: messages[0].id) } throws: { code($0) == .damaged }
    #expect(try await folder.queue.readAll(messages[1].id).count == messages[1].size)
    let content = try await folder.queue.content(of: spooled.id)
    for _ in 0..<2 {
      var offset = 0
      await #expect {
        while offset < content.count { offset += try await content.read(from: offset, limit: 65_536).count }
      } throws: {
        code($0) == .damaged
      }
      // All but the last piece.
      #expect(offset > 0 && offset < content.count)
    }
  }

  @Test func aPageThatIsDamagedWhileTheStoreRunsHoldsUpNoOther() async throws {
    let (path, contents) = try await filled()
    let damage = Damage(path: path)
    try damage.overwrite(page: try damage.pages(of: "recipient", .leaf)[1], .zeros)
    var configuration = StorageConfiguration.untouchedByTheDisk
    configuration.startupCheck = .zero
    let log = RecordingLog(level: .debug)
    let folder = try await folders.open(path, configuration: configuration, logger: log.logger)
    let now = SystemTime().now()
    let request = ClaimRequest(limit: 1000, now: now, leasedUntil: now + .seconds(60))
    let claims = try await folder.queue.claim(request).claims
    let lost = contents.count - claims.count
    #expect((1..<300).contains(lost))
    #expect(log.lines.count == lost)
  }

  /// The queue knows when a message is due beside its recipients; the earlier time counts.
  @Test func aTimeThatDamagePutOffIsSetBack() async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    let message = Mail.message()
    try await folder.queue.enqueue(message)
    let late = message.acceptedAt + .seconds(1 << 30)
    try await folder.resources.writer.perform {
      try $0.execute(sql: "UPDATE recipient SET next_attempt = ?", arguments: [late.milliseconds])
    }
    await folder.close()
    #expect(try await repair(path).findings.map(\.kind) == [.pending])
    let repaired = try await folders.open(path)
    let request = ClaimRequest(limit: 9, now: message.acceptedAt, leasedUntil: message.acceptedAt + .seconds(60))
    #expect(try await repaired.queue.claim(request).claims.map { $0.recipients.map(\.index) } == [[0, 1]])
  }

  // MARK: - The limit of a start's look

  @Test func whatIsNotLookedAtIsSaid() async throws {
    let (path, _) = try await filled()
    var configuration = StorageConfiguration.untouchedByTheDisk
    configuration.startupCheck = .nanoseconds(1)
    let log = RecordingLog(level: .debug)
    await (try folders.open(path, configuration: configuration, logger: log.logger)).close()
    #expect(log.lines.map(\.message).contains { $0.contains("StorageMaintenance.check") })
    configuration.startupCheck = .seconds(60)
    let quiet = RecordingLog(level: .debug)
    await (try folders.open(path, configuration: configuration, logger: quiet.logger)).close()
    #expect(quiet.lines.map(\.message) == [])
  }

  @Test func theLookCanBeSwitchedOff() async throws {
    let (path, contents) = try await filled()
    let damage = Damage(path: path)
    try damage.overwrite(page: try damage.pages(of: "content", .leaf)[3], .zeros)
    var configuration = StorageConfiguration.untouchedByTheDisk
    configuration.startupCheck = .zero
    let folder = try await folders.open(path, configuration: configuration)
    #expect(try await folder.queue.summary().messages == contents.count)
  }

  // MARK: - Kills

  @Test func aRepairThatWasKilledAtItsLastStepIsFinished() async throws {
    let (path, contents) = try await filled(20)
    let damage = Damage(path: path)
    // As the folder is when the new database is complete, and the old one set aside.
    try FileManager.default.createDirectory(atPath: path + "/repaired", withIntermediateDirectories: false)
    try FileManager.default.moveItem(atPath: damage.database, toPath: path + "/repaired/submission.sqlite")
    let refused = try #require(await refusal(path))
    #expect(refused.code == .damaged && refused.message.contains("interrupted"))
    #expect(try await StorageMaintenance.check(path).findings.map(\.kind) == [.repair])
    let report = try await repair(path)
    #expect(report.findings.map(\.kind) == [.repair])
    #expect(try await expect(contents, in: path, after: report) == 0)
  }

  @Test func whatAKilledRepairLeftIsNoHindrance() async throws {
    let (path, contents) = try await filled(20)
    let damage = Damage(path: path)
    try FileManager.default.createDirectory(atPath: path + "/repair", withIntermediateDirectories: false)
    try Data([1]).write(to: URL(fileURLWithPath: path + "/repair/submission.sqlite"))
    try damage.overwrite(page: try damage.pages(of: "content", .root)[0], .zeros)
    #expect(try await expect(contents, in: path, after: try await repair(path)) == 0)
  }
}
