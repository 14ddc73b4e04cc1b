import LibCrypto
import MailModel

/// Where a canonical body goes: into SHA-256, up to a limit, and all of it is counted. Small pieces are gathered first, since each
/// update of a digest costs as much as some 50 octets.
struct DKIMBodyOutput: ~Copyable, Sendable {
  /// Octets gathered at most; larger pieces are hashed from where they stand.
  private static let gathered = 4096

  /// How many octets came, beyond the limit too.
  var count: UInt64 { flushed + UInt64(filled) }
  private let limit: UInt64
  private var digest: SHA256
  private var buffer = [UInt8](repeating: 0, count: gathered)
  /// Octets in the buffer, and those before them.
  private var (filled, flushed) = (0, UInt64(0))

  init(limit: UInt64) throws(CryptoError) {
    self.limit = limit
    digest = try SHA256()
  }

  mutating func append(_ octet: UInt8) {
    if filled == Self.gathered { flush() }
    buffer[filled] = octet
    filled += 1
  }

  mutating func append(_ octets: Span<UInt8>) {
    guard octets.count <= Self.gathered / 4 else {
      flush()
      hash(octets)
      return
    }
    if Self.gathered - filled < octets.count { flush() }
    let start = filled
    unsafe buffer.withUnsafeMutableBytes { buffer in
      unsafe octets.withUnsafeBytes {
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[start...]).copyMemory(from: $0)
      }
    }
    filled += octets.count
  }

  /// Appends the relaxed form of a part of `octets`, all but a few at its end, and gives how many of them it took.
  mutating func append(relaxed octets: Span<UInt8>, _ range: Range<Int>) -> Int {
    var index = range.lowerBound
    while true {
      if filled > Self.gathered / 2 { flush() }
      let start = filled
      let (read, written) = unsafe buffer.withUnsafeMutableBytes {
        unsafe octets.writeRelaxed(index..<range.upperBound, to: UnsafeMutableRawBufferPointer(rebasing: $0[start...]))
      }
      guard read > 0 else { return index - range.lowerBound }
      index += read
      filled += written
    }
  }

  /// The digest of the octets up to the limit.
  consuming func finish() throws(CryptoError) -> [UInt8] {
    flush()
    return try digest.finish()
  }

  private mutating func flush() {
    guard filled > 0 else { return }
    // A span of the buffer would borrow all of this, the digest too.
    var full: [UInt8] = []
    swap(&full, &buffer)
    let count = filled
    filled = 0
    hash(full.span.extracting(0..<count))
    swap(&full, &buffer)
  }

  private mutating func hash(_ octets: Span<UInt8>) {
    let room = limit > flushed ? limit - flushed : 0
    flushed += UInt64(octets.count)
    digest.update(octets.extracting(0..<Int(min(UInt64(octets.count), room))))
  }
}
