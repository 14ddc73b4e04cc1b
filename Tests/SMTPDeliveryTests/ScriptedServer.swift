import Foundation
import MailModel
import NIOCore
import NIOPosix
import NIOSSL
import SMTPDelivery
import Synchronization
import Testing

/// An SMTP server that does what the test tells it, on a port of its own on loopback.
final class ScriptedServer: Sendable {
  /// What it does next.
  enum Move: Sendable {
    /// Says this; CRLF comes behind it.
    case say(String)
    /// Says this to the octet.
    case sayExactly(String)
    /// Says this, then takes content up to its end.
    case takeContent(String)
    /// Says this, then reads nothing more.
    case goDeaf(String)
    /// Says this, then begins TLS.
    case startTLS(String)
    /// Says this, then ends the connection.
    case sayAndDrop(String)
    /// Ends the connection.
    case drop
    /// Nothing.
    case keepSilent
  }

  /// A command, of BDAT only once its octets have come, or `""` when the connection stands, or `"."` at the end of content by DATA or BDAT, and which connection it is, from 1 on.
  typealias Script = @Sendable (_ event: String, _ connection: Int) -> Move

  struct Record: Sendable {
    var commands: [String] = []
    var contents: [String] = []
    var connections = 0
    var abandoned = 0
    fileprivate var channels: [any Channel] = []
  }

  let endpoint: RelayEndpoint
  private let records: SharedRecord
  private let channel: any Channel

  var record: Record { records.value.withLock { $0 } }

  /// A connection, from 1 on, to speak or to hang up unasked, or to wait for its end.
  func channel(_ connection: Int) throws -> any Channel {
    let channels = record.channels
    return channels[try #require(channels.indices.contains(connection - 1) ? connection - 1 : nil)]
  }

  /// Says this to the octet, unasked.
  func say(_ text: String, on connection: Int) async throws {
    try await channel(connection).writeAndFlush(ByteBuffer(string: text))
  }

  static func run(
    tls: NIOSSLContext? = nil, implicitTLS: Bool = false, _ script: @escaping Script,
    body: (ScriptedServer) async throws -> Void
  ) async throws {
    let server = try await ScriptedServer(tls: tls, implicitTLS: implicitTLS, script)
    do { try await body(server) } catch {
      try? await server.channel.close()
      throw error
    }
    try await server.channel.close()
  }

  private init(tls: NIOSSLContext?, implicitTLS: Bool, _ script: @escaping Script) async throws {
    let records = SharedRecord()
    self.records = records
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if implicitTLS, let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
          try channel.pipeline.syncOperations.addHandler(ScriptedHandler(script, records, tls))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let port = UInt16(try #require(channel.localAddress?.port))
    endpoint = RelayEndpoint(host: .address(try #require(IPAddress("127.0.0.1"))), port: port)
  }
}

final class SharedRecord: Sendable {
  let value = Mutex(ScriptedServer.Record())
}

private final class ScriptedHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let script: ScriptedServer.Script
  private let record: SharedRecord
  private let tls: NIOSSLContext?
  private var connection = 0
  private var input = ""
  private var isInContent = false
  /// BDAT whose octets are on their way, and how many of them.
  private var chunk: (command: String, octetsLeft: Int)?
  private var chunks: [UInt8] = []

  init(_ script: @escaping ScriptedServer.Script, _ record: SharedRecord, _ tls: NIOSSLContext?) {
    (self.script, self.record, self.tls) = (script, record, tls)
  }

  func channelActive(context: ChannelHandlerContext) {
    connection = record.value.withLock { record in
      record.connections += 1
      record.channels.append(context.channel)
      return record.connections
    }
    act("", context)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    input += String(buffer: unwrapInboundIn(data))
    while takesCommands(context), let end = input.range(of: isInContent ? "\r\n.\r\n" : "\r\n") {
      let line = String(input[..<end.lowerBound])
      input.removeSubrange(..<end.upperBound)
      let wasInContent = isInContent
      record.value.withLock { wasInContent ? $0.contents.append(line) : $0.commands.append(line) }
      isInContent = false
      if !wasInContent, line.hasPrefix("BDAT "),
        let size = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
      {
        chunk = (line, size)
      } else {
        act(wasInContent ? "." : line, context)
      }
    }
  }

  /// Takes what has come of a chunk, and acts when it is whole; `false` where more must come.
  private func takesCommands(_ context: ChannelHandlerContext) -> Bool {
    guard let (command, octetsLeft) = chunk else { return true }
    let part = Array(input.utf8.prefix(octetsLeft))
    chunks += part
    input = String(decoding: input.utf8.dropFirst(part.count), as: UTF8.self)
    chunk = part.count < octetsLeft ? (command, octetsLeft - part.count) : nil
    guard chunk == nil else { return false }
    guard command.hasSuffix(" LAST") else {
      act(command, context)
      return true
    }
    let content = String(decoding: chunks, as: UTF8.self)
    chunks = []
    record.value.withLock { $0.contents.append(content) }
    act(".", context)
    return true
  }

  func channelInactive(context: ChannelHandlerContext) {
    if isInContent { record.value.withLock { $0.abandoned += 1 } }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func act(_ event: String, _ context: ChannelHandlerContext) {
    switch script(event, connection) {
    case .say(let text): say(text + "\r\n", context)
    case .sayExactly(let text): say(text, context)
    case .takeContent(let text):
      say(text + "\r\n", context)
      isInContent = true
    case .goDeaf(let text):
      say(text + "\r\n", context)
      context.channel.setOption(.autoRead, value: false).whenFailure { _ in }
    case .startTLS(let text):
      say(text + "\r\n", context)
      guard let tls else { return context.close(promise: nil) }
      try? context.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls), position: .first)
    case .sayAndDrop(let text):
      say(text + "\r\n", context)
      context.close(promise: nil)
    case .drop: context.close(promise: nil)
    case .keepSilent: break
    }
  }

  private func say(_ text: String, _ context: ChannelHandlerContext) {
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
  }
}

extension ScriptedServer {
  /// A server that takes everything, but for what the test says about an event.
  static func polite(
    _ extensions: [String] = ["PIPELINING", "8BITMIME", "SIZE"],
    but odd: @escaping @Sendable (String) -> Move? = { _ in nil }
  ) -> Script {
    { event, _ in odd(event) ?? politeMove(event, extensions) }
  }

  private static func politeMove(_ event: String, _ extensions: [String]) -> Move {
    switch event {
    case "": .say("220 mx.example ESMTP")
    case "EHLO client.example":
      .say((["250-mx.example"] + extensions.map { "250-\($0)" } + ["250 HELP"]).joined(separator: "\r\n"))
    case "DATA": .takeContent("354 go")
    case "QUIT": .say("221 2.0.0 bye")
    case ".": .say("250 2.0.0 queued as 17")
    default: .say("250 2.1.0 ok")
    }
  }
}
