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
/// are counted until something follows, and never kept: memory does not grow with the body.
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
    let end = endOfContent(in: chunk)
    var index = 0
    while index < end, isHolding {
      if holdsCarriageReturn, chunk[index] != .lineFeed { release() } else { take(&index, chunk) }
    }
    switch canonicalization {
    case .simple:
      output.append(chunk.extracting(index..<end))
      index = end
    case .relaxed:
      index += output.append(relaxed: chunk, index..<end)
    }
    while index < chunk.count { take(&index, chunk) }
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

  private var isHolding: Bool { heldLineEnds > 0 || holdsBlank || holdsCarriageReturn }

  /// Behind the last octet that is hashed whatever follows: no CRLF, nor a part of one or a blank that may yet be dropped.
  private func endOfContent(in chunk: Span<UInt8>) -> Int {
    var end = chunk.count
    if end > 0, chunk[end - 1] == .carriageReturn { end -= 1 }
    while end > 0 {
      if canonicalization == .relaxed, chunk[end - 1].isASCIIBlank {
        end -= 1
      } else if chunk[end - 1] == .lineFeed, end == 1 || chunk[end - 2] == .carriageReturn {
        end = max(0, end - 2)
      } else {
        break
      }
    }
    return end
  }

  /// Takes one octet, which may be held back, or a run of blanks.
  private mutating func take(_ index: inout Int, _ chunk: Span<UInt8>) {
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
      while index < chunk.count, chunk[index].isASCIIBlank { index += 1 }
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
