import DeliveryQueue
import Foundation
import GRDB
import Logging
import MailModel
import SQLiteStorage
import SMTPTesting
import Testing

/// Messages whose recipients are at several sites: of one there may be several claims, and what is known of it while one of
/// them is under way may be changed by another.
@Suite(.serialized) struct SeveralSitesTests {
  private let folders = TemporaryFolders()
  private let recipients = ["one@one.example", "two@two.example", "three@one.example"]

  private func folder(cacheLimit: Int = 32 << 20) async throws -> StorageFolder {
    var configuration = StorageConfiguration.untouchedByTheDisk
    configuration.cacheLimit = cacheLimit
    return try await folders.open(configuration: configuration)
  }

  private func claim(
    _ limit: Int = 100, of folder: StorageFolder, at now: Timestamp = SystemTime().now()
  ) async throws -> [Claim] {
    var request = ClaimRequest(limit: limit, now: now, leasedUntil: now + .seconds(60))
    request.site = { DeliverySite($0) }
    return try await folder.queue.claim(request).claims
  }

  private func settle(
    _ claim: Claim, _ state: RecipientState, next: Timestamp? = nil, in folder: StorageFolder
  ) async throws {
    let changes = claim.recipients.map {
      Settlement.Change(index: $0.index, state: state, nextAttempt: next, reply: DeliveryReply(problem: "\(state)"))
    }
    try await folder.queue.settle(
      Settlement(id: claim.id, token: claim.token, at: SystemTime().now(), changes: changes))
  }

  private func pending(in folder: StorageFolder) async throws -> [String] {
    try await folder.resources.writer.perform { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT due || ' ' || queued || deferred || held || ' ' || coalesce(tenant, '-') || ' ' || priority || ' '
            || coalesce(destination, 'several') AS line
          FROM pending ORDER BY message
          """
      ).map { $0["line"] }
    }
  }

  /// Makes what the database holds useless, so that only what is known can be claimed.
  private func spoil(_ folder: StorageFolder) async throws {
    try await folder.resources.writer.perform { try $0.execute(sql: "UPDATE recipient SET path = 'no address'") }
  }

  // MARK: - What is known

  @Test(arguments: [0, 32 << 20])
  func aClaimThatEndsLastKnowsWhatTheOtherDid(cacheLimit: Int) async throws {
    let folder = try await folder(cacheLimit: cacheLimit)
    let message = Mail.message(to: recipients)
    try await folder.queue.enqueue(message)
    let next = message.acceptedAt + .seconds(600)
    let claims = try await claim(of: folder)
    #expect(claims.map { $0.recipients.map(\.index) }.sorted { $0.count > $1.count } == [[0, 2], [1]])
    for claim in claims {
      #expect(try await folder.queue.readAll(message.id).count == message.size)
      try await settle(claim, claim.recipients.count == 1 ? .delivered : .deferred, next: next, in: folder)
    }
    #expect(try await pending(in: folder) == ["\(next.milliseconds) 020 tenant 1 one.example"])
    #expect(try await folder.queue.readAll(message.id).count == message.size)
    let again = try await claim(of: folder, at: next)
    #expect(again.map { $0.recipients.map(\.index) } == [[0, 2]])
    for claim in again { try await settle(claim, .delivered, in: folder) }
    #expect(try await pending(in: folder) == [])
    #expect(try await folder.queue.recipientCounts() == [.delivered: 3])
    await #expect { try await folder.queue.content(of: message.id) } throws: { code($0) == .noSuchMessage }
  }

  @Test func aFreshMessageIsKnownToEachOfItsClaimsUntilOneEnds() async throws {
    for isSettled in [false, true] {
      let folder = try await folder()
      let message = Mail.message(to: recipients)
      try await folder.queue.enqueue(message)
      let first = try await claim(1, of: folder)
      if isSettled { for claim in first { try await settle(claim, .delivered, in: folder) } }
      try await spoil(folder)
      #expect(first.count == 1)
      #expect(try await claim(of: folder).count == (isSettled ? 0 : 1))
    }
  }

  /// Reopened, so that it is read.
  @Test func whatWasReadForOneClaimIsKnownToTheNext() async throws {
    let path = folders.newPath()
    let first = try await folders.open(path)
    let message = Mail.message(to: recipients)
    try await first.queue.enqueue(message)
    await first.close()
    let folder = try await folders.open(path)
    var claims = try await claim(1, of: folder)
    try await spoil(folder)
    claims += try await claim(1, of: folder)
    #expect(claims.map { $0.recipients.map(\.index) }.sorted { $0.count > $1.count } == [[0, 2], [1]])
    #expect(try await folder.queue.readAll(message.id).count == message.size)
  }

  /// One claim is settled again and again while the other one lasts.
  @Test(arguments: [0, 32 << 20])
  func aLongAttemptChangesNothingOfTheOthers(cacheLimit: Int) async throws {
    let folder = try await folder(cacheLimit: cacheLimit)
    let message = Mail.message(to: recipients)
    try await folder.queue.enqueue(message)
    var now = SystemTime().now()
    let claims = try await claim(of: folder, at: now)
    let long = try #require(claims.first { $0.recipients.count == 2 })
    var short = try #require(claims.first { $0.recipients.count == 1 })
    for attempts in 1...3 {
      let next = now + .seconds(10)
      try await settle(short, .deferred, next: next, in: folder)
      now = next
      let again = try await claim(of: folder, at: now)
      short = try #require(again.first)
      #expect(again.count == 1 && short.recipients.map(\.index) == [1])
      #expect(short.recipients.map(\.attempts) == [attempts])
    }
    try await settle(long, .delivered, in: folder)
    let status = try #require(try await folder.queue.status(of: message.id))
    #expect(status.recipients.map(\.state) == [.delivered, .deferred, .delivered])
    #expect(status.recipients.map(\.attempts) == [1, 3, 1])
    try await settle(short, .bounced, in: folder)
    #expect(try await pending(in: folder) == [])
  }

  @Test(arguments: [0, 32 << 20])
  func aSettlementLeavesRecipientsAtOtherSitesAlone(cacheLimit: Int) async throws {
    let folder = try await folder(cacheLimit: cacheLimit)
    let message = Mail.message(to: recipients)
    try await folder.queue.enqueue(message)
    let claim = try #require(try await claim(of: folder).first { $0.recipients.count == 1 })
    let changes = [0, 1, 2].map { Settlement.Change(index: $0, state: .bounced, reply: nil) }
    try await folder.queue.settle(
      Settlement(id: claim.id, token: claim.token, at: SystemTime().now(), changes: changes))
    #expect(try await folder.queue.status(of: message.id)?.recipients.map(\.state) == [.queued, .bounced, .queued])
  }

  @Test func theSpoolFileGoesWithTheLastClaim() async throws {
    let folder = try await folder()
    var message = try await Mail.spooled(octets: 300_000, in: folder.queue)
    message.envelope = Mail.message(to: recipients).envelope
    try await folder.queue.enqueue(message)
    let spool = folder.path + "/spool"
    for (place, claim) in try await claim(of: folder).enumerated() {
      #expect(try FileManager.default.contentsOfDirectory(atPath: spool).count == 1)
      #expect(try await folder.queue.readAll(message.id).count == message.size)
      try await settle(claim, .delivered, in: folder)
      #expect(try await folder.queue.summary().messages == 1 - place)
    }
    await folder.close()
    #expect(try FileManager.default.contentsOfDirectory(atPath: spool) == [])
  }

  // MARK: - What a start finds

  @Test(arguments: [
    (["a@one.example", "b@one.example"], "one.example"), (["\"x@two.example\"@one.example"], "one.example"),
    (["a@[192.0.2.1]"], "[192.0.2.1]"), (["a@[IPv6:2001:db8::1]"], "[IPv6:2001:db8::1]"), (["postmaster"], ""),
    (["a@one.example", "a@two.example"], "several"), (["a@one.example", "postmaster"], "several"),
    (["a@ONE.example", "b@one.EXAMPLE"], "one.example"), (["a@b\u{FC}cher.example"], "xn--bcher-kva.example"),
  ])
  func whereRecipientsAreIsKnownFromTheStart(recipients: [String], column: String) async throws {
    let path = folders.newPath()
    let first = try await folders.open(path)
    var message = Mail.message(to: recipients)
    message.priority = .bulk
    try await first.queue.enqueue(message)
    #expect(
      try await pending(in: first) == ["\(message.acceptedAt.milliseconds) \(recipients.count)00 tenant 2 \(column)"])
    #expect(try await StorageMaintenance.check(path).findings == [])
    await first.close()
    let folder = try await folders.open(path)
    let claims = try await claim(of: folder)
    #expect(claims.flatMap(\.recipients).map(\.index).sorted() == Array(recipients.indices))
    for claim in claims {
      #expect(Set(claim.recipients.map { DeliverySite(Mailbox($0.path.description)?.host) }) == [claim.site])
    }
  }

  /// What cannot be understood is told by the claim, and holds up nothing.
  @Test(arguments: [
    "UPDATE recipient SET path = 'no address' WHERE message = ? AND place = 1",
    "UPDATE recipient SET state = 99 WHERE message = ? AND place = 1",
    "DELETE FROM recipient WHERE message = ? AND place = 1", "DELETE FROM recipient WHERE message = ?",
  ])
  func aDamagedRecipientAmongSeveralSitesHoldsUpNoStart(damage: String) async throws {
    let path = folders.newPath()
    let first = try await folders.open(path)
    let messages = [Mail.message(to: recipients), Mail.message(to: recipients)]
    try await first.queue.enqueueAll(messages)
    try await first.resources.writer.perform { try $0.execute(sql: damage, arguments: [messages[0].id.sequence]) }
    await first.close()
    var configuration = StorageConfiguration.untouchedByTheDisk
    configuration.startupCheck = .zero
    let log = RecordingLog(level: .debug)
    let folder = try await folders.open(path, configuration: configuration, logger: log.logger)
    let claims = try await claim(of: folder)
    #expect(claims.map(\.id) == [messages[1].id, messages[1].id])
    #expect(log.lines.map { $0["queue-id"] } == [messages[0].id.description])
  }

  /// Where the queue is wrong about a message's destination, that is told, and no recipient is passed over. Without room to
  /// know anything, too: then the wrong figure is read again and again until a settlement corrects it.
  @Test(arguments: [0, 32 << 20], ["two.example", "three.example"])
  func aWrongDestinationIsToldAndCorrected(cacheLimit: Int, destination: String) async throws {
    let path = folders.newPath()
    let first = try await folders.open(path)
    let messages = [Mail.message(to: recipients), Mail.message(to: ["x@one.example"])]
    try await first.queue.enqueueAll(messages)
    try await first.resources.writer.perform {
      try $0.execute(sql: "UPDATE pending SET destination = ?", arguments: [destination])
    }
    await first.close()
    var configuration = StorageConfiguration.untouchedByTheDisk
    configuration.cacheLimit = cacheLimit
    let log = RecordingLog(level: .debug)
    let folder = try await folders.open(path, configuration: configuration, logger: log.logger)
    let claims = try await claim(of: folder)
    #expect(
      claims.map { "\($0.site) \($0.recipients.map(\.index))" }.sorted() == [
        "one.example [0, 2]", "one.example [0]", "two.example [1]",
      ])
    // At the start, of the folder's figures; then of each message once.
    #expect(log.lines.compactMap { $0["queue-id"] } == messages.map(\.id.description))
    let next = SystemTime().now() + .seconds(600)
    for claim in claims { try await settle(claim, .deferred, next: next, in: folder) }
    #expect(try await claim(of: folder) == [])
    #expect(try await StorageMaintenance.check(path).findings == [])
    #expect(try await claim(of: folder, at: next).count == 3)
    #expect(log.lines.compactMap { $0["queue-id"] }.count == messages.count)
  }

  /// What changes in the folder alone is told, and changes nothing of what the ledger knows.
  @Test(arguments: [0, 32 << 20]) func aDestinationThatBecomesWrongStopsNothing(cacheLimit: Int) async throws {
    let folder = try await folder(cacheLimit: cacheLimit)
    let message = Mail.message(to: recipients)
    try await folder.queue.enqueue(message)
    let one = try await claim(1, of: folder)
    try await folder.resources.writer.perform { try $0.execute(sql: "UPDATE pending SET destination = 'two.example'") }
    folder.queue.forget(message.id.sequence)
    let claims = try await one + claim(of: folder)
    #expect(claims.flatMap(\.recipients).map(\.index).sorted() == [0, 1, 2])
    for claim in claims { try await settle(claim, .delivered, in: folder) }
    #expect(try await pending(in: folder) == [])
    #expect(try await folder.queue.summary() == QueueSummary())
  }
}
