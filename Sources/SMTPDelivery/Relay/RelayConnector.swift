import NIOCore
import NIOPosix
import SMTPProtocol

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Makes connections to one relay.
struct RelayConnector: Sendable {
  /// Why there is no connection, for a person to read.
  struct Unreachable: Error {
    var reason: String
  }

  let configuration: RelayConfiguration
  let tls: RelayTLS?
  let group: any EventLoopGroup

  /// A connection whose session has begun. Cancellation ends the attempt at once.
  func connect(_ client: ClientConfiguration) async throws(Unreachable) -> RelayConnection {
    let loop = group.next()
    let promise = loop.makePromise(of: RelayConnection.self)
    open(client, on: loop).whenComplete { result in
      // Somebody who does not wait any more leaves a connection that nobody holds.
      if case .success(let connection) = result {
        promise.futureResult.whenFailure { _ in connection.abandonSoon("nobody waits for it") }
      }
      promise.completeWith(result)
    }
    do {
      return try await withTaskCancellationHandler {
        try await promise.futureResult.get()
      } onCancel: {
        promise.fail(CancellationError())
      }
    } catch {
      throw Unreachable(reason: Self.describe(error))
    }
  }

  private func open(_ client: ClientConfiguration, on loop: any EventLoop) -> EventLoopFuture<RelayConnection> {
    // By its channel, since a session may be over, and its channel without handlers, before anybody hears that it stands.
    let connections = NIOLoopBoundBox.makeBoxSendingValue([ObjectIdentifier: RelayConnection](), eventLoop: loop)
    let bootstrap = ClientBootstrap(group: loop)
      .connectTimeout(.nanoseconds(Int64(clamping: configuration.connectTimeout.wholeNanoseconds)))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let connection = RelayConnection(channel: channel, configuration: client, tls: tls)
          connections.value[ObjectIdentifier(channel)] = connection
          try channel.pipeline.syncOperations.addHandler(RelayHandler(connection))
        }
      }
    return channel(to: configuration.relay, by: bootstrap, on: loop).flatMapThrowing { channel in
      guard let connection = connections.value[ObjectIdentifier(channel)] else {
        throw Unreachable(reason: "the connection ended")
      }
      return connection
    }
  }

  /// A name's addresses are tried in turn and together (RFC 8305); each has its own channel, and one wins. An address is
  /// not looked up, which would cost as much as the connection.
  private func channel(
    to relay: RelayEndpoint, by bootstrap: ClientBootstrap, on loop: any EventLoop
  ) -> EventLoopFuture<any Channel> {
    let (host, port) = (relay.host.description, Int(relay.port))
    switch relay.host {
    case .name: return bootstrap.connect(host: host, port: port)
    case .address:
      do {
        return bootstrap.connect(to: try SocketAddress(ipAddress: host, port: port))
      } catch {
        return loop.makeFailedFuture(error)
      }
    }
  }

  private static func describe(_ error: any Error) -> String {
    switch error {
    case let error as Unreachable: return error.reason
    case let error as NIOConnectionError:
      if error.connectionErrors.isEmpty, error.dnsAError != nil || error.dnsAAAAError != nil {
        return "its name has no address that we could find"
      }
      return error.connectionErrors.map { describe($0.error) }.joined(separator: "; ")
    case let error as IOError: return String(cString: strerror(error.errnoCode))
    case ChannelError.connectTimeout: return "it did not answer in time"
    case is CancellationError: return "the delivery was cancelled"
    default: return String(describing: error)
    }
  }
}

extension Duration {
  fileprivate var wholeNanoseconds: Int128 {
    Int128(components.seconds) * 1_000_000_000 + Int128(components.attoseconds / 1_000_000_000)
  }
}
