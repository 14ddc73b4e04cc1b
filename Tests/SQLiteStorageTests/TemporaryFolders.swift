import DeliveryQueue
import Foundation
import Logging
import MailModel
import SQLiteStorage
import Synchronization

/// Folders of one test, removed when it ends.
final class TemporaryFolders: Sendable {
  private struct State {
    var paths: [String] = []
    var opened: [ObjectIdentifier: (StorageFolder, String)] = [:]
  }
  private let state = Mutex(State())

  deinit {
    // What is open is let go first: a deleted file takes its descriptor and its room until it is closed.
    let paths = state.withLock { state in
      state.opened = [:]
      return state.paths
    }
    for path in paths { try? FileManager.default.removeItem(atPath: path) }
  }

  /// The path of a folder that is not there yet.
  func newPath() -> String {
    let path = NSTemporaryDirectory() + "storage-" + UUID().uuidString
    state.withLock { $0.paths.append(path) }
    return path
  }

  func open(
    _ path: String? = nil, configuration: StorageConfiguration = .untouchedByTheDisk, calls: FileCalls = .system,
    logger: Logger = .silent
  ) async throws -> StorageFolder {
    let path = path ?? newPath()
    let folder = try await StorageFolder(path, configuration: configuration, calls: calls, logger: logger)
    state.withLock { $0.opened[ObjectIdentifier(folder.queue)] = (folder, path) }
    return folder
  }

  /// What the disk holds of a folder at this moment, as a crash would leave it.
  func crashCopy(of path: String) throws -> String {
    let copy = newPath()
    try FileManager.default.copyItem(atPath: path, toPath: copy)
    try FileManager.default.removeItem(atPath: copy + "/submission.sqlite-shm")
    return copy
  }

  /// The folder that a store belongs to, and its path.
  func folder(of store: SQLiteQueueStore) -> (StorageFolder, path: String)? {
    state.withLock { $0.opened[ObjectIdentifier(store)] }
  }
}

extension StorageConfiguration {
  /// The defaults, whatever the disk of the tests has left.
  static var untouchedByTheDisk: StorageConfiguration {
    var configuration = StorageConfiguration()
    configuration.diskFloor = .octets(0)
    return configuration
  }
}

extension Logger {
  static var silent: Logger { Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }) }
}

/// Makes messages.
struct Mail: Sendable {
  static let ids = QueueIDGenerator()

  static func message(
    to recipients: [String] = ["one@example.org", "two@example.org"], octets: Int = 100,
    at instant: Timestamp = SystemTime().now(), id: QueueID? = nil, body: MessageBody? = nil
  ) -> NewMessage {
    let recipients = recipients.compactMap { ForwardPath($0) }
    return NewMessage(
      id: id ?? ids.next(at: instant), tenant: "tenant",
      envelope: Envelope(reversePath: .null, recipients: recipients), acceptedAt: instant,
      prefix: Array("Subject: test\r\n\r\n".utf8), body: body ?? .octets([UInt8](repeating: 65, count: octets)))
  }

  /// A message whose body went through the store's spool.
  static func spooled(octets: Int, in store: any QueueStore) async throws -> NewMessage {
    let id = ids.next(at: SystemTime().now())
    let writer = try await store.makeBody(for: id)
    try await writer.append([UInt8](repeating: 66, count: octets))
    return message(id: id, body: .spooled(try await writer.finish()))
  }
}

extension QueueStore {
  /// Claims what is due, a thousand messages at most, and delivers it.
  func deliverAll(at now: Timestamp = SystemTime().now()) async throws {
    let claims = try await claim(ClaimRequest(limit: 1000, now: now, leasedUntil: now + .seconds(60))).claims
    try await withThrowingTaskGroup(of: Void.self) { group in
      for claim in claims {
        let changes = claim.recipients.map { Settlement.Change(index: $0.index, state: .delivered, reply: nil) }
        group.addTask { try await settle(Settlement(id: claim.id, token: claim.token, at: now, changes: changes)) }
      }
      try await group.waitForAll()
    }
  }

  func enqueueAll(_ messages: [NewMessage]) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for message in messages { group.addTask { try await enqueue(message) } }
      try await group.waitForAll()
    }
  }

  func readAll(_ id: QueueID) async throws -> [UInt8] {
    let content = try await content(of: id)
    return try await content.read(from: 0, limit: content.count + 1)
  }
}

func code(_ error: any Error) -> QueueError.Code? { (error as? QueueError)?.code }
