import Foundation
import MailModel

/// Puts a new database in the place of a damaged one, so that a kill at any point leaves the one or the other. Blocks.
///
/// The new one is made in the folder `repair`, of which nothing is known until it bears the name `repaired`. From then on
/// it must take the old one's place, which is done in steps that can be done again; no server starts in between.
struct RepairSwap {
  private static let unfinishedName = "repair"
  static let finishedName = "repaired"

  private let path: String
  private let database: String

  init(in path: String) {
    self.path = path
    database = path + "/" + FolderResources.databaseName
  }

  private var unfinished: String { path + "/" + Self.unfinishedName }
  private var finished: String { path + "/" + Self.finishedName }

  /// Where the new database is made.
  var newDatabase: String { unfinished + "/" + FolderResources.databaseName }
  /// Where the damaged one is read, in a copy.
  var workingCopy: String { unfinished + "/damaged-copy.sqlite" }

  /// Whether a new database is complete, and not in its place yet.
  var isInterrupted: Bool { FileManager.default.fileExists(atPath: finished) }

  /// Begins, over whatever an earlier one left.
  func begin() throws {
    try discard()
    try FileCalls.system.makeFolders(unfinished)
    for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: database + suffix) {
      try FileManager.default.copyItem(atPath: database + suffix, toPath: workingCopy + suffix)
    }
  }

  /// Removes what was begun.
  func discard() throws {
    guard FileManager.default.fileExists(atPath: unfinished) else { return }
    try FileManager.default.removeItem(atPath: unfinished)
  }

  /// Says that the new database, which is closed, synced and has an empty log, is complete.
  func complete() throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: unfinished)
    where name != FolderResources.databaseName {
      try FileManager.default.removeItem(atPath: unfinished + "/" + name)
    }
    try sync(newDatabase, O_RDONLY)
    try sync(unfinished)
    guard rename(unfinished, finished) == 0 else { throw SystemError("rename") }
    try sync(path)
  }

  /// Puts the new database into its place, and the damaged one aside.
  ///
  /// - Returns: where the damaged one lies, within the folder.
  func finish(at now: Timestamp) throws -> String {
    let new = finished + "/" + FolderResources.databaseName
    if FileManager.default.fileExists(atPath: new) {
      for suffix in ["-wal", ""] where FileManager.default.fileExists(atPath: database + suffix) {
        guard rename(database + suffix, "\(finished)/damaged.sqlite\(suffix)") == 0 else { throw SystemError("rename") }
      }
      unlink(database + "-shm")
      try sync(finished)
      try sync(path)
      guard rename(new, database) == 0 else { throw SystemError("rename") }
      try sync(path)
    }
    _ = try SetAside(in: path)
    let place = "\(SetAside.name)/database-\(now.milliseconds)"
    guard rename(finished, path + "/" + place) == 0 else { throw SystemError("rename") }
    try sync(path + "/" + SetAside.name)
    try sync(path)
    return place
  }

  private func sync(_ path: String, _ flags: Int32 = O_RDONLY | O_DIRECTORY) throws {
    try OpenFile(path, flags).sync()
  }
}
