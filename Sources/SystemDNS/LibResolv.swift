import CResolv
import MailDNS
import MailModel

/// libresolv, called so that Swift sees octets only.
struct LibResolv: Sendable {
  /// What came back.
  enum Reply: Sendable {
    case octets([UInt8], isTrusted: Bool)
    /// Nothing that could be read; the RCODE of a server that declined, if one did, and errno.
    case nothing(responseCode: UInt16?, error: Int32)
  }

  /// Octets of a datagram that fits through nearly every network whole (DNS Flag Day 2020).
  static let datagramOctets: UInt16 = 1_232

  private let options: cresolv_options
  private let largestAnswer: Int

  init(_ configuration: SystemResolver.Configuration) {
    largestAnswer = configuration.largestAnswer
    var options = cresolv_options()
    var servers = configuration.nameServers.map(cresolv_server.init)[...]
    options.server_count = Int32(servers.count)
    options.servers = (
      servers.popFirst() ?? cresolv_server(), servers.popFirst() ?? cresolv_server(),
      servers.popFirst() ?? cresolv_server()
    )
    options.timeout_seconds = Int32(configuration.timeoutSeconds)
    options.tries = Int32(configuration.tries)
    options.trust =
      switch configuration.trust {
      case .automatic: CRESOLV_TRUST_AUTOMATIC
      case .never: CRESOLV_TRUST_NEVER
      case .always: CRESOLV_TRUST_ALWAYS
      }
    self.options = options
  }

  /// Asks, and blocks until there is an answer or there will be none.
  func ask(_ name: DNSName, _ type: DNSRecordType, withEDNS: Bool) -> Reply {
    var options = options
    options.payload = withEDNS ? Self.datagramOctets : 0
    options.identifier = UInt16.random(in: .min ... .max)
    var reply = cresolv_reply()
    let octets = unsafe [UInt8](unsafeUninitializedCapacity: largestAnswer) { answer, count in
      guard let start = answer.baseAddress else { return }
      reply = unsafe cresolv_ask(name.description, type.rawValue, &options, start, Int32(answer.count))
      count = max(0, min(Int(reply.count), answer.count))
    }
    if !octets.isEmpty { return .octets(octets, isTrusted: reply.is_trusted != 0) }
    return .nothing(responseCode: UInt16(exactly: reply.response_code), error: reply.error)
  }
}

extension cresolv_server {
  fileprivate init(_ server: SystemResolver.NameServer) {
    self.init()
    port = server.port
    switch server.address {
    case .v4(let bits): low = UInt64(bits)
    case .v6(let bits):
      is_ipv6 = 1
      high = UInt64(truncatingIfNeeded: bits >> 64)
      low = UInt64(truncatingIfNeeded: bits)
    }
  }
}
