import DeliveryQueue
import Foundation
import GRDB
import MailModel
import SQLiteStorage
import Testing

@Suite(.serialized) struct SQLiteQueueReaderTests {
  private let folders = TemporaryFolders()

  @Test func seesWhatTheServerDoes() async throws {
    let path = folders.newPath()
    let store = try await folders.open(path).queue
    let reader = try await SQLiteQueueReader(folder: path)
    #expect(try await reader.recipientCounts().isEmpty)
    let message = Mail.message()
    try await store.enqueue(message)
    #expect(try await reader.status(of: message.id) == (try await store.status(of: message.id)))
    try await store.deliverAll()
    #expect(try await reader.recipientCounts() == [.delivered: 2])
    #expect(try await reader.messages(after: nil, limit: 10).map(\.id) == [message.id])
  }

  @Test func seesWhatACrashLeft() async throws {
    let path = folders.newPath()
    let store = try await folders.open(path).queue
    let message = Mail.message()
    try await store.enqueue(message)
    let reader = try await SQLiteQueueReader(folder: try folders.crashCopy(of: path))
    #expect(try await reader.status(of: message.id)?.recipients.map(\.state) == [.queued, .queued])
  }

  @Test func afterACleanEndItReadsAndLeavesNothingBehind() async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    let message = Mail.message()
    try await folder.queue.enqueue(message)
    await folder.close()
    let files = try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
    let database = URL(fileURLWithPath: path + "/submission.sqlite")
    let before = try Data(contentsOf: database)
    do {
      let reader = try await SQLiteQueueReader(folder: path)
      #expect(try await reader.status(of: message.id) != nil)
    }
    #expect(try FileManager.default.subpathsOfDirectory(atPath: path).sorted() == files)
    #expect(try Data(contentsOf: database) == before)
    // It took no lock, so a server may come.
    let reader = try await SQLiteQueueReader(folder: path)
    let again = try await folders.open(path)
    try await again.queue.deliverAll()
    #expect(try await reader.recipientCounts() == [.delivered: 2])
  }

  @Test func itMakesTheFilesOfTheLogWhereTheyAreNot() async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    let message = Mail.message()
    try await folder.queue.enqueue(message)
    await folder.close()
    let names = ["submission.sqlite-shm", "submission.sqlite-wal"]
    for name in names { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }
    let before = Set(try FileManager.default.contentsOfDirectory(atPath: path))
    let reader = try await SQLiteQueueReader(folder: path)
    #expect(try await reader.status(of: message.id) != nil)
    let made = Set(try FileManager.default.contentsOfDirectory(atPath: path)).subtracting(before)
    #expect(made.sorted() == names)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path + "/submission.sqlite-wal")).isEmpty)
  }

  @Test func saysSoWhereThereIsNothing() async throws {
    let path = folders.newPath()
    await #expect { try await SQLiteQueueReader(folder: path) } throws: { ($0 as? StorageError)?.code == .notFound }
    #expect(!FileManager.default.fileExists(atPath: path))
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    await #expect { try await SQLiteQueueReader(folder: path) } throws: { ($0 as? StorageError)?.code == .notFound }
    #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
  }

  @Test func selectsAndCountsAsTheStoreDoes() async throws {
    let path = folders.newPath()
    let store = try await folders.open(path).queue
    let reader = try await SQLiteQueueReader(folder: path)
    #expect(try await reader.summary() == QueueSummary())
    let messages = (0..<4).map { _ in Mail.message() }
    try await store.enqueueAll(messages)
    let hold = QueueOrder(.hold, by: "Ada", because: "a test", at: SystemTime().now())
    _ = try await store.apply(hold, to: QueueSelection(ids: [messages[1].id, messages[3].id]))
    #expect(try await reader.summary().recipients == [.queued: 4, .held: 4])
    let held = QueueSelection(tenant: "tenant", states: [.held])
    #expect(try await reader.messages(held, after: nil, limit: 10).map(\.id) == [messages[1].id, messages[3].id])
    #expect(try await reader.messages(held, after: messages[1].id, limit: 10).first?.recipients[0].order == hold)
    #expect(
      try await reader.counts(held, by: .destination, limit: 1) == [
        QueueCount(name: "example.org", recipients: [.held: 4])
      ])
    #expect(try await reader.counts(.everything, by: .tenant, limit: 1).map(\.total) == [8])
  }

  /// To close a descriptor of a file ends all locks that the process has on it (POSIX), whoever took them.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/locks")))
  func lookingFromWithinLeavesTheServerItsLocks() async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    try await folder.queue.enqueue(Mail.message())
    #expect(try await folder.queue.summary().messages == 1)
    let before = try locks(on: path + "/submission.sqlite")
    #expect(before > 0)
    let reader = try await SQLiteQueueReader(folder: path)
    #expect(try await reader.summary().messages == 1)
    #expect(try await StorageMaintenance.check(path).isSound)
    #expect(try locks(on: path + "/submission.sqlite") == before)
  }

  /// How many locks this process has on a file, as the system tells without opening it.
  private func locks(on path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    let inode = try #require(attributes[.systemFileNumber] as? Int)
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/locks"))
    let lines = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self).split(separator: "\n")
    return lines.count { $0.contains(" POSIX ") && $0.contains(" \(getpid()) ") && $0.contains(":\(inode) ") }
  }

  @Test(arguments: ["question? mark", "hash # and %41", "plain"])
  func aFolderOfAnyNameIsFound(name: String) async throws {
    let path = folders.newPath() + name
    await (try folders.open(path)).close()
    #expect(try await SQLiteQueueReader(folder: path).summary() == QueueSummary())
    try FileManager.default.removeItem(atPath: path)
  }

  /// It is known by its header, which is read without a file being made.
  @Test(arguments: ["question? mark", "hash # and %41", "plain"])
  func whatANewerVersionMadeIsNotOpenedWhateverItsName(name: String) async throws {
    let path = folders.newPath() + name
    let folder = try await folders.open(path)
    try await folder.resources.writer.perform { try $0.execute(sql: "PRAGMA user_version = 99") }
    await folder.close()
    for suffix in ["-shm", "-wal"] { try FileManager.default.removeItem(atPath: "\(path)/submission.sqlite\(suffix)") }
    let before = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    await #expect { try await SQLiteQueueReader(folder: path) } throws: { ($0 as? StorageError)?.code == .newerSchema }
    #expect(try FileManager.default.contentsOfDirectory(atPath: path).sorted() == before)
    try FileManager.default.removeItem(atPath: path)
  }
}
