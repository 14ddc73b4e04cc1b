import NIOCore
import NIOTLS

/// Where the channel's events enter the connection, which lives on the same event loop.
final class RelayHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  let connection: RelayConnection

  init(_ connection: RelayConnection) { self.connection = connection }

  func channelActive(context: ChannelHandlerContext) {
    connection.assumeIsolated { $0.opened() }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let octets = unwrapInboundIn(data)
    connection.assumeIsolated { $0.received(octets) }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted = event as? TLSUserEvent { connection.assumeIsolated { $0.tlsStarted() } }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    connection.assumeIsolated { $0.failed(error) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    connection.assumeIsolated { $0.closed() }
    context.fireChannelInactive()
  }
}
