import MailModel
import NIOCore
import SMTPProtocol

extension SocketEndpoint {
  /// `nil` for what is no IP address.
  init?(_ address: SocketAddress) {
    let octets: [UInt8]
    switch address {
    case .v4(let address): octets = withUnsafeBytes(of: address.address.sin_addr) { Array($0) }
    case .v6(let address): octets = withUnsafeBytes(of: address.address.sin6_addr) { Array($0) }
    case .unixDomainSocket: return nil
    }
    guard let ip = IPAddress(octets: octets), let port = address.port else { return nil }
    self.init(address: ip, port: UInt16(truncatingIfNeeded: port))
  }
}

extension MonotonicInstant {
  init(_ deadline: NIODeadline) { self.init(nanoseconds: Int64(clamping: deadline.uptimeNanoseconds)) }
}

extension NIODeadline {
  init(_ instant: MonotonicInstant) { self = .uptimeNanoseconds(UInt64(clamping: instant.nanoseconds)) }
}
