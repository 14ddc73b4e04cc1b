public import MailModel

/// What one record says.
@nonexhaustive public enum DNSRecord: Hashable, Sendable {
  /// A or AAAA.
  case address(IPAddress)
  /// CNAME.
  case alias(DNSName)
  /// PTR.
  case pointer(DNSName)
  /// MX: the lower preference first (RFC 5321 §5.1); the root as host says that there is no mail (RFC 7505).
  case mailExchanger(preference: UInt16, host: DNSName)
  /// TXT.
  case text(DNSText)
  /// TLSA.
  case certificate(TLSARecord)
}

/// The strings of one TXT record, each of 0 to 255 octets.
public struct DNSText: Hashable, Sendable, CustomStringConvertible {
  /// The strings as they were published. One at least.
  public var strings: [[UInt8]]

  /// These strings.
  public init(strings: [[UInt8]]) { self.strings = strings }

  /// A text in strings of 255 octets, the last of what is left.
  public init(_ text: String) {
    let octets = Array(text.utf8)
    strings = stride(from: 0, to: max(octets.count, 1), by: 255).map { Array(octets[$0..<min($0 + 255, octets.count)]) }
  }

  /// The strings joined, nothing between them (RFC 7208 §3.3, RFC 6376 §3.6.2.2).
  public var octets: [UInt8] { Array(strings.joined()) }

  /// The joined strings as text; what is not UTF-8 becomes U+FFFD.
  public var description: String { String(decoding: octets, as: UTF8.self) }
}

/// An association of a certificate with a service (RFC 6698 §2.1).
public struct TLSARecord: Hashable, Sendable {
  /// PKIX-TA 0, PKIX-EE 1, DANE-TA 2, DANE-EE 3 (RFC 7218).
  public var usage: UInt8
  /// The whole certificate 0, its public key 1.
  public var selector: UInt8
  /// As it is 0, SHA-256 1, SHA-512 2.
  public var matchingType: UInt8
  /// What is compared; one octet at least.
  public var data: [UInt8]

  /// These parts.
  public init(usage: UInt8, selector: UInt8, matchingType: UInt8, data: [UInt8]) {
    (self.usage, self.selector, self.matchingType, self.data) = (usage, selector, matchingType, data)
  }
}
