import DeliveryQueue
import Foundation
import GRDB
import MailModel
import SQLiteStorage
import Synchronization
import Testing

/// What a damaged database names in the spool, and what a spool does that could not be synced.
@Suite(.serialized) struct ForeignBodyTests {
  private let folders = TemporaryFolders()

  /// A name that leads out of the spool, and the name of another message.
  @Test(arguments: [true, false]) func aMessageHasNoBodyButItsOwn(leadsOut: Bool) async throws {
    let path = folders.newPath()
    var configuration = StorageConfiguration.untouchedByTheDisk
    configuration.cacheLimit = 0
    let folder = try await folders.open(path, configuration: configuration)
    let message = try await Mail.spooled(octets: 300_000, in: folder.queue)
    let other = try await Mail.spooled(octets: 300_000, in: folder.queue)
    for queued in [message, other] { try await folder.queue.enqueue(queued) }
    let bystander = path + "/bystander"
    #expect(FileManager.default.createFile(atPath: bystander, contents: Data(repeating: 66, count: 300_000)))
    let name = leadsOut ? "../bystander" : other.id.description
    try await folder.resources.writer.perform { database in
      try database.execute(
        sql: "UPDATE content SET spool = ?, digest = NULL WHERE message = ?", arguments: [name, message.id.sequence])
    }
    await #expect { try await folder.queue.content(of: message.id) } throws: { error in
      (error as? QueueError)?.code == .damaged
    }
    let now = SystemTime().now()
    let claims = try await folder.queue.claim(ClaimRequest(limit: 1, now: now, leasedUntil: now + .seconds(60))).claims
    let claim = try #require(claims.first)
    #expect(claim.id == message.id)
    try await folder.queue.settle(
      Settlement(
        id: claim.id, token: claim.token, at: now,
        changes: claim.recipients.map { Settlement.Change(index: $0.index, state: .bounced, reply: nil) }))
    await folder.close()
    #expect(FileManager.default.fileExists(atPath: bystander))
    #expect(FileManager.default.fileExists(atPath: path + "/spool/\(other.id)"))
  }

  /// The system tells of a failed sync once, and of whatever was not written until then.
  @Test func afterAFailedSyncOfTheFolderNoBodyIsComplete() async throws {
    let failing = Mutex(false)
    var calls = FileCalls.system
    calls.sync = { [sync = calls.sync] descriptor, path in
      guard path.hasSuffix("/spool"), failing.withLock({ $0 }) else { return sync(descriptor, path) }
      errno = EIO
      return -1
    }
    let folder = try await folders.open(calls: calls)
    let before = try await Mail.spooled(octets: 300_000, in: folder.queue)
    failing.withLock { $0 = true }
    await #expect(throws: QueueError.self) { try await Mail.spooled(octets: 300_000, in: folder.queue) }
    failing.withLock { $0 = false }
    await #expect(throws: QueueError.self) { try await Mail.spooled(octets: 300_000, in: folder.queue) }
    try await folder.queue.enqueue(before)
    await folder.close()
  }
}
