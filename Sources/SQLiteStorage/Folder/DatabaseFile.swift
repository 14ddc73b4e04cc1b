import Foundation
import GRDB

/// The database's file in a folder, looked at before SQLite makes one where there is none. Blocks.
struct DatabaseFile {
  /// Why there is nothing in it to read.
  enum Absence: String {
    case missing
    /// No octets, or no tables yet: as a kill leaves a folder that was being made.
    case empty
  }

  /// What tells that a folder has held a queue, apart from the database.
  struct Remains {
    /// Files of the spool that are complete, by the queue IDs that they bear, in order.
    var bodies: [String] = []
    /// Octets of the database's log.
    var log = 0
    /// Folders that a repair has made.
    var repairs: [String] = []

    var isEmpty: Bool { bodies.isEmpty && log == 0 && repairs.isEmpty }
  }

  let folder: String
  let path: String

  init(in folder: String) {
    self.folder = folder
    path = folder + "/" + FolderResources.databaseName
  }

  /// Whether there is nothing to read; `nil` where there is something, though it may be damaged.
  ///
  /// What a newer version made is known by its header, so that it is not even opened: a connection that only reads makes
  /// the files of the log where they are not there.
  ///
  /// - Throws: ``StorageError`` with code ``StorageError/Code/newerSchema``.
  func absence() throws -> Absence? {
    guard let size = try Self.size(of: path) else { return .missing }
    guard size > 0 else { return .empty }
    if let version = headerVersion() {
      try Schema.check(version)
      if version > 0 { return nil }
    }
    do {
      let connection = try Connections.unchecked(path: path)
      defer { try? connection.close() }
      return try connection.examine { try Schema.isMade(in: $0) } ? nil : .empty
    } catch let error as DatabaseError where error.isDamage {
      return nil
    }
  }

  /// The `user_version` in the header of the file itself; `nil` where that cannot be read.
  ///
  /// Through SQLite: a descriptor of our own, when it is closed, would take the locks from every connection that the process
  /// has to the file, a server's too (fcntl(2), POSIX).
  private func headerVersion() -> Int? {
    guard let connection = try? Connections.header(path: path) else { return nil }
    defer { try? connection.close() }
    return try? connection.examine { try Int.fetchOne($0, sql: "PRAGMA user_version") }
  }

  func remains() throws -> Remains {
    let files = FileManager.default
    var remains = Remains(log: try Self.size(of: path + "-wal") ?? 0)
    let spool = folder + "/" + FolderResources.spoolName
    if files.fileExists(atPath: spool) {
      remains.bodies = try files.contentsOfDirectory(atPath: spool).sorted()
        .filter { !Spool.isPart($0) && Spool.queueID(ofFile: $0) != nil }
    }
    remains.repairs = [SetAside.name, RepairSwap.finishedName].filter { files.fileExists(atPath: "\(folder)/\($0)") }
    return remains
  }

  /// Octets; `nil` where there is no such file.
  private static func size(of path: String) throws -> Int? {
    var status = stat()
    guard stat(path, &status) != 0 else { return Int(status.st_size) }
    guard errno == ENOENT || errno == ENOTDIR else { throw SystemError("stat") }
    return nil
  }
}

extension DatabaseFile {
  /// What is wrong, to whoever opens the folder.
  func text(_ absence: Absence) -> String { "the database \(path) is \(absence.rawValue)" }

  /// Why nothing is made anew in a folder that has held a queue.
  func refusal(_ absence: Absence, _ remains: Remains) -> StorageError {
    var signs: [String] = []
    if !remains.bodies.isEmpty { signs.append("the spool holds the bodies of messages: \(remains.bodies.named)") }
    if remains.log > 0 { signs.append("its log \(FolderResources.databaseName)-wal has \(remains.log) octets") }
    if !remains.repairs.isEmpty { signs.append("a repair has made \(remains.repairs.named)") }
    return StorageError(
      .damaged,
      """
      \(text(absence)), though the folder has held a queue: \(signs.joined(separator: "; ")). Put the database back with \
      its log; or StorageMaintenance.repair makes a new one, and sets aside what is left \
      (submission-server queue repair --data \(folder))
      """)
  }

  /// - Throws: ``StorageError`` where there is nothing to look into.
  func requirePresence() throws {
    guard let absence = try absence() else { return }
    let remains = try remains()
    guard remains.isEmpty else { throw refusal(absence, remains) }
    throw StorageError(
      .notFound,
      absence == .missing ? "there is no queue in \(folder)" : "\(text(absence)): there is no queue in it yet")
  }
}

extension StorageError {
  /// Who tells more of damage, and what mends it.
  static func remedy(_ folder: String) -> String {
    """
    StorageMaintenance.check tells all of it, and StorageMaintenance.repair sets aside what cannot be read \
    (submission-server queue repair --data \(folder))
    """
  }
}

extension [String] {
  /// The first ten, and how many there are more.
  var named: String {
    let rest = count - 10
    return prefix(10).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
  }
}
