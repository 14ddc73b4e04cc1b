import LibCrypto
import MailModel

/// The digest of a body in its canonical form, and of which form.
public struct DKIMBodyDigest: Hashable, Sendable {
  /// The form.
  public let canonicalization: DKIMCanonicalization.Algorithm
  /// The SHA-256 digest: what `bh=` holds in base 64.
  public let octets: [UInt8]
  /// How many octets the canonical form has.
  public let count: UInt64
}

/// Hashes the body of a message while it comes in, in pieces cut anywhere (RFC 6376 §3.4.3, §3.4.4, §3.7).
///
/// Lines end with CRLF; a CR or LF alone is an octet like others. Empty lines at the end are no part of the canonical form, so they
/// are counted until something follows, and never kept: memory does not grow with the body. What the canonical form leaves as it is
/// goes to SHA-256 from where it stands.
public struct DKIMBodyHash: ~Copyable, Sendable {
  /// The form that is hashed.
  public let canonicalization: DKIMCanonicalization.Algorithm
  private var output: DKIMBodyOutput

  // What was seen, and is hashed only if something follows: ends of lines, then a blank, then a CR.
  private var heldLineEnds: UInt64 = 0
  private var holdsBlank = false
  private var holdsCarriageReturn = false

  /// A hash of an empty body.
  ///
  /// - Throws: ``DKIMError`` with code ``DKIMError/Code/cryptography`` where libcrypto has no memory for it.
  public init(_ canonicalization: DKIMCanonicalization.Algorithm) throws(DKIMError) {
    try self.init(canonicalization, limit: .max)
  }

  /// A hash of the first `limit` octets of the canonical form (`l=`).
  init(_ canonicalization: DKIMCanonicalization.Algorithm, limit: UInt64) throws(DKIMError) {
    self.canonicalization = canonicalization
    do { output = try DKIMBodyOutput(limit: limit) } catch { throw .unhashed(error) }
  }

  /// Adds octets at the end of the body.
  public mutating func update(_ chunk: Span<UInt8>) {
    guard canonicalization == .relaxed else {
      take(chunk, 0..<chunk.count)
      return
    }
    // Blanks and ends of lines at the end of the chunk wait for what follows.
    var end = chunk.count
    while end > 0, chunk[end - 1].isFoldingBlank { end -= 1 }
    var index = 0
    while index < end {
      while index < end, chunk[index].isASCIIBlank { hold(&index, chunk) }
      let next = chunk.firstChangingBlank(in: index..<end)
      take(chunk, index..<next)
      index = next
    }
    while index < chunk.count { hold(&index, chunk) }
  }

  /// The digest of the canonical form.
  ///
  /// - Throws: ``DKIMError`` with code ``DKIMError/Code/cryptography`` where libcrypto fails.
  public consuming func finish() throws(DKIMError) -> DKIMBodyDigest {
    if holdsCarriageReturn { release() }
    // One end of line stands for all that are held, and for one that is missing; an empty body stays so if it is relaxed.
    if canonicalization == .simple || output.count > 0 {
      output.append(.carriageReturn)
      output.append(.lineFeed)
    }
    let count = output.count
    do {
      return DKIMBodyDigest(canonicalization: canonicalization, octets: try output.finish(), count: count)
    } catch {
      throw .unhashed(error)
    }
  }

  /// Takes octets in which no blank changes. Ends of lines on either side join those that are held; what is between them is hashed
  /// as it is.
  private mutating func take(_ chunk: Span<UInt8>, _ range: Range<Int>) {
    var index = range.lowerBound
    while index < range.upperBound, chunk[index].isLineEndPart { hold(&index, chunk) }
    var end = range.upperBound
    while end > index, chunk[end - 1].isLineEndPart { end -= 1 }
    if index < end {
      release()
      output.append(chunk.extracting(index..<end))
      index = end
    }
    while index < range.upperBound { hold(&index, chunk) }
  }

  /// Takes one octet that may be held back.
  private mutating func hold(_ index: inout Int, _ chunk: Span<UInt8>) {
    let octet = chunk[index]
    index += 1
    switch octet {
    case .lineFeed where holdsCarriageReturn:
      heldLineEnds += 1
      (holdsBlank, holdsCarriageReturn) = (false, false)
    case .carriageReturn:
      if holdsCarriageReturn { release() }
      holdsCarriageReturn = true
    case .space where canonicalization == .relaxed, .tab where canonicalization == .relaxed:
      if holdsCarriageReturn { release() }
      holdsBlank = true
    default:
      release()
      output.append(octet)
    }
  }

  /// Hashes what was held, since something follows.
  private mutating func release() {
    while heldLineEnds > 0 {
      output.append(.carriageReturn)
      output.append(.lineFeed)
      heldLineEnds -= 1
    }
    if holdsBlank { output.append(.space) }
    if holdsCarriageReturn { output.append(.carriageReturn) }
    (holdsBlank, holdsCarriageReturn) = (false, false)
  }
}

extension DKIMError {
  fileprivate static func unhashed(_ cause: CryptoError) -> DKIMError {
    DKIMError(.cryptography, "the body could not be hashed", cause: cause)
  }
}

extension UInt8 {
  fileprivate var isLineEndPart: Bool { self == .carriageReturn || self == .lineFeed }
}
