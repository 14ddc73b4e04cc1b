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
    let promise = group.next().makePromise(of: RelayConnection.self)
    promise.completeWithTask {
      let connection = try await open(client)
      // Somebody who does not wait any more leaves a connection that nobody holds.
      promise.futureResult.whenFailure { _ in connection.abandonSoon("nobody waits for it") }
      return connection
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
  private func open(_ client: ClientConfiguration) async throws -> RelayConnection {
    try await ClientBootstrap(group: group)
      .connectTimeout(.nanoseconds(Int64(clamping: configuration.connectTimeout.wholeNanoseconds)))
      .connect(host: configuration.relay.host.description, port: Int(configuration.relay.port)) { channel in
        channel.eventLoop.makeCompletedFuture {
          let connection = RelayConnection(channel: channel, configuration: client, tls: tls)
          try channel.pipeline.syncOperations.addHandler(RelayHandler(connection))
          return connection
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
