import Foundation
import MailModel
import SMTPProtocol
import Testing

/// A port of loopback that the system gives to nobody else until the value is gone. Nobody listens on it, until a peer of
/// the test's binds it with SO_REUSEADDR, as servers do.
final class ReservedPort: Sendable {
  let endpoint: SocketEndpoint
  private let descriptor: Int32

  init() throws {
    #if canImport(Glibc)
    let stream = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    #else
    let stream = SOCK_STREAM
    #endif
    let descriptor = socket(AF_INET, stream, 0)
    self.descriptor = descriptor
    var yes: Int32 = 1
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
          | bind(descriptor, address, length) | getsockname(descriptor, address, &length)
      }
    }
    endpoint = SocketEndpoint(address: .v4(0x7F00_0001), port: UInt16(bigEndian: address.sin_port))
    try #require(result == 0 && endpoint.port > 0)
  }

  deinit { close(descriptor) }
}
