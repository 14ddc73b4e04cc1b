import NIOCore
import NIOTLS

/// Hands what happens on a channel to its connection.
final class ConnectionHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer

  private let connection: Connection

  init(_ connection: Connection) { self.connection = connection }

  func channelActive(context: ChannelHandlerContext) {
    connection.assumeIsolated { $0.opened() }
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let octets = unwrapInboundIn(data)
    connection.assumeIsolated { $0.receive(octets) }
  }

  func read(context: ChannelHandlerContext) {
    if connection.assumeIsolated({ $0.wantsRead() }) { context.read() }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    let isWritable = context.channel.isWritable
    connection.assumeIsolated { $0.writabilityChanged(to: isWritable) }
    context.fireChannelWritabilityChanged()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted = event as? TLSUserEvent { connection.assumeIsolated { $0.secured() } }
    context.fireUserInboundEventTriggered(event)
  }

  /// A broken connection, a failed handshake: nothing that could be told to the client.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    connection.assumeIsolated { connection in
      connection.drop()
      connection.settle()
    }
  }
}
