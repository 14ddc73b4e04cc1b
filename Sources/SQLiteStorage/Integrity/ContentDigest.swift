import DeliveryQueue
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

  /// The digest of a message that is to be queued; of a body in the spool, which was digested as it was written.
  static func of(_ message: NewMessage, spool: Spool) -> [UInt8]? {
    switch message.body {
    case .octets(let body): of(prefix: message.prefix, body: body)
    case .spooled(let body): spool.digest(of: body.name).flatMap { of(prefix: message.prefix, bodyDigest: $0) }
    }
  }

  /// - Throws: where the content is not what was accepted. What was queued without a digest passes.
  static func check(prefix: [UInt8], body: [UInt8], digest: [UInt8]?) throws(QueueError) {
    guard let digest else { return }
    if let found = of(prefix: prefix, body: body), found != digest { throw changed }
  }

  /// That content is not what was accepted.
  static var changed: QueueError { QueueError(.damaged, "the content is not what was accepted") }

  /// `nil` where libcrypto fails, which leaves the content without a digest.
  static func of(prefix: some ContiguousOctets, bodyDigest: [UInt8]) -> [UInt8]? {
    guard var digest = try? SHA256() else { return nil }
    digest.update(bodyDigest.span)
    prefix.withOctets { digest.update($0) }
    return (try? digest.finish()).map { Array($0.prefix(count)) }
  }

  static func of(prefix: some ContiguousOctets, body: some ContiguousOctets) -> [UInt8]? {
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
