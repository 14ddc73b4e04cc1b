public import Logging
import MailModel
public import NIOCore
public import NIOPosix
public import SMTPProtocol
public import ServiceLifecycle
import Synchronization

/// A submission server: listens on its endpoints, and puts what its clients ask to a policy.
///
/// One server runs once, as a service among others or alone:
///
/// ```swift
/// let server = try SMTPServer(
///   endpoints: [.startTLS(host: "::", port: 587), .implicitTLS(host: "::", port: 465)],
///   configuration: ServerConfiguration(hostName: name),
///   tls: ServerTLS([CertificateFiles(chain: "chain.pem", privateKey: "key.pem")]),
///   policy: policy)
/// try await server.run()
/// ```
public final class SMTPServer<Policy: SubmissionPolicy>: Service {
  let endpoints: [Endpoint]
  let configuration: ServerConfiguration
  let limits: ConnectionLimits
  let tls: ServerTLS?
  let policy: Policy
  let group: any EventLoopGroup
  let logger: Logger
  let registry: ConnectionRegistry
  let addresses = Latch<[SocketEndpoint]>()
  private let hasStarted = Mutex(false)

  /// A server that does not listen yet.
  ///
  /// - Parameters:
  ///   - endpoints: where to listen; at least one.
  ///   - configuration: how sessions behave. Its `security` is that of the endpoint, and so are its `limits` where an
  ///     endpoint has some of its own.
  ///   - connectionLimits: what connections are held to.
  ///   - tls: the certificates; `nil` only where all endpoints are in plain text.
  ///   - policy: decides what clients may do.
  ///   - eventLoopGroup: where connections live; default: that of the process.
  ///   - logger: is told of what happens, never of what is said.
  /// - Throws: ``ListenerError`` of code ``ListenerError/Code/invalidConfiguration`` without an endpoint, or without
  ///   certificates where an endpoint needs them.
  public init(
    endpoints: [Endpoint], configuration: ServerConfiguration, connectionLimits: ConnectionLimits = ConnectionLimits(),
    tls: ServerTLS? = nil, policy: Policy,
    eventLoopGroup: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup,
    logger: Logger = Logger(label: "smtp.listener")
  ) throws {
    guard !endpoints.isEmpty else { throw ListenerError(.invalidConfiguration, "a server needs an endpoint") }
    if tls == nil, let endpoint = endpoints.first(where: { $0.security != .plaintext }) {
      throw ListenerError(.invalidConfiguration, "\(endpoint.name) needs certificates")
    }
    (self.endpoints, self.configuration, self.limits, self.tls) = (endpoints, configuration, connectionLimits, tls)
    (self.policy, self.group, self.logger) = (policy, eventLoopGroup, logger)
    registry = ConnectionRegistry(limits: connectionLimits)
  }

  /// Where the server listens, in the order of its endpoints. Waits until it does.
  ///
  /// - Throws: what ``run()`` throws when it cannot listen; `CancellationError`.
  public func boundAddresses() async throws -> [SocketEndpoint] { try await addresses.value() }

  /// Listens on all endpoints and serves until a graceful shutdown or the task's cancellation.
  ///
  /// At a graceful shutdown no connection is taken any more, sessions between messages are told 421, and others end
  /// what they hold, for as long as ``ConnectionLimits/shutdownGrace``; then, and at a cancellation, the rest is
  /// closed. Returns when the policy has answered its last question, so that what it stands on may go after.
  ///
  /// - Throws: ``ListenerError`` where an endpoint cannot be listened on (then none is), or a listening socket is lost;
  ///   `CancellationError`.
  public func run() async throws {
    let isFirst = hasStarted.withLock { hasStarted in
      defer { hasStarted = true }
      return !hasStarted
    }
    guard isFirst else { throw ListenerError(.stopped, "a server runs once") }
    let listeners: [any Channel]
    do {
      listeners = try await listen()
    } catch {
      addresses.settle(.failure(error))
      throw error
    }
    do {
      try await serve(listeners)
    } catch {
      await stop()
      throw error
    }
    await stop()
  }

  /// Returns at a graceful shutdown, with the listening sockets closed.
  private func serve(_ listeners: [any Channel]) async throws {
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await gracefulShutdown() }
      for (endpoint, listener) in zip(endpoints, listeners) {
        tasks.addTask {
          try await listener.closeFuture.get()
          throw ListenerError(.listenerFailed, "\(endpoint.name) is not listened on any more")
        }
      }
      if let tls, let interval = tls.checkInterval {
        tasks.addTask { [logger] in await tls.reloadOnChange(every: interval, logger) }
      }
      defer {
        for listener in listeners { listener.close(promise: nil) }
        tasks.cancelAll()
      }
      try await tasks.next()
    }
  }

  /// Returns when no connection is left.
  private func stop() async {
    logger.info("SMTP server shuts down", metadata: ["smtp.connections": "\(registry.count)"])
    registry.shutDown()
    let end = NIODeadline(MonotonicInstant(.now()).advanced(by: limits.shutdownGrace))
    let hardStop = group.any().scheduleTask(deadline: end) { [registry, logger] in
      logger.warning(
        "Connections are closed before they ended what they held", metadata: ["smtp.connections": "\(registry.count)"])
      registry.dropAll()
    }
    await withTaskCancellationHandler {
      await registry.untilEmpty()
    } onCancel: {
      registry.dropAll()
    }
    hardStop.cancel()
  }
}
