public import DeliveryQueue
import Dispatch
import Foundation
import GRDB
public import MailModel

/// Looks into the queue of a ``StorageFolder`` from any process, whether or not a server has it open.
///
/// It takes no lock, and its connection can neither write nor copy the database's log. Messages that cannot be
/// understood are left out of ``messages(_:after:limit:)``; ``status(of:)`` says of one that it is damaged.
///
/// SQLite reads through the two files of the log beside the database, and makes them where they are not there: an empty
/// `submission.sqlite-wal` and a `submission.sqlite-shm`. A ``StorageFolder`` leaves both, also at its end, so that
/// happens only where somebody removed them or copied the database alone; then whoever reads must be allowed to write
/// to the folder.
public final class SQLiteQueueReader: QueueInspection {
  private let inspector: QueueInspector

  /// Opens a folder's queue to look into it.
  ///
  /// - Throws: ``StorageError``; with code ``StorageError/Code/notFound`` where there is no folder or nothing in it, and
  ///   with ``StorageError/Code/olderSchema`` where an older version of this library made the database and no
  ///   ``StorageFolder`` of this one has brought it up yet: a reader changes nothing.
  public init(folder path: String) async throws {
    let reader = try await DispatchQueue.global().perform {
      do {
        return Reader(try Self.open(path))
      } catch {
        throw StorageError.opening(error, at: path)
      }
    }
    inspector = QueueInspector(reader)
  }

  private static func open(_ path: String) throws -> DatabaseQueue {
    guard FileManager.default.fileExists(atPath: path) else {
      throw StorageError(.notFound, "there is no folder \(path)")
    }
    let database = path + "/" + FolderResources.databaseName
    try DatabaseFile(in: path).requirePresence()
    let connection = try Connections.reader(path: database, label: "submission.look")
    let version = try connection.read { try Schema.checkedVersion(of: $0) }
    if let fault = Schema.fault(of: version) {
      throw StorageError(.damaged, "\(fault): \(database). \(StorageError.remedy(path))")
    }
    guard version == Schema.version else {
      throw StorageError(
        .olderSchema,
        "an older version made the queue in \(path); opening the folder once, as a server does, brings it up")
    }
    return connection
  }

  /// What is known of a message.
  public func status(of id: QueueID) async throws -> MessageStatus? { try await inspector.status(of: id) }

  /// Messages in the order of their queue IDs.
  public func messages(_ selection: QueueSelection, after id: QueueID?, limit: Int) async throws -> [MessageStatus] {
    try await inspector.messages(selection, after: id, limit: limit)
  }

  /// Recipients by tenant or destination, the greatest groups first.
  public func counts(
    _ selection: QueueSelection, by grouping: QueueGrouping, limit: Int
  ) async throws -> [QueueCount] {
    try await inspector.counts(selection, by: grouping, limit: limit)
  }

  /// How many recipients stand in each state; looks at every one.
  public func recipientCounts() async throws -> [RecipientState: Int] { try await inspector.recipientCounts() }

  /// What is not final yet.
  public func summary() async throws -> QueueSummary { try await inspector.summary() }
}
