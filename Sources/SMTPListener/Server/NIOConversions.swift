import MailModel
import NIOCore
import SMTPProtocol

extension SocketEndpoint {
  /// `nil` for what is no IP address.
  init?(_ address: SocketAddress) {
    guard let text = address.ipAddress, let ip = IPAddress(text), let port = address.port else { return nil }
    self.init(address: ip, port: UInt16(truncatingIfNeeded: port))
  }
}

extension MonotonicInstant {
  init(_ deadline: NIODeadline) { self.init(nanoseconds: Int64(clamping: deadline.uptimeNanoseconds)) }
}

extension NIODeadline {
  init(_ instant: MonotonicInstant) { self = .uptimeNanoseconds(UInt64(clamping: instant.nanoseconds)) }
}
