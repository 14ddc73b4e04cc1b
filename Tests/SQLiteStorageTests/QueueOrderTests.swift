import DeliveryQueue
import Dispatch
import Foundation
import GRDB
import MailModel
import SQLiteStorage
import Testing

/// Orders of an operator, where they go wrong and where much is under way.
@Suite(.serialized) struct QueueOrderTests {
  private let folders = TemporaryFolders()
  private let now = SystemTime().now()

  private func order(_ action: QueueOrder.Action) -> QueueOrder {
    QueueOrder(action, by: "Ada", because: "a test", at: now)
  }

  private func claimAll(_ store: SQLiteQueueStore) async throws -> [QueueID] {
    let request = ClaimRequest(limit: 1000, now: SystemTime().now(), leasedUntil: now + .seconds(3600))
    return try await store.claim(request).claims.map(\.id).sorted()
  }

  @Test(arguments: [QueueOrder.Action.remove, .bounce])
  func theSpoolFileGoesWithTheLastRecipient(_ action: QueueOrder.Action) async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    let message = try await Mail.spooled(octets: 300_000, in: folder.queue)
    try await folder.queue.enqueue(message)
    #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/spool") == ["\(message.id)"])
    #expect(try await folder.queue.apply(order(action), to: QueueSelection(ids: [message.id])).messages == 1)
    let left = try await folder.resources.writer.perform { try Int.fetchOne($0, sql: "SELECT count(*) FROM content") }
    #expect(left == 0)
    await folder.close()
    #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/spool").isEmpty)
  }

  @Test func whereAStepFailsTheRestIsUnharmed() async throws {
    let folder = try await folders.open()
    let messages = (0..<500).map { _ in Mail.message(octets: 1) }
    try await folder.queue.enqueueAll(messages)
    try await folder.resources.writer.perform { [broken = messages[299].id.sequence] in
      try $0.execute(
        sql: """
          CREATE TRIGGER fault BEFORE INSERT ON operator_order WHEN NEW.message = \(broken) AND NEW.place = 1
          BEGIN SELECT RAISE(ABORT, 'a fault'); END
          """)
    }
    await #expect { try await folder.queue.apply(order(.hold), to: .everything) } throws: { code($0) == .cannotWrite }
    let half = try await folder.queue.status(of: messages[299].id)
    #expect(half?.recipients.map(\.state) == [.queued, .queued])
    #expect(try await folder.queue.summary().recipients == [.held: 400, .queued: 600])
    #expect(try await claimAll(folder.queue) == messages[200...].map(\.id))

    try await folder.resources.writer.perform { try $0.execute(sql: "DROP TRIGGER fault") }
    let released = try await folder.queue.apply(order(.release), to: .everything)
    #expect((released.messages, released.recipients) == (200, 400))
    #expect(try await claimAll(folder.queue) == messages[..<200].map(\.id))
  }

  /// Holds up the writer until `signal()`.
  private func holdUp(_ folder: StorageFolder) async -> DispatchSemaphore {
    let semaphore = DispatchSemaphore(value: 0)
    let begun = AsyncStream.makeStream(of: Void.self)
    Task {
      try await folder.resources.writer.perform { _ in
        begun.continuation.finish()
        semaphore.wait()
      }
    }
    for await _ in begun.stream {}
    return semaphore
  }

  @Test func whatAnOrderHasInHandIsNotClaimedAndTheNextOrderWaits() async throws {
    let folder = try await folders.open()
    let messages = (0..<3).map { _ in Mail.message() }
    try await folder.queue.enqueueAll(messages)
    let writer = await holdUp(folder)
    async let held = folder.queue.apply(order(.hold), to: QueueSelection(ids: [messages[0].id, messages[1].id]))
    while folder.resources.writer.waiting < 1 { await Task.yield() }
    async let removed = folder.queue.apply(order(.remove), to: QueueSelection(ids: [messages[1].id]))
    #expect(try await claimAll(folder.queue) == [messages[2].id])
    writer.signal()
    #expect(try await held.messages == 2)
    let result = try await removed
    #expect((result.messages, result.underAttempt) == (1, []))
    #expect(try await claimAll(folder.queue) == [])
    #expect(try await folder.queue.recipientCounts() == [.held: 2, .removed: 2, .queued: 2])
  }

  @Test func aCancelledOrderEndsBetweenTwoSteps() async throws {
    let folder = try await folders.open()
    let messages = (0..<500).map { _ in Mail.message(octets: 1) }
    try await folder.queue.enqueueAll(messages)
    let writer = await holdUp(folder)
    let task = Task { try await folder.queue.apply(order(.hold), to: .everything) }
    while folder.resources.writer.waiting < 1 { await Task.yield() }
    task.cancel()
    writer.signal()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(try await folder.queue.summary().recipients == [.held: 400, .queued: 600])
    #expect(try await claimAll(folder.queue) == messages[200...].map(\.id))
  }

  /// Who holds what cannot be read, can be rid of it; what needs to be read for the order stays as it is.
  @Test func whatCannotBeUnderstoodCanBeRemovedByItsName() async throws {
    let folder = try await folders.open()
    let messages = (0..<4).map { _ in Mail.message() }
    try await folder.queue.enqueueAll(messages)
    try await folder.resources.writer.perform { database in
      for (message, damage) in zip(messages, ["path = 'no address'", "state = 99"]) {
        try database.execute(
          sql: "UPDATE recipient SET \(damage) WHERE message = ? AND place = 0", arguments: [message.id.sequence])
      }
    }
    let destination = try #require(Mailbox("x@example.org")).host
    let held = try await folder.queue.apply(order(.hold), to: QueueSelection(destination: destination))
    #expect((held.messages, held.recipients) == (3, 5))
    let removed = try await folder.queue.apply(order(.remove), to: QueueSelection(ids: Set(messages.map(\.id))))
    #expect((removed.messages, removed.recipients) == (3, 6))
    #expect(try await folder.queue.summary().messages == 1)
  }
}
