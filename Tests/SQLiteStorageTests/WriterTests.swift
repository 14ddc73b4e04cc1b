import DeliveryQueue
import Dispatch
import Foundation
import GRDB
import MailModel
import SQLiteStorage
import Synchronization
import Testing

@Suite(.serialized) struct WriterTests {
  private struct Unwilling: Error {}
  private let folders = TemporaryFolders()

  private func writer() async throws -> Writer {
    let writer = try await folders.open().resources.writer
    try await writer.perform { try $0.execute(sql: "CREATE TABLE number (value INTEGER PRIMARY KEY)") }
    return writer
  }

  private func numbers(_ writer: Writer) async throws -> [Int] {
    try await writer.perform { try Int.fetchAll($0, sql: "SELECT value FROM number ORDER BY value") }
  }

  @Test func aChangeThatFailsHalfWayLeavesNothingAndHarmsNoOther() async throws {
    let writer = try await writer()
    let failed = await withTaskGroup(of: Int?.self) { group in
      for number in 0..<100 {
        group.addTask {
          do {
            try await writer.perform { database in
              try database.execute(sql: "INSERT INTO number VALUES (?)", arguments: [number])
              if number % 10 == 0 { throw Unwilling() }
            }
            return nil
          } catch {
            return error is Unwilling ? number : -1
          }
        }
      }
      return await group.reduce(into: Set<Int>()) { if let number = $1 { $0.insert(number) } }
    }
    #expect(failed == Set(stride(from: 0, to: 100, by: 10)))
    #expect(try await numbers(writer) == (0..<100).filter { $0 % 10 != 0 })
  }

  @Test func aBrokenConstraintIsTheCallersErrorAlone() async throws {
    let writer = try await writer()
    try await writer.perform { try $0.execute(sql: "INSERT INTO number VALUES (1)") }
    await #expect { try await writer.perform { try $0.execute(sql: "INSERT INTO number VALUES (1)") } } throws: {
      code($0) == .cannotWrite
    }
    try await writer.perform { try $0.execute(sql: "INSERT INTO number VALUES (2)") }
    #expect(try await numbers(writer) == [1, 2])
  }

  @Test func aConstraintBrokenAtTheCommitIsTheCallersErrorAlone() async throws {
    let writer = try await writer()
    try await writer.perform {
      try $0.execute(sql: "CREATE TABLE child (number REFERENCES number DEFERRABLE INITIALLY DEFERRED)")
    }
    await #expect { try await writer.perform { try $0.execute(sql: "INSERT INTO child VALUES (7)") } } throws: {
      code($0) == .cannotWrite
    }
    try await writer.perform { try $0.execute(sql: "INSERT INTO number VALUES (7)") }
    #expect(try await numbers(writer) == [7])
  }

  @Test func afterAnInputOutputErrorNothingMoreIsWritten() async throws {
    let writer = try await writer()
    await #expect {
      try await writer.perform { _ in throw DatabaseError(resultCode: .SQLITE_IOERR_WRITE) }
    } throws: {
      code($0) == .cannotWrite
    }
    await #expect { try await numbers(writer) } throws: { code($0) == .cannotWrite }
  }

  @Test(arguments: [(EDQUOT, QueueError.Code.insufficientStorage, true), (EIO, .cannotWrite, false)])
  func aQuotaThatIsUsedUpIsLikeAFullDisk(number: Int32, expected: QueueError.Code, isUsable: Bool) async throws {
    let writer = Writer(try DatabaseQueue(path: folders.newPath()), systemError: { _ in number })
    await #expect {
      try await writer.perform { _ in throw DatabaseError(resultCode: .SQLITE_IOERR_WRITE) }
    } throws: {
      code($0) == expected
    }
    let later: Void? = try? await writer.perform { try $0.execute(sql: "CREATE TABLE number (value INTEGER)") }
    #expect((later != nil) == isUsable)
  }

  @Test(arguments: [(511, 1), (512, 1), (513, 2)])
  func atMostSoManyChangesMakeATransaction(changes: Int, transactions: Int) async throws {
    #expect(try await commits(Array(repeating: 0, count: changes)) == transactions)
  }

  @Test(arguments: [
    ([8 << 20, 8 << 20], 1), ([8 << 20, (8 << 20) + 1], 2), ([17 << 20], 1), ([17 << 20, 17 << 20], 2),
    ([0, 17 << 20], 2),
  ])
  func atMostSoManyOctetsMakeATransaction(octets: [Int], transactions: Int) async throws {
    #expect(try await commits(octets) == transactions)
  }

  /// In how many transactions changes of these sizes are made that all wait when the writer becomes free.
  private func commits(_ octets: [Int]) async throws -> Int {
    // One of its own: a folder's writer also forgets old history.
    let writer = Writer(try DatabaseQueue(path: folders.newPath()))
    try await withThrowingTaskGroup(of: Void.self) { group in
      let gate = DispatchSemaphore(value: 0)
      let (begun, begin) = AsyncStream.makeStream(of: Void.self)
      group.addTask {
        try await writer.perform { _ in
          begin.finish()
          gate.wait()
        }
      }
      for await _ in begun {}
      for (place, count) in octets.enumerated() {
        group.addTask { try await writer.perform(octets: count) { _ in } }
        while writer.waiting <= place { await Task.yield() }
      }
      gate.signal()
      try await group.waitForAll()
    }
    return writer.commits - 1
  }

  @Test func afterACommitOfUnknownOutcomeNothingMoreIsWritten() async throws {
    let writer = try await writer()
    await #expect {
      try await writer.perform { database in
        database.add(transactionObserver: FailingSync(), extent: .nextTransaction)
        try database.execute(sql: "INSERT INTO number VALUES (1)")
      }
    } throws: {
      code($0) == .unknownOutcome
    }
    await #expect { try await numbers(writer) } throws: { code($0) == .cannotWrite }
  }

}

/// Makes a commit fail as a failed fsync does.
final class FailingSync: TransactionObserver, Sendable {
  private let isArmed: Mutex<Bool>

  init(isArmed: Bool = true) { self.isArmed = Mutex(isArmed) }

  func arm() { isArmed.withLock { $0 = true } }
  func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { true }
  func databaseDidChange(with event: DatabaseEvent) {}
  func databaseWillCommit() throws {
    if isArmed.withLock({ $0 }) { throw DatabaseError(resultCode: .SQLITE_IOERR_FSYNC) }
  }
  func databaseDidCommit(_ database: Database) {}
  func databaseDidRollback(_ database: Database) {}
}
