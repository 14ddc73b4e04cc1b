import DeliveryQueue
import GRDB
import MailModel
import SQLiteStorage
import Testing

@Suite struct WriterTests {
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

  /// Makes a commit fail as a failed fsync does.
  private final class FailingSync: TransactionObserver {
    func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { true }
    func databaseDidChange(with event: DatabaseEvent) {}
    func databaseWillCommit() throws { throw DatabaseError(resultCode: .SQLITE_IOERR_FSYNC) }
    func databaseDidCommit(_ database: Database) {}
    func databaseDidRollback(_ database: Database) {}
  }
}
