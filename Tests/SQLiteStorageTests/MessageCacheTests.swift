import DeliveryQueue
import GRDB
import MailModel
import SMTPTesting
import SQLiteStorage
import Testing

/// What the store knows without reading: it must never differ from what the database holds.
@Suite(.serialized) struct MessageCacheTests {
  private let folders = TemporaryFolders()

  private func folder(cacheLimit: Int) async throws -> StorageFolder {
    var configuration = StorageConfiguration()
    configuration.cacheLimit = cacheLimit
    return try await folders.open(configuration: configuration)
  }

  /// Makes what the database holds of all messages useless, so that only what is known can be claimed.
  private func spoil(_ folder: StorageFolder) async throws {
    try await folder.resources.writer.perform { try $0.execute(sql: "UPDATE recipient SET path = 'no address'") }
  }

  private func claim(_ store: SQLiteQueueStore, at now: Timestamp = SystemTime().now()) async throws -> [Claim] {
    try await store.claim(ClaimRequest(limit: 100, now: now, leasedUntil: now + .seconds(60))).claims
  }

  private func settle(
    _ claim: Claim, _ states: [RecipientState], next: Timestamp? = nil, in store: SQLiteQueueStore
  ) async throws {
    let changes = zip(claim.recipients, states).map { recipient, state in
      Settlement.Change(
        index: recipient.index, state: state, nextAttempt: state == .deferred ? next : nil,
        reply: DeliveryReply(code: 250, text: "250 \(state)"))
    }
    try await store.settle(Settlement(id: claim.id, token: claim.token, at: claim.acceptedAt, changes: changes))
  }

  /// Two recipients, a prefix of 17 octets and a body of 100: 1,141 octets each.
  @Test(arguments: [(-1, 2), (0, 3), (1, 3)])
  func whatDoesNotFitIsRead(octets: Int, known: Int) async throws {
    let folder = try await folder(cacheLimit: 2 * (3 * 1141 + octets))
    let messages = (0..<4).map { _ in Mail.message() }
    for message in messages { try await folder.queue.enqueue(message) }
    try await spoil(folder)
    #expect(try await claim(folder.queue).map(\.id) == messages.prefix(known).map(\.id))
  }

  @Test func whatWasClaimedMakesRoom() async throws {
    let folder = try await folder(cacheLimit: 2 * 1141)
    for _ in 0..<3 {
      let message = Mail.message()
      try await folder.queue.enqueue(message)
      try await spoil(folder)
      let claims = try await claim(folder.queue)
      #expect(claims.map(\.id) == [message.id])
      for claim in claims { try await settle(claim, [.delivered, .delivered], in: folder.queue) }
    }
  }

  /// A message to two domains behind one relay is one claim, and needs no place among those that nobody has claimed.
  @Test func whatIsClaimedWholeAtOneSiteMakesRoom() async throws {
    let folder = try await folder(cacheLimit: 2 * 1141)
    let messages = (0..<2).map { _ in Mail.message(to: ["one@one.example", "two@two.example"]) }
    for message in messages {
      try await folder.queue.enqueue(message)
      try await spoil(folder)
      #expect(try await claim(folder.queue).map(\.id) == [message.id])
    }
  }

  /// Nor is the database asked what a settlement changes of it.
  @Test func whatIsClaimedWholeAtOneSiteIsKnownToItsSettlement() async throws {
    let folder = try await folder(cacheLimit: 32 << 20)
    try await folder.queue.enqueue(Mail.message(to: ["one@one.example", "two@two.example"]))
    let claims = try await claim(folder.queue)
    #expect(claims.map(\.recipients.count) == [2])
    try await spoil(folder)
    for claim in claims { try await settle(claim, [.delivered, .delivered], in: folder.queue) }
    #expect(try await folder.queue.recipientCounts() == [.delivered: 2])
  }

  /// What is given only to be put off is not read whole: its content is asked for when it is needed.
  @Test(arguments: [false, true]) func whatIsSuspendedIsReadWithoutItsBody(isSuspended: Bool) async throws {
    let folder = try await folder(cacheLimit: 32 << 20)
    let store = folder.queue
    var request = ClaimRequest(limit: 1, now: SystemTime().now(), leasedUntil: .never)
    request.rules = .unlimited
    (request.rules.failuresBeforePause, request.rules.patience) = (1, .seconds(1))
    try await store.enqueue(Mail.message())
    let first = try #require(try await store.claim(request).claims.first)
    let message = Mail.message()
    try await store.enqueue(message)
    store.forget(message.id.sequence)
    request.ended = [DeliveryEnd(token: first.token, condition: isSuspended ? .failed("no route") : .working)]
    request.limit = 0
    _ = try await store.claim(request)
    (request.limit, request.ended, request.now) = (1, [], message.acceptedAt + .seconds(2))
    let claim = try #require(try await store.claim(request).claims.first)
    #expect(claim.id == message.id)
    #expect((claim.suspension != nil) == isSuspended)
    try await folder.resources.writer.perform { try $0.execute(sql: "UPDATE content SET body = x'', digest = NULL") }
    #expect(try await store.readAll(message.id).count == (isSuspended ? message.prefix.count : message.size))
  }

  @Test(arguments: [0, 32 << 20])
  func whatWasNotKeptIsNotKnown(cacheLimit: Int) async throws {
    let folder = try await folder(cacheLimit: cacheLimit)
    let message = Mail.message()
    try await folder.queue.enqueue(message)
    let impostor = Mail.message(octets: 200, id: message.id)
    await #expect { try await folder.queue.enqueue(impostor) } throws: { code($0) == .invalidMessage }
    #expect(try await claim(folder.queue).map(\.size) == [message.size])
    #expect(try await folder.queue.readAll(message.id).count == message.size)
  }

  @Test func whatHasChangedIsForgotten() async throws {
    let folder = try await folder(cacheLimit: 32 << 20)
    let message = Mail.message()
    try await folder.queue.enqueue(message)
    try await folder.resources.writer.perform { try $0.execute(sql: "UPDATE recipient SET attempts = 3") }
    folder.queue.forget(message.id.sequence)
    #expect(try await claim(folder.queue).flatMap(\.recipients).map(\.attempts) == [3, 3])
  }

  /// Octets of the prefix, and more.
  @Test(arguments: [0, 100, (64 << 10) - 18, (64 << 10) - 17, (64 << 10) - 16, 1 << 20], [0, 32 << 20])
  func contentIsTheSameWhetherKnownOrRead(octets: Int, cacheLimit: Int) async throws {
    let folder = try await folder(cacheLimit: cacheLimit)
    let store = folder.queue
    let message = Mail.message(octets: octets)
    let spooled = try await Mail.spooled(octets: octets, in: store)
    for message in [message, spooled] { try await store.enqueue(message) }
    let (expected, other) = ([UInt8](repeating: 65, count: octets), [UInt8](repeating: 66, count: octets))
    for isClaimed in [false, true] {
      if isClaimed { #expect(try await claim(store).count == 2) }
      #expect(try await store.readAll(message.id) == message.prefix + expected)
      #expect(try await store.readAll(spooled.id) == spooled.prefix + other)
    }
    guard let stranger = QueueID(sequence: message.id.sequence, secret: message.id.secret ^ 1) else { return }
    await #expect { try await store.content(of: stranger) } throws: { code($0) == .noSuchMessage }
  }

  @Test(arguments: [0, 32 << 20])
  func aDeferredMessageComesBackAsItStands(cacheLimit: Int) async throws {
    let store = try await folder(cacheLimit: cacheLimit).queue
    let message = Mail.message()
    try await store.enqueue(message)
    let next = message.acceptedAt + .seconds(600)
    for claim in try await claim(store) { try await settle(claim, [.delivered, .deferred], next: next, in: store) }
    #expect(try await claim(store, at: next + .milliseconds(-1)).isEmpty)
    let claims = try await claim(store, at: next)
    #expect(claims.map { $0.recipients.map(\.index) } == [[1]])
    #expect(claims.first?.recipients.first?.attempts == 1)
    #expect(try await store.readAll(message.id).count == message.size)
    // A reply that is not given leaves the earlier one.
    for claim in claims {
      let change = Settlement.Change(index: 1, state: .expired, reply: nil, attempts: 0)
      try await store.settle(Settlement(id: claim.id, token: claim.token, at: next, changes: [change]))
    }
    let status = try await store.status(of: message.id)
    #expect(status?.recipients.map(\.state) == [.delivered, .expired])
    #expect(status?.recipients.map(\.attempts) == [1, 1])
    #expect(status?.recipients.map { $0.reply?.text } == ["250 delivered", "250 deferred"])
    #expect(status?.recipients.map(\.lastAttempt) == [message.acceptedAt, message.acceptedAt])
    await #expect { try await store.content(of: message.id) } throws: { code($0) == .noSuchMessage }
  }

  @Test func aClaimThatRanOutIsMadeAnew() async throws {
    let store = try await folder(cacheLimit: 32 << 20).queue
    let message = Mail.message()
    try await store.enqueue(message)
    let first = try await claim(store)
    let second = try await claim(store, at: SystemTime().now() + .seconds(61))
    #expect(second.map(\.id) == first.map(\.id))
    for claim in first {
      await #expect { try await settle(claim, [.bounced, .bounced], in: store) } throws: { code($0) == .claimLost }
    }
    for claim in second { try await settle(claim, [.delivered, .delivered], in: store) }
    #expect(try await store.recipientCounts() == [.delivered: 2])
  }

  @Test func aSettlementThatFailsLeavesTheClaimAsItWas() async throws {
    let folder = try await folder(cacheLimit: 32 << 20)
    let store = folder.queue
    try await store.enqueue(Mail.message())
    let claims = try await claim(store)
    try await folder.resources.writer.perform { try $0.execute(sql: "ALTER TABLE recipient RENAME TO gone") }
    for claim in claims {
      await #expect(throws: QueueError.self) { try await settle(claim, [.delivered, .delivered], in: store) }
    }
    try await folder.resources.writer.perform { try $0.execute(sql: "ALTER TABLE gone RENAME TO recipient") }
    for claim in claims { try await settle(claim, [.delivered, .deferred], in: store) }
    #expect(try await store.recipientCounts() == [.delivered: 1, .deferred: 1])
  }
}
