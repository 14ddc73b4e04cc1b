/// An association of a certificate with a service (RFC 6698 §2.1).
public struct TLSARecord: Hashable, Sendable, CustomStringConvertible {
  /// PKIX-TA 0, PKIX-EE 1, DANE-TA 2, DANE-EE 3 (RFC 7218).
  public var usage: UInt8
  /// The whole certificate 0, its public key 1.
  public var selector: UInt8
  /// As it is 0, SHA-256 1, SHA-512 2.
  public var matchingType: UInt8
  /// What is compared. A digest of another length than that of its type matches nothing.
  public var data: [UInt8]

  /// These parts.
  public init(usage: UInt8, selector: UInt8, matchingType: UInt8, data: [UInt8]) {
    (self.usage, self.selector, self.matchingType, self.data) = (usage, selector, matchingType, data)
  }

  /// As master files write it (RFC 6698 §2.2), the data in hexadecimal digits: `3 1 1 0b9f…`.
  public var description: String {
    var digits: [UInt8] = []
    for octet in data {
      for nibble in [octet >> 4, octet & 0xF] { digits.append(nibble < 10 ? 0x30 + nibble : 0x61 + nibble - 10) }
    }
    return "\(usage) \(selector) \(matchingType) \(String(decoding: digits, as: UTF8.self))"
  }
}
