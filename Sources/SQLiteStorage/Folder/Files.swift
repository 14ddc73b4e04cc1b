import DeliveryQueue
import Foundation

/// A call of the system that failed.
struct SystemError: Error, CustomStringConvertible {
  var call: String
  var number: Int32

  /// The last error of this thread.
  init(_ call: String) { (self.call, number) = (call, errno) }

  var isFull: Bool { number == ENOSPC || number == EDQUOT }
  var description: String { "\(call): \(String(cString: strerror(number)))" }
}

/// The system's calls that durability rests upon. Tests put their own in front, to see in which order they come.
package struct FileCalls: Sendable {
  package var write: @Sendable (_ descriptor: Int32, _ octets: UnsafeRawBufferPointer, _ path: String) -> Int
  package var sync: @Sendable (_ descriptor: Int32, _ path: String) -> Int32
  package var rename: @Sendable (_ path: String, _ newPath: String) -> Int32
  package var makeFolder: @Sendable (_ path: String) -> Int32
  /// What is left on the disk of a path.
  package var room: @Sendable (_ path: String) -> DiskRoom?

  /// As the system has them. A folder is its owner's alone.
  package static let system = FileCalls(
    write: { descriptor, octets, _ in Foundation.write(descriptor, octets.baseAddress, octets.count) },
    sync: { descriptor, _ in fsync(descriptor) },
    rename: { path, newPath in Foundation.rename(path, newPath) },
    makeFolder: { path in mkdir(path, 0o700) },
    room: { path in DiskRoom.left(at: path) })

  /// Makes a folder and those above it that are not there, and sees to it that each is found after a crash.
  func makeFolders(_ path: String) throws {
    // As the path is written, since behind a link `..` is not what it looks like.
    let isRooted = path.hasPrefix("/")
    let names = path.split(separator: "/").dropLast()
    let parent = names.isEmpty ? (isRooted ? "/" : ".") : (isRooted ? "/" : "") + names.joined(separator: "/")
    if !FileManager.default.fileExists(atPath: parent) { try makeFolders(parent) }
    guard makeFolder(path) == 0 else { throw SystemError("mkdir") }
    try OpenFile(parent, O_RDONLY | O_DIRECTORY, calls: self).sync()
  }
}

/// An open file, closed when nobody refers to it any more. Its calls block.
final class OpenFile: Sendable {
  let descriptor: Int32
  private let path: String
  private let calls: FileCalls

  init(_ path: String, _ flags: Int32, mode: mode_t = 0o600, calls: FileCalls = .system) throws {
    (self.path, self.calls) = (path, calls)
    descriptor = open(path, flags | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw SystemError("open") }
  }

  deinit { close(descriptor) }

  /// Octets.
  func size() throws -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw SystemError("fstat") }
    return Int(status.st_size)
  }

  func write(_ octets: [UInt8]) throws {
    try octets.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let count = calls.write(descriptor, UnsafeRawBufferPointer(rebasing: rest), path)
        guard count >= 0 || errno == EINTR else { throw SystemError("write") }
        rest = rest.dropFirst(max(0, count))
      }
    }
  }

  /// Up to `limit` octets from `offset` on; fewer at the end alone.
  func read(from offset: Int, limit: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
      while filled < limit {
        let count = pread(descriptor, buffer.baseAddress.map { $0 + filled }, limit - filled, off_t(offset + filled))
        guard count >= 0 || errno == EINTR else { throw SystemError("pread") }
        guard count != 0 else { return }
        filled += max(0, count)
      }
    }
  }

  /// Brings what was written to stable storage; for a folder, which files it holds.
  func sync() throws {
    guard calls.sync(descriptor, path) == 0 else { throw SystemError("fsync") }
  }
}

extension QueueError {
  /// What a failed call means to whoever wanted to write.
  static func unwritten(_ error: any Error, _ message: String) -> QueueError {
    let isFull = (error as? SystemError)?.isFull ?? false
    return isFull
      ? QueueError(.insufficientStorage, "the disk is full", cause: error)
      : QueueError(.cannotWrite, message, cause: error)
  }
}
