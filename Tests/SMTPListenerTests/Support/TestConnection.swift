import MailModel
import NIOCore
import NIOEmbedded
import SMTPProtocol

@testable import SMTPListener

/// A connection on a channel without a socket, whose time is the test's.
func testConnection(
  _ policy: TestPolicy, security: ConnectionSecurity = .plaintext, limits: ConnectionLimits = ConnectionLimits(),
  tls: ServerTLS? = nil
) async throws -> (NIOAsyncTestingChannel, Connection<TestPolicy>) {
  let configuration = try testConfiguration {
    $0.security = security
    $0.requiresAuthentication = false
  }
  let endpoint = EndpointContext(
    policy: policy, type: .public, configuration: configuration, limits: limits, tls: tls,
    registry: ConnectionRegistry(limits: limits), logger: quiet)
  let channel = NIOAsyncTestingChannel()
  let connection = try await channel.testingEventLoop.executeInContext {
    let connection = Connection(channel: channel, endpoint: endpoint)
    try SMTPServer.open(channel, connection)
    return connection
  }
  try await channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1))
  return (channel, connection)
}

extension NIOAsyncTestingChannel {
  /// The client sends `text`, and the loop does all that follows.
  func type(_ text: String) async throws {
    try await writeInbound(ByteBuffer(string: text))
    await testingEventLoop.run()
  }
}
