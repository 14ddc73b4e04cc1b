import DeliveryQueue
import GRDB
import MailModel
import SQLiteStorage
import Testing

/// Lists and counts of more than one reading looks at.
@Suite(.serialized) struct QueueListingTests {
  private let folders = TemporaryFolders()

  /// 2,300 messages, of which the first, the 2,000th, the 2,001st and the last are another tenant's.
  private func fill(_ store: SQLiteQueueStore) async throws -> (all: [QueueID], rare: [QueueID]) {
    var messages = (0..<2300).map { _ in Mail.message(octets: 1) }
    for index in [0, 1999, 2000, 2299] { messages[index].tenant = "rare" }
    try await store.enqueueAll(messages)
    return (messages.map(\.id), [0, 1999, 2000, 2299].map { messages[$0].id })
  }

  @Test(arguments: [nil, [RecipientState.queued]])
  func whatIsRareIsFound(states: Set<RecipientState>?) async throws {
    let store = try await folders.open().queue
    let (all, rare) = try await fill(store)
    let selection = QueueSelection(tenant: "rare", states: states)
    #expect(try await store.messages(selection, after: nil, limit: 10).map(\.id) == rare)
    #expect(try await store.messages(selection, after: rare[1], limit: 1).map(\.id) == [rare[2]])
    #expect(try await store.messages(QueueSelection(states: states), after: nil, limit: 5000).map(\.id) == all)
    #expect(try await store.messages(QueueSelection(tenant: "none", states: states), after: nil, limit: 1).isEmpty)
    let names = QueueSelection(ids: Set(all), states: states)
    #expect(try await store.messages(names, after: rare[0], limit: 5000).map(\.id) == Array(all.dropFirst()))
    let counts = try await store.counts(QueueSelection(states: states), by: .tenant, limit: 10)
    #expect(counts.map(\.name) == ["tenant", "rare"])
    #expect(counts.map(\.total) == [4592, 8])
    #expect(try await store.counts(names, by: .tenant, limit: 10) == counts)
    #expect(try await store.recipientCounts() == [.queued: 4600])
  }

  @Test func whatCannotBeUnderstoodIsNotCounted() async throws {
    let folder = try await folders.open()
    let messages = (0..<4).map { _ in Mail.message() }
    try await folder.queue.enqueueAll(messages)
    try await folder.resources.writer.perform { database in
      let damages = ["path = 'no address'", "path = 'user@no address'", "state = 99"]
      for (message, damage) in zip(messages, damages) {
        try database.execute(
          sql: "UPDATE recipient SET \(damage) WHERE message = ? AND place = 0", arguments: [message.id.sequence])
      }
    }
    let counts = try await folder.queue.counts(.everything, by: .destination, limit: 10)
    #expect(counts == [QueueCount(name: "example.org", recipients: [.queued: 5])])
    #expect(try await folder.queue.recipientCounts() == [.queued: 7])
    let listed = try await folder.queue.messages(.everything, after: nil, limit: 10)
    #expect(listed.map(\.id) == [messages[3].id])
  }

  @Test func whoeverIsNotWaitedForStopsLooking() async throws {
    let store = try await folders.open().queue
    try await store.enqueue(Mail.message())
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return try await store.counts(.everything, by: .tenant, limit: 1)
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }
}
