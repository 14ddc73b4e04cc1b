import NIOCore
import NIOPosix
import SMTPProtocol

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
    bootstrap(on: loop, client)
      .connect(host: configuration.relay.host.description, port: Int(configuration.relay.port))
      .flatMapThrowing { try $0.pipeline.syncOperations.handler(type: RelayHandler.self).connection }
      .whenComplete { result in
        promise.completeWith(result)
        // Somebody who does not wait any more leaves a connection that nobody holds.
        if case .success(let connection) = result {
          promise.futureResult.whenFailure { _ in connection.abandonSoon("nobody waits for it") }
        }
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

  /// The name's addresses are tried in turn and together (RFC 8305); each has its own channel, and one wins.
  private func bootstrap(on loop: any EventLoop, _ client: ClientConfiguration) -> ClientBootstrap {
    ClientBootstrap(group: loop)
      .connectTimeout(.nanoseconds(Int64(clamping: configuration.connectTimeout.wholeNanoseconds)))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let connection = RelayConnection(channel: channel, configuration: client, tls: tls)
          try channel.pipeline.syncOperations.addHandler(RelayHandler(connection))
        }
      }
  }

  private static func describe(_ error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError:
      if error.connectionErrors.isEmpty, error.dnsAError != nil || error.dnsAAAAError != nil {
        return "its name has no address that we could find"
      }
      return error.connectionErrors.map { describe($0.error) }.joined(separator: "; ")
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
