public import MailModel

/// A host and a port to connect to.
public struct RelayEndpoint: Hashable, Sendable, CustomStringConvertible {
  /// How the host is named.
  public enum Host: Hashable, Sendable, CustomStringConvertible {
    /// By a name whose addresses are looked up at every connection. Its MX records do not matter.
    case name(DomainName)
    /// By its address.
    case address(IPAddress)

    /// The name, or the address without brackets.
    public var description: String {
      switch self {
      case .name(let name): name.description
      case .address(let address): address.description
      }
    }
  }

  /// The host.
  public var host: Host
  /// The TCP port.
  public var port: UInt16

  /// This host and port.
  public init(host: Host, port: UInt16) { (self.host, self.port) = (host, port) }

  /// `mail.example.com:587`, `192.0.2.1:25`, `[2001:db8::1]:25`; `nil` where `text` is none of these, or the port is 0.
  public init?(_ text: String) {
    guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")), let port = UInt16(text[text.index(after: colon)...]),
      port > 0
    else { return nil }
    var host = text[..<colon]
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    if isBracketed { host = host.dropFirst().dropLast() }
    if let address = IPAddress(String(host)) {
      guard isBracketed == host.contains(":") else { return nil }
      self.init(host: .address(address), port: port)
    } else {
      guard !isBracketed, let name = DomainName(String(host)) else { return nil }
      self.init(host: .name(name), port: port)
    }
  }

  /// What ``init(_:)`` takes.
  public var description: String {
    if case .address(.v6) = host { "[\(host)]:\(port)" } else { "\(host):\(port)" }
  }
}
