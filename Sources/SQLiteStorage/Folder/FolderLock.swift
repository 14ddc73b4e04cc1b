import Foundation

/// Says that one process owns a folder. The system takes it back when the process ends, however it ends.
final class FolderLock: Sendable {
  private let file: OpenFile

  /// - Throws: ``StorageError`` with code ``StorageError/Code/locked``, naming the holder.
  init(path: String) throws {
    do {
      file = try OpenFile(path, O_RDWR | O_CREAT)
    } catch {
      throw StorageError(.unusableFolder, "the lock file \(path) cannot be opened", cause: error)
    }
    guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let holder = (try? file.read(from: 0, limit: 20)).flatMap { Int(String(decoding: $0, as: UTF8.self)) }
      throw StorageError(.locked, "process \(holder.map(String.init) ?? "unknown") holds the folder")
    }
    ftruncate(file.descriptor, 0)
    try file.write(Array(String(getpid()).utf8))
  }

  /// Whether a process owns a folder at this moment.
  static func isHeld(_ path: String) throws -> Bool {
    guard let file = try? OpenFile(path, O_RDONLY) else { return false }
    guard flock(file.descriptor, LOCK_SH | LOCK_NB) == 0 else { return true }
    flock(file.descriptor, LOCK_UN)
    return false
  }

  /// Gives the folder back at once, though somebody may still refer to this.
  func release() { flock(file.descriptor, LOCK_UN) }
}
