import Foundation
import LibCrypto

/// A body in the spool, to be looked at. Blocks.
struct SpoolFile {
  private static let chunk = 1 << 20

  enum Fault {
    case missing
    /// Octets that it has.
    case size(Int)
    case unreadable(any Error)
    case changed
  }

  var path: String
  /// Octets that it should have.
  var count: Int

  /// Whether it is there, and as long as it should be.
  func examineSize() -> Fault? {
    var status = stat()
    guard stat(path, &status) == 0 else { return errno == ENOENT ? .missing : .unreadable(SystemError("stat")) }
    return Int(status.st_size) == count ? nil : .size(Int(status.st_size))
  }

  /// Whether all of it is what it was.
  func examine(prefix: Data, digest: Data?) -> Fault? {
    if let fault = examineSize() { return fault }
    do {
      let file = try OpenFile(path, O_RDONLY)
      var body = try SHA256()
      var offset = 0
      while case let octets = try file.read(from: offset, limit: Self.chunk), !octets.isEmpty {
        body.update(octets.span)
        offset += octets.count
      }
      guard let digest else { return nil }
      return ContentDigest.of(prefix: prefix, bodyDigest: try body.finish()) == Array(digest) ? nil : .changed
    } catch {
      return .unreadable(error)
    }
  }
}
