public import MailModel

/// What one record says.
@nonexhaustive public enum DNSRecord: Hashable, Sendable, CustomStringConvertible {
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

  /// As master files write it (RFC 1035 §5.1), but for the dot at the end of names: `10 mx.example.com`, `"v=spf1
  /// -all"`.
  public var description: String {
    switch self {
    case .address(let address): address.description
    case .alias(let name), .pointer(let name): name.description
    case .mailExchanger(let preference, let host): "\(preference) \(host)"
    case .text(let text): text.strings.map(Self.quoted).joined(separator: " ")
    case .certificate(let certificate): certificate.description
    }
  }

  private static func quoted(_ string: [UInt8]) -> String {
    var text: [UInt8] = [UInt8(ascii: "\"")]
    for octet in string {
      switch octet {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), octet]
      case 0x20...0x7E: text.append(octet)
      default: text += "\\\(String(1000 + Int(octet)).dropFirst())".utf8
      }
    }
    text.append(UInt8(ascii: "\""))
    return String(decoding: text, as: UTF8.self)
  }
}
