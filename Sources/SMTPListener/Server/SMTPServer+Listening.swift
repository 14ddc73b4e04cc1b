import Foundation
import Logging
import NIOCore
import NIOPosix
import SMTPProtocol

// Sockets and pipelines.
extension SMTPServer {
  /// Connections that wait to be accepted; the system may hold fewer.
  private static var backlog: Int32 { 1_024 }

  /// Listens on all endpoints or on none. No connection is accepted before all are bound.
  func listen() async throws -> [any Channel] {
    var listeners: [any Channel] = []
    do {
      for endpoint in endpoints { listeners.append(try await bind(endpoint)) }
      for listener in listeners { try await listener.setOption(.autoRead, value: true).get() }
    } catch {
      for listener in listeners { try? await listener.close() }
      throw error
    }
    for (endpoint, listener) in zip(endpoints, listeners) {
      let address = listener.localAddress.flatMap(SocketEndpoint.init)?.description ?? endpoint.name
      logger.info(
        "SMTP server listens", metadata: ["smtp.endpoint": "\(address)", "smtp.security": "\(endpoint.security)"])
    }
    addresses.settle(.success(listeners.compactMap { $0.localAddress.flatMap(SocketEndpoint.init) }))
    return listeners
  }

  private func bind(_ endpoint: Endpoint) async throws -> any Channel {
    let context = context(of: endpoint)
    let output = limits.outputBuffer
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: Self.backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.autoRead, value: false)
      .childChannelOption(.maxMessagesPerRead, value: ReadBuffers.kept)
      .childChannelOption(.recvAllocator, value: ReadBuffers())
      .childChannelOption(.writeBufferWaterMark, value: .init(low: max(1, output / 2), high: max(1, output)))
      .childChannelInitializer { Self.accept($0, at: context) }
    do {
      return try await bootstrap.bind(host: endpoint.host, port: Int(endpoint.port)).get()
    } catch let error as IOError where error.errnoCode == EADDRINUSE {
      throw ListenerError(.addressInUse, "\(endpoint.name) is in use", cause: error)
    } catch {
      throw ListenerError(.cannotListen, "\(endpoint.name) cannot be listened on", cause: error)
    }
  }

  private func context(of endpoint: Endpoint) -> EndpointContext {
    var configuration = configuration
    configuration.security = endpoint.security
    if let limits = endpoint.limits { configuration.limits = limits }
    return EndpointContext(
      policy: policy, type: endpoint.type, configuration: configuration, limits: limits, tls: tls, registry: registry,
      proxies: endpoint.proxies, logger: logger)
  }

  /// Puts a connection behind a new channel, or turns it away.
  private static func accept(_ channel: any Channel, at endpoint: EndpointContext) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      let connection = Connection(channel: channel, endpoint: endpoint)
      // Whose connection a proxy brings is known when it has said so.
      let source = connection.assumeIsolated { $0.isFromProxy ? nil : $0.client?.address }
      guard let refusal = endpoint.registry.add(connection, from: source) else { return try connection.join() }
      connection.assumeIsolated { $0.log(.debug, "Connection refused by a limit") }
      // Whoever awaits TLS cannot read a reply in clear.
      let reply = endpoint.configuration.security == .implicitTLS ? nil : refusal.reply
      try channel.pipeline.syncOperations.addHandler(RefusalHandler(reply))
    }
  }
}
