public import MailModel

/// An address and a port.
public struct SocketEndpoint: Hashable, Sendable, CustomStringConvertible {
  /// The address.
  public var address: IPAddress
  /// The TCP port.
  public var port: UInt16

  /// This address and port.
  public init(address: IPAddress, port: UInt16) { (self.address, self.port) = (address, port) }

  /// `192.0.2.1:587`, `[2001:db8::1]:587`.
  public var description: String {
    switch address {
    case .v4: "\(address):\(port)"
    case .v6: "[\(address)]:\(port)"
    }
  }
}
