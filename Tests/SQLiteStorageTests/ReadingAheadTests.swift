import DeliveryQueue
import GRDB
import MailModel
import SMTPTesting
import SQLiteStorage
import Testing

/// What a claim reads beside what it gives, so that the next claims need not read: it must never be older than the database.
@Suite(.serialized) struct ReadingAheadTests {
  private let folders = TemporaryFolders()
  /// Beside those that a claim gives.
  private let limit = 64

  /// A store that was opened over so many messages that are due, and knows none of them.
  private func reopened(_ count: Int, cacheLimit: Int = 32 << 20) async throws -> (StorageFolder, [NewMessage]) {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    let messages = (0..<count).map { index in
      Mail.message(body: .octets([UInt8](repeating: UInt8(index % 251), count: 50 + index)))
    }
    try await folder.queue.enqueueAll(messages)
    await folder.close()
    var configuration = StorageConfiguration.untouchedByTheDisk
    configuration.cacheLimit = cacheLimit
    return (try await folders.open(path, configuration: configuration), messages)
  }

  /// Makes what the database holds useless, so that only what is known can be claimed.
  private func spoil(_ folder: StorageFolder) async throws {
    try await folder.resources.writer.perform { try $0.execute(sql: "UPDATE recipient SET path = 'no address'") }
  }

  private func claim(_ count: Int, of folder: StorageFolder) async throws -> [Claim] {
    let now = SystemTime().now()
    return try await folder.queue.claim(ClaimRequest(limit: count, now: now, leasedUntil: now + .seconds(60))).claims
  }

  @Test(arguments: [(1, 63), (1, 64), (1, 65), (5, 64), (5, 65)])
  func oneReadingTakesWhatComesNext(given: Int, behind: Int) async throws {
    let (folder, messages) = try await reopened(given + behind)
    let order = messages.sorted { ($0.acceptedAt, $0.id.sequence) < ($1.acceptedAt, $1.id.sequence) }.map(\.id)
    #expect(try await claim(given, of: folder).map(\.id) == Array(order.prefix(given)))
    try await spoil(folder)
    let known = try await claim(1000, of: folder)
    #expect(known.map(\.id) == Array(order.dropFirst(given).prefix(limit)))
    #expect(known.allSatisfy { $0.recipients.map(\.index) == [0, 1] })
  }

  @Test func withoutRoomNothingIsReadAhead() async throws {
    let (folder, _) = try await reopened(10, cacheLimit: 0)
    #expect(try await claim(1, of: folder).count == 1)
    try await spoil(folder)
    #expect(try await claim(1000, of: folder).isEmpty)
  }

  @Test func whatIsDueLaterIsNotReadAhead() async throws {
    let (folder, messages) = try await reopened(2)
    let later = Mail.message(at: SystemTime().now() + .seconds(3600))
    try await folder.queue.enqueue(later)
    folder.queue.forget(later.id.sequence)
    #expect(try await claim(1, of: folder).count == 1)
    try await spoil(folder)
    #expect(try await claim(1, of: folder).count == 1)
    let then = later.acceptedAt
    let batch = try await folder.queue.claim(ClaimRequest(limit: 9, now: then, leasedUntil: then + .seconds(60)))
    // The leases of the others have run out; no claim of those or of this one can be read any more.
    #expect(batch.claims.isEmpty && messages.count == 2)
  }

  @Test func whatAnOrderChangedIsReadAnew() async throws {
    let (folder, messages) = try await reopened(4)
    let given = try await claim(1, of: folder).map(\.id)
    let rest = messages.map(\.id).filter { !given.contains($0) }.sorted()
    let selection = QueueSelection(ids: [rest[0]])
    let result = try await folder.queue.apply(
      QueueOrder(.hold, by: "me", because: "I say so", at: SystemTime().now()), to: selection)
    #expect(result.messages == 1)
    #expect(try await claim(1000, of: folder).map(\.id).sorted() == Array(rest.dropFirst()))
  }

  @Test func whatWasReadAheadIsSettledAndHasItsContent() async throws {
    let (folder, messages) = try await reopened(40)
    let store = folder.queue
    var claims: [Claim] = []
    while let claim = try await claim(1, of: folder).first {
      let message = try #require(messages.first { $0.id == claim.id })
      guard case .octets(let body) = message.body else { continue }
      #expect(try await store.readAll(claim.id) == message.prefix + body)
      #expect(claim.acceptedAt == message.acceptedAt && claim.tenant == message.tenant && claim.size == message.size)
      claims.append(claim)
    }
    #expect(claims.count == 40)
    let next = SystemTime().now() + .seconds(600)
    for claim in claims {
      let changes = [
        Settlement.Change(index: 0, state: .delivered, reply: nil),
        Settlement.Change(index: 1, state: .deferred, nextAttempt: next, reply: nil),
      ]
      try await store.settle(Settlement(id: claim.id, token: claim.token, at: claim.acceptedAt, changes: changes))
    }
    let batch = try await store.claim(ClaimRequest(limit: 1000, now: next, leasedUntil: next + .seconds(60)))
    #expect(batch.claims.count == 40)
    #expect(batch.claims.allSatisfy { $0.recipients.map(\.index) == [1] && $0.recipients.map(\.attempts) == [1] })
  }
}
