import LibCrypto
import MailModel

/// Where a canonical body goes: into SHA-256, up to a limit, and all of it is counted. Small pieces are gathered first, since each
/// update of a digest costs as much as some 50 octets.
struct DKIMBodyOutput: ~Copyable, Sendable {
  /// Octets gathered at most; larger pieces are hashed from where they stand.
  private static let gathered = 4096

  /// How many octets came, beyond the limit too.
  private(set) var count: UInt64 = 0
  private let limit: UInt64
  private var digest: SHA256
  private var buffer: [UInt8] = []

  init(limit: UInt64) throws(CryptoError) {
    self.limit = limit
    digest = try SHA256()
    buffer.reserveCapacity(Self.gathered)
  }

  mutating func append(_ octet: UInt8) {
    if count < limit {
      buffer.append(octet)
      if buffer.count >= Self.gathered { flush() }
    }
    count += 1
  }

  mutating func append(_ octets: Span<UInt8>) {
    let room = limit > count ? limit - count : 0
    let hashed = Int(min(UInt64(octets.count), room))
    count += UInt64(octets.count)
    guard hashed > 0 else { return }
    if hashed > Self.gathered / 4 {
      flush()
      digest.update(octets.extracting(0..<hashed))
    } else {
      buffer.append(contentsOf: octets.extracting(0..<hashed))
      if buffer.count >= Self.gathered { flush() }
    }
  }

  /// The digest of the octets up to the limit.
  consuming func finish() throws(CryptoError) -> [UInt8] {
    flush()
    return try digest.finish()
  }

  private mutating func flush() {
    guard !buffer.isEmpty else { return }
    // A span of the buffer would borrow all of this, the digest too.
    var full: [UInt8] = []
    swap(&full, &buffer)
    digest.update(full.span)
    full.removeAll(keepingCapacity: true)
    swap(&full, &buffer)
  }
}
