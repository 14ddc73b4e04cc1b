import DeliveryQueue
import Dispatch
import Foundation
import GRDB
public import Logging
import MailModel
public import Metrics
public import ServiceLifecycle

/// A folder that holds everything a submission service keeps: tenants and queue in a SQLite database, and a spool for
/// large bodies.
///
/// One process owns it, and only its user may enter it. What was acknowledged survives a crash of the process and of the
/// machine; a kill at any time needs no repair.
public final class StorageFolder: Service {
  /// The queue. It keeps the folder open as long as it is used.
  public let queue: SQLiteQueueStore
  /// The tenants.
  public let tenants: SQLiteTenantStore
  /// Where the folder is.
  public let path: String

  package let resources: FolderResources

  /// Opens a folder, which is made if it is not there, with mode 0700.
  ///
  /// A folder that is damaged where the start looks (``StorageConfiguration/startupCheck``) is not opened, and left as it
  /// is; the error names files and messages. ``StorageMaintenance/repair(_:by:at:logger:)`` is the way out.
  ///
  /// - Parameters:
  ///   - path: the folder.
  ///   - configuration: limits and retention.
  ///   - logger: hears of messages that cannot be read.
  ///   - metrics: where commits are measured; by default what the process has bootstrapped by now.
  /// - Throws: ``StorageError``.
  public convenience init(
    _ path: String, configuration: StorageConfiguration = StorageConfiguration(), logger: Logger,
    metrics: any MetricsFactory = MetricsSystem.factory
  ) async throws {
    try await self.init(path, configuration: configuration, calls: .system, logger: logger, metrics: metrics)
  }

  /// - Parameter calls: tests bring their own.
  package init(
    _ path: String, configuration: StorageConfiguration, calls: FileCalls, logger: Logger,
    metrics: any MetricsFactory = MetricsSystem.factory
  ) async throws {
    let measures = StorageMetrics(metrics)
    let opened = try await DispatchQueue.global().perform {
      do {
        let resources = try FolderResources(
          path: path, configuration: configuration, calls: calls, logger: logger, committed: measures.committed)
        let tenants = try SQLiteTenantStore(of: resources)
        return (resources, tenants, try SQLiteQueueStore.State(of: resources, configuration: configuration))
      } catch {
        throw StorageError.opening(error, at: path)
      }
    }
    self.path = path
    (resources, tenants) = (opened.0, opened.1)
    queue = SQLiteQueueStore(
      resources: opened.0, state: opened.2, retention: configuration.historyRetention, logger: logger)
    queue.forgetHistory(at: SystemTime().now())
  }

  /// Watches over the database: ends when it has failed, as when the disk cannot be written. The folder accepts nothing more
  /// then, and what was queued in it cannot be settled: the process should end and be started again, since only opening
  /// the folder anew tells what is on the disk. As the first service of a group, the folder outlives the others, and ends
  /// them when it fails.
  ///
  /// Returns at a graceful shutdown, or when the folder is closed or the task cancelled.
  ///
  /// - Throws: ``DeliveryQueue/QueueError``, which says what failed; at once where it did so before.
  public func run() async throws {
    let failure = await cancelWhenGracefulShutdown { await self.resources.writer.failure() }
    if let failure { throw failure }
  }

  /// Finishes what was begun, refuses what comes later, and lets another process have the folder.
  ///
  /// Without it, nothing is lost either; the folder is free when nobody refers to it any more.
  public func close() async { await resources.close() }
}

/// What is open in a folder: the lock, the connections, the spool. Both halves of the storage share it.
package final class FolderResources: Sendable {
  static let databaseName = "submission.sqlite"
  static let spoolName = "spool"
  static let lockName = "lock"

  let path: String
  /// Every change, of both halves, goes through here.
  package let writer: Writer
  /// Reads for the delivery.
  package let reader: Reader
  /// Reads for inspection, which may take long.
  package let inspector: Reader
  package let spool: Spool
  /// What must stay free on its disk.
  let space: DiskSpace
  private let lock: FolderLock

  /// Blocks.
  ///
  /// - Parameter committed: the writer's.
  package init(
    path: String, configuration: StorageConfiguration = StorageConfiguration(), calls: FileCalls = .system,
    logger: Logger? = nil, committed: (@Sendable (Writer.Commit) -> Void)? = nil
  ) throws {
    try Self.prepare(path, calls)
    self.path = path
    lock = try FolderLock(path: path + "/" + Self.lockName)
    // Before anything is written: what is damaged or of a newer version stays as it is.
    try StartupCheck.run(path: path, limit: configuration.startupCheck, logger: logger)
    space = DiskSpace(floor: configuration.diskFloor) { calls.room(path) }
    spool = try Spool(path: path + "/" + Self.spoolName, space: space, calls: calls)
    let database = path + "/" + Self.databaseName
    let connection = try Connections.writer(path: database)
    try connection.writeWithoutTransaction { database in
      try Schema.migrate(database)
      try Connections.emptyLog(of: database)
    }
    try OpenFile(path, O_RDONLY | O_DIRECTORY, calls: calls).sync()
    writer = Writer(connection, committed: committed)
    reader = Reader(try Connections.reader(path: database, label: "submission.reader"))
    inspector = Reader(try Connections.reader(path: database, label: "submission.inspector"))
  }

  package func close() async {
    await reader.close()
    await inspector.close()
    await writer.close()
    await spool.finish()
    lock.release()
  }

  /// Makes the folder, or checks that only its owner may enter it.
  private static func prepare(_ path: String, _ calls: FileCalls) throws {
    var status = stat()
    if stat(path, &status) != 0 {
      do {
        return try calls.makeFolders(path)
      } catch {
        throw StorageError(.unusableFolder, "the folder \(path) cannot be made", cause: error)
      }
    }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw StorageError(.unusableFolder, "\(path) is no folder") }
    guard status.st_mode & 0o077 == 0 else {
      throw StorageError(.unusableFolder, "others may enter the folder \(path): chmod 700 it")
    }
  }
}

extension StorageError {
  /// What an error means to who opens the folder at `path`.
  static func opening(_ error: any Error, at path: String) -> StorageError {
    if let error = error as? StorageError { return error }
    let isDamage = (error as? DatabaseError)?.isDamage ?? ((error as? QueueError)?.code == .damaged)
    guard isDamage else { return StorageError(.cannotOpen, "\(path) cannot be opened", cause: error) }
    let file = DatabaseFile(in: path).path
    return StorageError(.damaged, "the database \(file) cannot be read. \(remedy(path))", cause: error)
  }
}
