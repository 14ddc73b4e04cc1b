/// The types of records that mail asks for.
@nonexhaustive public enum DNSRecordType: UInt16, Hashable, Sendable, CaseIterable, CustomStringConvertible {
  /// IPv4 addresses (RFC 1035 §3.4.1).
  case a = 1
  /// An alias (RFC 1035 §3.3.1).
  case cname = 5
  /// A name for an address (RFC 1035 §3.3.12).
  case ptr = 12
  /// Hosts that take mail (RFC 1035 §3.3.9).
  case mx = 15
  /// Text (RFC 1035 §3.3.14).
  case txt = 16
  /// IPv6 addresses (RFC 3596 §2).
  case aaaa = 28
  /// Certificates of a service (RFC 6698 §2).
  case tlsa = 52

  /// As it is written: `AAAA`.
  public var description: String {
    switch self {
    case .a: "A"
    case .cname: "CNAME"
    case .ptr: "PTR"
    case .mx: "MX"
    case .txt: "TXT"
    case .aaaa: "AAAA"
    case .tlsa: "TLSA"
    }
  }
}

/// What is asked of the DNS, in class IN.
public struct DNSQuestion: Hashable, Sendable, CustomStringConvertible {
  /// Whose records.
  public var name: DNSName
  /// Which.
  public var type: DNSRecordType

  /// The records of `type` at `name`.
  public init(_ name: DNSName, _ type: DNSRecordType) { (self.name, self.type) = (name, type) }

  /// `example.com TXT`
  public var description: String { "\(name) \(type)" }
}
