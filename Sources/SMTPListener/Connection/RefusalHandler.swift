import MailModel
import NIOCore

/// Turns a connection away: with a reply where the client can read one, without where it awaits TLS.
final class RefusalHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let reply: SMTPReply?

  init(_ reply: SMTPReply?) { self.reply = reply }

  func channelActive(context: ChannelHandlerContext) {
    let channel = context.channel
    guard let reply else {
      channel.close(promise: nil)
      return
    }
    var octets: [UInt8] = []
    reply.encode(into: &octets)
    channel.writeAndFlush(channel.allocator.buffer(bytes: octets)).whenComplete { _ in channel.close(promise: nil) }
  }
}
