import DeliveryQueue
import Foundation
import GRDB
import MailModel
import SQLiteStorage
import Testing

/// That no folder is begun anew over what it has held.
@Suite(.serialized) struct MissingDatabaseTests {
  /// How a database can be lost.
  enum Loss: String, CaseIterable {
    case missing, empty
    /// A file that SQLite has made and no table is in.
    case withoutTables

    var word: String { self == .missing ? "missing" : "empty" }

    func befall(_ path: String) throws {
      let file = path + "/submission.sqlite"
      for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: file + suffix) }
      switch self {
      case .missing: break
      case .empty: try Data().write(to: URL(fileURLWithPath: file))
      case .withoutTables:
        let database = try DatabaseQueue(path: file)
        try database.writeWithoutTransaction {
          try $0.execute(sql: "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL")
        }
        try database.close()
      }
    }
  }

  private let folders = TemporaryFolders()
  private let now = Timestamp(milliseconds: 1_800_000_000_000)

  /// A closed folder with so many queued messages, whose bodies lie in the spool.
  private func filled(_ count: Int) async throws -> (path: String, names: [String]) {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    var names: [String] = []
    for _ in 0..<count {
      let message = try await Mail.spooled(octets: 10, in: folder.queue)
      try await folder.queue.enqueue(message)
      names.append(message.id.description)
    }
    await folder.close()
    return (path, names)
  }

  private func repair(_ path: String) async throws -> StorageReport {
    try await StorageMaintenance.repair(path, by: "the tests", at: now, logger: .silent)
  }

  private func refusal(_ body: () async throws -> Void) async -> StorageError? {
    do {
      try await body()
      return nil
    } catch {
      return error as? StorageError
    }
  }

  private func start(_ path: String) async throws { await (try folders.open(path)).close() }

  @Test(arguments: Loss.allCases) func bodiesAreNotSweptOverALostDatabase(loss: Loss) async throws {
    let (path, names) = try await filled(12)
    try loss.befall(path)
    let before = try Damage(path: path).contents()
    let words = "the database \(path)/submission.sqlite is \(loss.word)"
    for refused in [
      await refusal { try await start(path) }, await refusal { _ = try await SQLiteQueueReader(folder: path) },
    ] {
      #expect(refused?.code == .damaged)
      let message = refused?.message ?? ""
      #expect(message.contains(words) && message.contains("queue repair --data \(path)"))
      #expect(message.contains(names.prefix(10).joined(separator: ", ") + " and 2 more"))
    }
    let checked = try await StorageMaintenance.check(path)
    #expect(checked.findings.first?.kind == .database && checked.findings.first?.text == words)
    #expect(checked.findings.dropFirst().map { $0.queueID?.description } == names)
    #expect(try Damage(path: path).contents() == before)

    let report = try await repair(path)
    #expect(report.findings.first?.text == words)
    #expect(report.findings.dropFirst().map(\.action) == names.map { "set aside in set-aside/\($0).body" })
    for name in names { #expect(FileManager.default.fileExists(atPath: "\(path)/set-aside/\(name).body")) }
    try await start(path)
    #expect(try await StorageMaintenance.check(path).isSound)
  }

  @Test(arguments: Loss.allCases) func aFolderThatWasBeingMadeIsBegunAnew(loss: Loss) async throws {
    let (path, _) = try await filled(0)
    try loss.befall(path)
    try Data([1]).write(to: URL(fileURLWithPath: "\(path)/spool/\(Mail.message().id).part"))
    try Data([1]).write(to: URL(fileURLWithPath: "\(path)/spool/not-ours.txt"))
    let looked = await refusal { _ = try await SQLiteQueueReader(folder: path) }
    #expect(looked?.code == .notFound)
    if loss == .missing {
      #expect(await refusal { _ = try await StorageMaintenance.check(path) }?.code == .notFound)
      #expect(await refusal { _ = try await repair(path) }?.code == .notFound)
    } else {
      #expect(looked?.message.contains("the database \(path)/submission.sqlite is empty") == true)
      let findings = try await StorageMaintenance.check(path).findings
      #expect(findings.map(\.text) == ["the database \(path)/submission.sqlite is empty"])
    }
    try await start(path)
    #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/spool") == ["not-ours.txt"])
  }

  @Test(arguments: [Loss.missing, .empty]) func aLogWithoutItsDatabaseIsKept(loss: Loss) async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    try await folder.queue.enqueue(Mail.message())
    let copy = try folders.crashCopy(of: path)
    let log = try Data(contentsOf: URL(fileURLWithPath: copy + "/submission.sqlite-wal"))
    #expect(!log.isEmpty)
    try loss.befall(copy)
    try log.write(to: URL(fileURLWithPath: copy + "/submission.sqlite-wal"))
    let before = try Damage(path: copy).contents()
    let refused = await refusal { try await start(copy) }
    #expect(refused?.code == .damaged)
    #expect(refused?.message.contains("its log submission.sqlite-wal has \(log.count) octets") == true)
    #expect(try Damage(path: copy).contents() == before)

    let report = try await repair(copy)
    #expect(report.findings.first?.text.hasSuffix("is \(loss.word)") == true)
    let aside = "\(copy)/set-aside/database-\(now.milliseconds)/damaged.sqlite-wal"
    #expect(FileManager.default.contents(atPath: aside) == log)
    try await start(copy)
  }

  @Test(arguments: Loss.allCases) func aFolderThatWasRepairedIsNotNew(loss: Loss) async throws {
    let (path, _) = try await filled(0)
    try loss.befall(path)
    try FileManager.default.createDirectory(atPath: path + "/set-aside", withIntermediateDirectories: false)
    let refused = await refusal { try await start(path) }
    #expect(refused?.code == .damaged && refused?.message.contains("set-aside") == true)
    _ = try await repair(path)
    try await start(path)
  }

  @Test func aDatabaseThatDoesNotSayItsVersionIsSalvaged() async throws {
    let (path, names) = try await filled(2)
    let database = try DatabaseQueue(path: path + "/submission.sqlite")
    try await database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 0") }
    try database.close()
    let before = try Damage(path: path).contents()
    let refused = await refusal { try await start(path) }
    #expect(refused?.code == .damaged && refused?.message.contains("version") == true)
    #expect(await refusal { _ = try await SQLiteQueueReader(folder: path) }?.code == .damaged)
    #expect(try await StorageMaintenance.check(path).findings.map(\.kind) == [.database])
    #expect(try Damage(path: path).contents() == before)
    #expect(try await repair(path).findings.map(\.kind) == [.database])
    let folder = try await folders.open(path)
    #expect(try await folder.queue.messages(.everything, after: nil, limit: 9).map(\.id.description) == names)
  }

  // MARK: - The sweep

  @Test(arguments: [
    "UPDATE content SET spool = NULL",
    "DELETE FROM content",
  ])
  func aBodyThatAQueuedMessageShouldNameIsNotSwept(change: String) async throws {
    let (path, names) = try await filled(2)
    let database = try DatabaseQueue(path: path + "/submission.sqlite")
    try await database.writeWithoutTransaction { try $0.execute(sql: change) }
    try database.close()
    var configuration = StorageConfiguration.untouchedByTheDisk
    configuration.startupCheck = .zero
    let refused = await refusal { await (try folders.open(path, configuration: configuration)).close() }
    #expect(refused?.code == .damaged)
    #expect(refused?.message.contains("the queued message ") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/spool").sorted() == names)
  }

  @Test func aRowThatCannotBeReadStopsTheStart() async throws {
    let (path, names) = try await filled(2)
    let damage = Damage(path: path)
    try damage.overwrite(page: try damage.pages(of: "content", .root)[0], .zeros)
    var configuration = StorageConfiguration.untouchedByTheDisk
    configuration.startupCheck = .zero
    let refused = await refusal { await (try folders.open(path, configuration: configuration)).close() }
    #expect(refused?.code == .damaged)
    #expect(refused?.message.contains("StorageMaintenance.check") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/spool").sorted() == names)
  }
}
