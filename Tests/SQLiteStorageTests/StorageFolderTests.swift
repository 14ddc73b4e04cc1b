import DeliveryQueue
import Foundation
import GRDB
import MailModel
import SQLiteStorage
import Testing

@Suite(.serialized) struct StorageFolderTests {
  private let folders = TemporaryFolders()

  @Test(arguments: [
    ("page_size", "16384"), ("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1"),
    ("user_version", "5"),
  ])
  func theWriterHasItsSettings(setting: String, value: String) async throws {
    let folder = try await folders.open()
    let found = try await folder.resources.writer.perform { try String.fetchOne($0, sql: "PRAGMA \(setting)") }
    #expect(found == value)
  }

  @Test func theLogIsCopiedBeforeItGrowsLarge() async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    for _ in 0..<900 { try await folder.queue.enqueue(Mail.message(octets: 4000)) }
    let attributes = try FileManager.default.attributesOfItem(atPath: path + "/submission.sqlite-wal")
    let size = try #require(attributes[.size] as? Int)
    // 600 pages of 16 KiB, and what the last transaction before the copy had.
    #expect(size < 640 * 16_384)
  }

  @Test func theLogIsEmptyBeforeAnythingIsAccepted() async throws {
    let path = folders.newPath()
    let message = Mail.message()
    try await folders.open(path).queue.enqueue(message)
    let copy = try folders.crashCopy(of: path)
    #expect(try size(copy + "/submission.sqlite-wal") > 0)
    let again = try await folders.open(copy)
    #expect(try size(copy + "/submission.sqlite-wal") == 0)
    #expect(try await again.queue.status(of: message.id) != nil)
  }

  @Test func aLogThatCannotBeEmptiedIsNotWrittenTo() async throws {
    let path = folders.newPath()
    try await folders.open(path).queue.enqueue(Mail.message())
    let copy = try folders.crashCopy(of: path)
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let reader = try DatabaseQueue(path: copy + "/submission.sqlite", configuration: configuration)
    try await reader.writeWithoutTransaction { database in
      try database.execute(sql: "BEGIN; SELECT count(*) FROM message")
    }
    await #expect { try await folders.open(copy) } throws: { ($0 as? StorageError)?.code == .cannotOpen }
    try await reader.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
    _ = try await folders.open(copy)
  }

  private func size(_ path: String) throws -> Int {
    try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
  }

  @Test func aFailureIsTold() async throws {
    let folder = try await folders.open()
    let told = Task { try await folder.run() }
    _ = try? await folder.resources.writer.perform { _ in throw DatabaseError(resultCode: .SQLITE_IOERR_WRITE) }
    await #expect { try await told.value } throws: { code($0) == .cannotWrite }
    // Who asks late hears of it too.
    await #expect { try await folder.run() } throws: { code($0) == .cannotWrite }
  }

  @Test func whereNothingFailsTheWaitEndsWithTheFolderOrTheTask() async throws {
    let folder = try await folders.open()
    let cancelled = Task { try await folder.run() }
    cancelled.cancel()
    try await cancelled.value
    async let wait: Void = folder.run()
    await folder.close()
    try await wait
    try await folder.run()
  }

  @Test func aSecondOwnerIsRefusedAndTheFirstIsNamed() async throws {
    let path = folders.newPath()
    let first = try await folders.open(path)
    await #expect {
      try await folders.open(path)
    } throws: { error in
      let error = error as? StorageError
      return error?.code == .locked && error?.message.contains("process \(getpid()) ") == true
    }
    await first.close()
    _ = try await folders.open(path)
  }

  @Test func aNewerSchemaIsRefusedAndLeftAsItIs() async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    try await folder.queue.enqueue(Mail.message())
    try await folder.resources.writer.perform { try $0.execute(sql: "PRAGMA user_version = 99") }
    await folder.close()
    let file = URL(fileURLWithPath: path + "/submission.sqlite")
    let before = try Data(contentsOf: file)
    await #expect { try await folders.open(path) } throws: { ($0 as? StorageError)?.code == .newerSchema }
    await #expect { try await SQLiteQueueReader(folder: path) } throws: { ($0 as? StorageError)?.code == .newerSchema }
    #expect(try Data(contentsOf: file) == before)
  }

  @Test func aFileThatIsNoDatabaseIsRefusedAndLeftAsItIs() async throws {
    let path = folders.newPath()
    await (try folders.open(path)).close()
    let file = URL(fileURLWithPath: path + "/submission.sqlite")
    let garbage = Data(repeating: 0x5A, count: 40_000)
    try garbage.write(to: file)
    await #expect { try await folders.open(path) } throws: { ($0 as? StorageError)?.code == .damaged }
    #expect(try Data(contentsOf: file) == garbage)
  }

  @Test func aNewFolderIsForItsOwnerAlone() async throws {
    let path = folders.newPath()
    _ = try await folders.open(path)
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.posixPermissions] as? Int == 0o700)
  }

  @Test(arguments: [0o755, 0o750, 0o710, 0o701])
  func aFolderThatOthersMayEnterIsRefused(mode: Int) async throws {
    let path = folders.newPath()
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: mode])
    await #expect { try await folders.open(path) } throws: { ($0 as? StorageError)?.code == .unusableFolder }
    #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
  }

  @Test func aFileIsNoFolder() async throws {
    let path = folders.newPath()
    try Data().write(to: URL(fileURLWithPath: path))
    await #expect { try await folders.open(path) } throws: { ($0 as? StorageError)?.code == .unusableFolder }
  }

  @Test func orphansAreSwept() async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    let named = try await Mail.spooled(octets: 10, in: folder.queue)
    try await folder.queue.enqueue(named)
    let orphan = try await Mail.spooled(octets: 10, in: folder.queue)
    await folder.close()
    let spool = path + "/spool/"
    for name in ["\(Mail.message().id).part", "\(named.id).part", "\(Mail.message().id)", "not-ours.txt"] {
      try Data([1]).write(to: URL(fileURLWithPath: spool + name))
    }
    #expect(FileManager.default.fileExists(atPath: spool + "\(orphan.id)"))

    let again = try await folders.open(path)
    let left = try FileManager.default.contentsOfDirectory(atPath: spool)
    #expect(Set(left) == ["\(named.id)", "not-ours.txt"])
    #expect(try await again.queue.readAll(named.id).count == named.size)
  }

  @Test func aClosedStoreRefuses() async throws {
    let folder = try await folders.open()
    await folder.close()
    await #expect { try await folder.queue.enqueue(Mail.message()) } throws: { code($0) == .closed }
    await #expect { try await folder.queue.recipientCounts() } throws: { code($0) == .closed }
  }
}
