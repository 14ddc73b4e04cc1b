import DeliveryQueue
import Foundation
import GRDB
import MailModel
import SMTPTesting
import SQLiteStorage
import Testing

@Suite(.serialized) struct SQLiteQueueStoreTests {
  private let folders = TemporaryFolders()

  /// How a store ends before it is opened again.
  enum End: CaseIterable { case clean, crash }

  /// A configuration with which everything is read from the database, and nothing known.
  private var reading: StorageConfiguration {
    var configuration = StorageConfiguration()
    configuration.cacheLimit = 0
    return configuration
  }

  @Test(arguments: QueueStoreConformance.Check.allCases, End.allCases)
  func conforms(_ check: QueueStoreConformance.Check, _ end: End) async {
    await conforms(check, end, StorageConfiguration())
  }

  @Test(arguments: QueueStoreConformance.Check.allCases)
  func conformsWithoutACache(_ check: QueueStoreConformance.Check) async { await conforms(check, .crash, reading) }

  private func conforms(
    _ check: QueueStoreConformance.Check, _ end: End, _ configuration: StorageConfiguration
  ) async {
    let folders = folders
    let conformance = QueueStoreConformance {
      try await folders.open(configuration: configuration).queue
    } reopen: { store in
      guard let (folder, path) = (store as? SQLiteQueueStore).flatMap(folders.folder) else { return store }
      switch end {
      case .crash: return try await folders.open(try folders.crashCopy(of: path), configuration: configuration).queue
      case .clean:
        await folder.close()
        return try await folders.open(path, configuration: configuration).queue
      }
    }
    #expect(await conformance.run(check) == [])
  }

  @Test(arguments: [0, 1, 262_143, 262_144, 262_145])
  func bodiesOfAnySizeGoEitherWay(octets: Int) async throws {
    let path = folders.newPath()
    var store = try await folders.open(path).queue
    let inline = Mail.message(octets: octets)
    let spooled = try await Mail.spooled(octets: octets, in: store)
    for message in [inline, spooled] { try await store.enqueue(message) }
    store = try await folders.open(try folders.crashCopy(of: path)).queue
    #expect(try await store.readAll(inline.id) == inline.prefix + [UInt8](repeating: 65, count: octets))
    #expect(try await store.readAll(spooled.id) == spooled.prefix + [UInt8](repeating: 66, count: octets))
  }

  @Test func manyProducersShareCommits() async throws {
    let folder = try await folders.open()
    let commits = folder.resources.writer.commits
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<50 {
        group.addTask { for _ in 0..<20 { try await folder.queue.enqueue(Mail.message()) } }
      }
      try await group.waitForAll()
    }
    #expect(try await folder.queue.recipientCounts() == [.queued: 2000])
    #expect(folder.resources.writer.commits - commits < 1000)
  }

  @Test func aFullDiskRefusesAndNothingIsKept() async throws {
    let folder = try await folders.open()
    let store = folder.queue
    for _ in 0..<3 { try await store.enqueue(Mail.message(octets: 200_000)) }
    let pages = try await folder.resources.writer.perform { try Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0 }
    try await folder.resources.writer.perform { try $0.execute(sql: "PRAGMA max_page_count = \(pages + 2)") }

    let large = Mail.message(octets: 200_000)
    await #expect { try await store.enqueue(large) } throws: { code($0) == .insufficientStorage }
    #expect(try await store.status(of: large.id) == nil)
    let small = Mail.message()
    try await store.enqueue(small)
    // What is delivered makes room.
    try await store.deliverAll()
    try await store.enqueue(large)
    #expect(try await store.readAll(large.id).count == large.size)
  }

  @Test func oneThatDoesNotFitHarmsNoOtherOfItsTransaction() async throws {
    let folder = try await folders.open()
    let store = folder.queue
    try await store.enqueue(Mail.message())
    let pages = try await folder.resources.writer.perform { try Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0 }
    try await folder.resources.writer.perform { try $0.execute(sql: "PRAGMA max_page_count = \(pages + 4)") }
    let kept = await withTaskGroup(of: (Int, Bool).self) { group in
      for index in 0..<40 {
        let message = Mail.message(octets: index % 2 == 0 ? 200_000 : 10)
        group.addTask { (index, (try? await store.enqueue(message)) != nil) }
      }
      return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    for index in 0..<40 { #expect(kept[index] == (index % 2 != 0)) }
    #expect(try await store.recipientCounts() == [.queued: 42])
  }

  @Test func aQueueWithoutRoomRefuses() async throws {
    var configuration = StorageConfiguration.untouchedByTheDisk
    configuration.queueLimits = QueueLimits(messages: 2, octets: 1 << 20)
    let path = folders.newPath()
    let first = try await folders.open(path, configuration: configuration)
    for _ in 0..<2 { try await first.queue.enqueue(Mail.message()) }
    await first.close()
    let store = try await folders.open(path, configuration: configuration).queue
    await #expect { try await store.enqueue(Mail.message()) } throws: { code($0) == .insufficientStorage }
    try await store.deliverAll()
    try await store.enqueue(Mail.message())
  }

  /// A message that is settled in several parts makes room for one message.
  @Test func settlementsAtOnceMakeRoomOnce() async throws {
    var configuration = StorageConfiguration.untouchedByTheDisk
    configuration.queueLimits = QueueLimits(messages: 20, octets: 1 << 20)
    let store = try await folders.open(configuration: configuration).queue
    for round in 0..<2 {
      let recipients = round == 0 ? ["one@one.example", "two@two.example", "three@three.example"] : ["one@one.example"]
      for _ in 0..<20 { try await store.enqueue(Mail.message(to: recipients)) }
      await #expect { try await store.enqueue(Mail.message()) } throws: { code($0) == .insufficientStorage }
      let now = SystemTime().now()
      var request = ClaimRequest(limit: 100, now: now, leasedUntil: now + .seconds(60))
      request.site = { DeliverySite($0) }
      let claims = try await store.claim(request).claims
      #expect(claims.count == 20 * recipients.count)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for claim in claims {
          let changes = claim.recipients.map { Settlement.Change(index: $0.index, state: .delivered, reply: nil) }
          group.addTask {
            try await store.settle(Settlement(id: claim.id, token: claim.token, at: now, changes: changes))
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test func aLostOrShortenedSpoolFileIsDamage() async throws {
    let path = folders.newPath()
    let store = try await folders.open(path).queue
    for isRemoved in [true, false] {
      let message = try await Mail.spooled(octets: 300_000, in: store)
      try await store.enqueue(message)
      let file = "\(path)/spool/\(message.id)"
      if isRemoved {
        try FileManager.default.removeItem(atPath: file)
      } else {
        #expect(truncate(file, 299_999) == 0)
      }
      await #expect { try await store.readAll(message.id) } throws: { code($0) == .damaged }
    }
  }

  @Test func whatCannotBeUnderstoodDoesNotHoldUpTheRest() async throws {
    let folder = try await folders.open(configuration: reading)
    let messages = [Mail.message(), Mail.message(), Mail.message()]
    for message in messages { try await folder.queue.enqueue(message) }
    let broken = messages[1].id.sequence
    try await folder.resources.writer.perform {
      try $0.execute(sql: "UPDATE recipient SET path = 'no address' WHERE message = ?", arguments: [broken])
    }
    let now = SystemTime().now()
    let request = ClaimRequest(limit: 10, now: now, leasedUntil: now + .seconds(86_400))
    let claims = try await folder.queue.claim(request).claims
    #expect(claims.map(\.id) == [messages[0].id, messages[2].id])
    #expect(try await folder.queue.claim(request).nextDue == now + .seconds(3600))
  }

  @Test(arguments: [
    "message SET body_type = '9BIT'", "message SET smtputf8 = 0", "message SET smtputf8 = 2",
    "message SET ret = 'full'",
    "message SET envid = ''", "message SET envid = 'two' || char(13, 10) || 'lines'",
    "message SET submitter = 'no address'", "message SET mt_priority = 10", "message SET mt_priority = -10",
    "recipient SET notify = 8", "recipient SET notify = -1",
    "recipient SET notify = 257", "recipient SET orcpt = ''", "recipient SET orcpt = 'rfc822'",
    "recipient SET orcpt = ';a@example.org'", "recipient SET orcpt = 'rfc822;'",
    "recipient SET orcpt = 'rfc822;j' || char(246) || 'rg'",
  ])
  func aDamagedParameterIsNotGuessed(_ damage: String) async throws {
    let folder = try await folders.open(configuration: reading)
    let messages = [Mail.message(), Mail.message()]
    for message in messages { try await folder.queue.enqueue(message) }
    let key = damage.hasPrefix("message") ? "sequence" : "message"
    try await folder.resources.writer.perform { [broken = messages[0].id.sequence] in
      try $0.execute(sql: "UPDATE \(damage) WHERE \(key) = ?", arguments: [broken])
    }
    let now = SystemTime().now()
    let request = ClaimRequest(limit: 10, now: now, leasedUntil: now + .seconds(60))
    #expect(try await folder.queue.claim(request).claims.map(\.id) == [messages[1].id])
    guard key == "sequence" else { return }
    await #expect { try await folder.queue.status(of: messages[0].id) } throws: { code($0) == .damaged }
  }

  @Test func anErrorOfTheDatabasePutsNothingOff() async throws {
    let folder = try await folders.open(configuration: reading)
    let messages = [Mail.message(), Mail.message()]
    for message in messages { try await folder.queue.enqueue(message) }
    let now = SystemTime().now()
    let request = ClaimRequest(limit: 10, now: now, leasedUntil: now + .seconds(60))
    try await folder.resources.writer.perform { try $0.execute(sql: "ALTER TABLE recipient RENAME TO gone") }
    await #expect(throws: QueueError.self) { try await folder.queue.claim(request) }
    try await folder.resources.writer.perform { try $0.execute(sql: "ALTER TABLE gone RENAME TO recipient") }
    #expect(try await folder.queue.claim(request).claims.map(\.id) == messages.map(\.id))
  }

  @Test func whatAClaimThatFailedLearntOfSitesIsToldByTheNext() async throws {
    let folder = try await folders.open(configuration: reading)
    try await folder.queue.enqueue(Mail.message(to: ["a@one.example"]))
    let now = SystemTime().now()
    var request = ClaimRequest(limit: 10, now: now, leasedUntil: now + .seconds(60))
    request.site = { DeliverySite($0) }
    request.rules.failuresBeforePause = 1
    let claim = try #require(try await folder.queue.claim(request).claims.first)
    try await folder.queue.enqueue(Mail.message(to: ["a@two.example"], at: now))
    request.ended = [DeliveryEnd(token: claim.token, condition: .failed("no route"))]
    try await folder.resources.writer.perform { try $0.execute(sql: "ALTER TABLE recipient RENAME TO gone") }
    await #expect(throws: QueueError.self) { try await folder.queue.claim(request) }
    try await folder.resources.writer.perform { try $0.execute(sql: "ALTER TABLE gone RENAME TO recipient") }
    for isTold in [true, false] {
      let batch = try await folder.queue.claim(request)
      #expect(batch.siteChanges.map(\.site.description) == (isTold ? ["one.example"] : []))
      #expect(batch.claims.map(\.site.description) == (isTold ? ["two.example"] : []))
    }
  }

  @Test func whatCannotBeUnderstoodIsPassedOverInLists() async throws {
    let folder = try await folders.open()
    let messages = (0..<4).map { _ in Mail.message() }
    for message in messages { try await folder.queue.enqueue(message) }
    let broken = messages[1].id.sequence
    try await folder.resources.writer.perform {
      try $0.execute(sql: "UPDATE recipient SET path = 'no address' WHERE message = ?", arguments: [broken])
    }
    let page = try await folder.queue.messages(after: nil, limit: 2)
    #expect(page.map(\.id) == [messages[0].id, messages[2].id])
    #expect(try await folder.queue.messages(after: messages[2].id, limit: 2).map(\.id) == [messages[3].id])
    await #expect { try await folder.queue.status(of: messages[1].id) } throws: { code($0) == .damaged }
  }

  @Test func theSpoolFileGoesWithTheLastRecipient() async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    try await folder.queue.enqueue(try await Mail.spooled(octets: 300_000, in: folder.queue))
    #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/spool").count == 1)
    try await folder.queue.deliverAll()
    await folder.close()
    // Removed after the commit, or else swept.
    _ = try await folders.open(path)
    #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/spool").isEmpty)
  }

  @Test func oldHistoryIsForgottenAndOldMailInTheQueueIsNot() async throws {
    let folder = try await folders.open()
    let now = SystemTime().now()
    let old = (0..<1200).map { Mail.message(at: now + .milliseconds($0 - 40 * 86_400_000)) }
    try await folder.queue.enqueueAll(old)
    try await folder.queue.deliverAll()  // a thousand of them
    let young = Mail.message()
    try await folder.queue.enqueue(young)
    try await folder.queue.forget(finishedBefore: now + .seconds(-30 * 86_400))
    #expect(try await folder.queue.status(of: old[0].id) == nil)
    #expect(try await folder.queue.recipientCounts() == [.queued: 402])
    #expect(try await folder.queue.messages(after: nil, limit: 1000).count == 201)
  }

  @Test func queueIDsGoOnWhereTheyEnded() async throws {
    let path = folders.newPath()
    let folder = try await folders.open(path)
    #expect(folder.queue.greatestSequence == 0)
    let message = Mail.message()
    try await folder.queue.enqueue(message)
    await folder.close()
    #expect(try await folders.open(path).queue.greatestSequence == message.id.sequence)
  }
}
