import DeliveryReporting
import MailModel
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
  let configuration: RelayConfiguration
  let tls: RelayTLS?
  let group: any EventLoopGroup

  /// A connection whose session has begun. Cancellation ends the attempt at once.
  func connect(_ client: ClientConfiguration) async throws(Unreachable) -> RelayConnection {
    guard !Task.isCancelled else { throw .cancelled }
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
      throw Unreachable(error, isIPv4: configuration.relay.isIPv4)
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
        throw Unreachable.connectionEnded
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
}

extension Unreachable {
  /// - Parameter isIPv4: whether it was an IPv4 address that could not be reached, as far as `error` does not say.
  init(_ error: any Error, isIPv4: Bool) {
    switch error {
    case let error as Self: self = error
    case let error as NIOConnectionError:
      if error.connectionErrors.isEmpty, error.dnsAError != nil || error.dnsAAAAError != nil {
        self.init(reason: "its name has no address that we could find")
      } else {
        let all = error.connectionErrors.map { Self($0.error, isIPv4: $0.target.protocol == .inet) }
        self.init(reason: all.map(\.reason).joined(separator: "; "), isOurs: !all.isEmpty && all.allSatisfy(\.isOurs))
      }
    case let error as IOError:
      let isOurs =
        switch error.errnoCode {
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: true
        // All ports are taken; or this machine has no IPv6 at all, and will never reach that address.
        case EADDRNOTAVAIL: isIPv4
        default: false
        }
      self.init(reason: String(cString: strerror(error.errnoCode)), isOurs: isOurs)
    case ChannelError.connectTimeout: self.init(reason: "it did not answer in time")
    case is CancellationError: self = .cancelled
    default: self.init(reason: String(describing: error))
    }
  }
}

extension RelayEndpoint {
  fileprivate var isIPv4: Bool { if case .address(.v4) = host { true } else { false } }
}

extension Duration {
  fileprivate var wholeNanoseconds: Int128 {
    Int128(components.seconds) * 1_000_000_000 + Int128(components.attoseconds / 1_000_000_000)
  }
}
