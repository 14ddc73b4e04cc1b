import Foundation
import MailModel
import SMTPDelivery
import Testing

/// A port of loopback that is the test's own until ``release()``. Nobody listens on it, so connections are refused,
/// until a server of the test's binds it with SO_REUSEADDR, as servers do; the system gives it to nobody else.
final class ReservedPort: Sendable {
  let number: UInt16
  private let descriptor: Int32

  init() throws {
    #if canImport(Glibc)
    let stream = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    #else
    let stream = SOCK_STREAM
    #endif
    let descriptor = socket(AF_INET, stream, 0)
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
    self.descriptor = descriptor
    number = UInt16(bigEndian: address.sin_port)
    try #require(result == 0 && number > 0)
  }

  /// To be called at the very end, so that the port is not let go before.
  func release() { close(descriptor) }

  var endpoint: RelayEndpoint {
    get throws { RelayEndpoint(host: .address(try #require(IPAddress("127.0.0.1"))), port: number) }
  }
}
