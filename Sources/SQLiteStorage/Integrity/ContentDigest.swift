import Foundation
import LibCrypto

/// Tells whether a message's content is what was accepted: SQLite does not check the pages that it reads, and nothing
/// checks a file.
///
/// It is the first 16 octets of SHA-256 (FIPS 180-4) over the body's own SHA-256 and the prefix: in that order of work, so
/// that a body can be digested while it comes, before its prefix is made. It says nothing against someone who writes to
/// the folder on purpose.
enum ContentDigest {
  static let count = 16

  /// `nil` where libcrypto fails, which leaves the content without a digest.
  static func of(prefix: some ContiguousOctets, bodyDigest: [UInt8]) -> Data? {
    guard var digest = try? SHA256() else { return nil }
    digest.update(bodyDigest.span)
    prefix.withOctets { digest.update($0) }
    return (try? digest.finish()).map { Data($0.prefix(count)) }
  }

  static func of(prefix: some ContiguousOctets, body: some ContiguousOctets) -> Data? {
    guard var digest = try? SHA256() else { return nil }
    body.withOctets { digest.update($0) }
    return (try? digest.finish()).flatMap { of(prefix: prefix, bodyDigest: $0) }
  }
}

/// Octets in one piece.
protocol ContiguousOctets {
  func withOctets(_ body: (Span<UInt8>) -> Void)
}

extension [UInt8]: ContiguousOctets {
  func withOctets(_ body: (Span<UInt8>) -> Void) { body(span) }
}

extension Data: ContiguousOctets {
  func withOctets(_ body: (Span<UInt8>) -> Void) { body(Array(self).span) }
}
