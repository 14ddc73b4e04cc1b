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

/// An open file, closed when nobody refers to it any more. Its calls block.
final class OpenFile: Sendable {
  let descriptor: Int32

  init(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws {
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
        let count = Foundation.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
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
    guard fsync(descriptor) == 0 else { throw SystemError("fsync") }
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
