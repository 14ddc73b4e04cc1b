import NIOCore
import NIOPosix
import NIOSSL
import SMTPProtocol

@testable import SMTPListener

/// A client that types and reads.
final class TestClient: Sendable {
  struct Ended: Error {}

  let channel: any Channel
  private let inbound: AsyncThrowingStream<ByteBuffer, any Error>
  private let reader: Reader

  /// - Parameters:
  ///   - tls: to begin TLS at once.
  ///   - prefix: octets that go out in one piece with the first others, TLS's too.
  ///   - reads: whether the client reads before it is asked to.
  init(_ endpoint: SocketEndpoint, tls: ClientTLS? = nil, prefix: [UInt8] = [], reads: Bool = true) async throws {
    let (stream, continuation) = AsyncThrowingStream.makeStream(of: ByteBuffer.self, throwing: (any Error).self)
    inbound = stream
    reader = Reader(stream)
    channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .channelOption(.autoRead, value: reads)
      .channelOption(.socketOption(.so_rcvbuf), value: 65_536)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if !prefix.isEmpty { try channel.pipeline.syncOperations.addHandler(Prefix(prefix)) }
          if let tls { try channel.pipeline.syncOperations.addHandler(try tls.handler()) }
          try channel.pipeline.syncOperations.addHandler(Collector(continuation))
        }
      }
      .connect(host: "\(endpoint.address)", port: Int(endpoint.port)).get()
  }

  deinit { channel.close(promise: nil) }

  /// Sends lines, each with CRLF, in one segment.
  func send(_ lines: String...) async throws { try await write(lines.map { $0 + "\r\n" }.joined()) }

  func write(_ text: String) async throws { try await write(Array(text.utf8)) }

  func write(_ octets: [UInt8]) async throws {
    do {
      try await channel.writeAndFlush(ByteBuffer(bytes: octets))
    } catch {
      _ = try await self.octets()  // throws what closed the channel
      throw error
    }
  }

  /// The lines of the next reply.
  func reply() async throws -> [String] {
    var lines: [String] = []
    while true {
      guard let line = try await reader.line() else { throw Ended() }
      lines.append(line)
      if line.count < 4 || line.dropFirst(3).first != "-" { return lines }
    }
  }

  /// The one line of the next reply.
  func line() async throws -> String { try await reply().joined(separator: "\n") }

  /// Sends a line and gives the reply to it.
  func ask(_ text: String) async throws -> String {
    try await send(text)
    return try await line()
  }

  /// What comes until the server ends the connection.
  func rest() async throws -> [String] {
    var lines: [String] = []
    while let line = try await reader.line() { lines.append(line) }
    return lines
  }

  /// All octets until the server ends the connection.
  func octets() async throws -> [UInt8] { try await reader.octets() }

  func startTLS(_ tls: ClientTLS) async throws {
    let channel = channel
    try await channel.eventLoop.submit {
      try channel.pipeline.syncOperations.addHandler(try tls.handler(), position: .first)
    }.get()
  }

  /// From the greeting through STARTTLS and AUTH.
  func logIn(_ tls: ClientTLS) async throws {
    _ = try await line()
    _ = try await ask("EHLO client.example")
    _ = try await ask("STARTTLS")
    try await startTLS(tls)
    _ = try await ask("EHLO client.example")
    _ = try await ask("AUTH PLAIN AHVzZXIAc2VjcmV0")
  }

  func close() async throws { try? await channel.close() }

  private final class Prefix: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private var octets: [UInt8]
    init(_ octets: [UInt8]) { self.octets = octets }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
      var buffer = ByteBuffer(bytes: octets)
      octets = []
      buffer.writeImmutableBuffer(unwrapOutboundIn(data))
      context.write(wrapOutboundOut(buffer), promise: promise)
    }
  }

  private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let continuation: AsyncThrowingStream<ByteBuffer, any Error>.Continuation
    init(_ continuation: AsyncThrowingStream<ByteBuffer, any Error>.Continuation) { self.continuation = continuation }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { continuation.yield(unwrapInboundIn(data)) }
    func channelInactive(context: ChannelHandlerContext) { continuation.finish() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      continuation.finish(throwing: error)
      context.close(promise: nil)
    }
  }

  private actor Reader {
    private var iterator: AsyncThrowingStream<ByteBuffer, any Error>.AsyncIterator
    private var buffer = ByteBuffer()

    init(_ stream: AsyncThrowingStream<ByteBuffer, any Error>) { iterator = stream.makeAsyncIterator() }

    func octets() async throws -> [UInt8] {
      while try await readMore() {}
      return buffer.readBytes(length: buffer.readableBytes) ?? []
    }

    func line() async throws -> String? {
      while true {
        if let end = buffer.readableBytesView.firstIndex(of: 10) {
          let line = buffer.readString(length: end - buffer.readerIndex + 1) ?? ""
          // CRLF is one character.
          return String(line.dropLast())
        }
        guard try await readMore() else { return nil }
      }
    }

    private func readMore() async throws -> Bool {
      var iterator = iterator
      guard var more = try await iterator.next(isolation: self) else { return false }
      self.iterator = iterator
      buffer.writeBuffer(&more)
      return true
    }
  }
}

/// How a client begins TLS: it trusts one certificate.
struct ClientTLS: Sendable {
  var trusted: [UInt8]
  var serverName: String?
  var maximumVersion = TLSVersion.tlsv13
  /// The client's own.
  var certificate: TestCertificate?

  func handler() throws -> NIOSSLClientHandler {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.maximumTLSVersion = maximumVersion
    configuration.certificateVerification = .noHostnameVerification
    if let certificate {
      configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(certificate.pem).map { .certificate($0) }
      configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: certificate.files.privateKey, format: .pem))
    }
    let trusted = try NIOSSLCertificate.fromPEMBytes(trusted)
    return try NIOSSLClientHandler(
      context: NIOSSLContext(configuration: configuration), serverHostname: serverName,
      customVerificationCallback: { $1.succeed($0 == trusted ? .certificateVerified : .failed) })
  }
}

extension TestClient {
  /// From the greeting to 354, without AUTH.
  func beginMessage() async throws {
    _ = try await line()
    _ = try await ask("EHLO client.example")
    _ = try await ask("MAIL FROM:<a@example.com>")
    _ = try await ask("RCPT TO:<b@example.org>")
    let reply = try await ask("DATA")
    guard reply.hasPrefix("354") else { throw Ended() }
  }
}
