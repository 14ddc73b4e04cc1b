import DeliveryQueue
import LibCrypto
import Synchronization

/// Content whose body lies in the spool. Where it is read from the beginning to the end, the last octets are given only if
/// all of it is what was accepted.
final class SpooledContent: MessageContent {
  /// How far a reading from the beginning has come.
  private struct Reading: ~Copyable {
    var offset = 0
    var body: SHA256?
  }

  private let prefix: [UInt8]
  private let body: SpooledFile
  private let digest: [UInt8]?
  private let reading = Mutex(Reading())

  init(prefix: [UInt8], body: SpooledFile, digest: [UInt8]?) {
    (self.prefix, self.body, self.digest) = (prefix, body, digest)
  }

  var count: Int { prefix.count + body.count }

  func read(from offset: Int, limit: Int) async throws -> [UInt8] {
    let start = min(max(0, offset), count)
    let end = start + min(max(0, limit), count - start)
    let head = prefix[min(start, prefix.count)..<min(end, prefix.count)]
    let bodyStart = max(0, start - prefix.count)
    let bodyEnd = max(0, end - prefix.count)
    guard bodyStart < bodyEnd else { return Array(head) }
    let octets = try await body.read(from: bodyStart, limit: bodyEnd - bodyStart) { [self] octets in
      if digest != nil { try follow(octets, from: bodyStart) }
    }
    return head.isEmpty ? octets : head + octets
  }

  /// Digests what is read in order; a reading that jumps is not checked.
  private func follow(_ octets: [UInt8], from offset: Int) throws {
    let found = reading.withLock { reading -> [UInt8]? in
      if offset == 0 { reading = Reading(body: try? SHA256()) }
      guard offset == reading.offset else { return nil }
      reading.body?.update(octets.span)
      reading.offset += octets.count
      guard reading.offset == body.count, let digest = reading.body.take() else { return nil }
      return try? digest.finish()
    }
    guard let found, let digest, let whole = ContentDigest.of(prefix: prefix, bodyDigest: found) else { return }
    guard whole.elementsEqual(digest) else { throw ContentDigest.changed }
  }
}
