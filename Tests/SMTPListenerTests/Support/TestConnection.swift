import MailModel
import NIOCore
import NIOEmbedded
import SMTPProtocol

@testable import SMTPListener

/// A connection on a channel without a socket, whose time is the test's.
func testConnection(
  _ policy: TestPolicy, security: ConnectionSecurity = .plaintext, limits: ConnectionLimits = ConnectionLimits(),
  tls: ServerTLS? = nil, peer: String = "127.0.0.1", proxies: [String] = []
) async throws -> (NIOAsyncTestingChannel, Connection) {
  let configuration = try testConfiguration {
    $0.security = security
    $0.requiresAuthentication = false
  }
  let endpoint = EndpointContext(
    policy: policy, type: .public, configuration: configuration, limits: limits, tls: tls,
    registry: ConnectionRegistry(limits: limits), proxies: proxies.compactMap { IPNetwork($0) }, logger: quiet)
  let channel = NIOAsyncTestingChannel()
  let address = try SocketAddress(ipAddress: peer, port: 1)
  channel.remoteAddress = address
  let connection = try await channel.testingEventLoop.executeInContext {
    let connection = Connection(channel: channel, endpoint: endpoint)
    try connection.join()
    return connection
  }
  try await channel.connect(to: address)
  return (channel, connection)
}

extension NIOAsyncTestingChannel {
  /// The client sends `text`, and the loop does all that follows.
  func type(_ text: String) async throws { try await type(Array(text.utf8)) }

  func type(_ octets: [UInt8]) async throws {
    try await writeInbound(ByteBuffer(bytes: octets))
    await testingEventLoop.run()
  }
}
