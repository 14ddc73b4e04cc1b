import MailModel
import SMTPProtocol
import Synchronization

/// A connection as the server sees it, whatever its policy.
protocol OpenConnection: AnyObject, Sendable {
  /// Ends the connection as soon as its session holds nothing. Returns at once.
  func beginShutDown()
  /// Ends the connection. Returns at once.
  func beginDrop()
}

/// The connections of a server that are open, or whose policy still works for them. Keeps the limits on their number.
final class ConnectionRegistry: Sendable {
  /// Why a connection may not come in.
  enum Refusal { case tooMany, tooManyFromSource, shuttingDown }

  private struct Entry {
    let connection: any OpenConnection
    /// Whom it counts for; `nil` where that is not known.
    var source: IPNetwork?
  }

  private struct State {
    var open: [ObjectIdentifier: Entry] = [:]
    var countBySource: [IPNetwork: Int] = [:]
    var isShuttingDown = false
    var waiter: CheckedContinuation<Void, Never>?

    /// - Returns: `false`, and nothing is counted, where the source has its share already.
    mutating func count(_ source: IPNetwork, limit: Int) -> Bool {
      let count = countBySource[source, default: 0]
      guard count < limit else { return false }
      countBySource[source] = count + 1
      return true
    }
  }

  private let limits: ConnectionLimits
  private let state = Mutex(State())

  init(limits: ConnectionLimits) { self.limits = limits }

  var count: Int { state.withLock { $0.open.count } }
  var connections: [any OpenConnection] { state.withLock { $0.open.values.map(\.connection) } }

  /// - Parameter address: the client's; `nil` where it has none or a proxy has yet to tell it (``identify(_:as:)``).
  /// - Returns: `nil` where the connection may come in; then it must be removed in the end.
  func add(_ connection: any OpenConnection, from address: IPAddress?) -> Refusal? {
    let source = address.flatMap(Self.source)
    return state.withLock { state in
      if state.isShuttingDown { return .shuttingDown }
      if state.open.count >= limits.connections { return .tooMany }
      if let source, !state.count(source, limit: limits.connectionsPerSource) { return .tooManyFromSource }
      state.open[ObjectIdentifier(connection)] = Entry(connection: connection, source: source)
      return nil
    }
  }

  /// The client of a connection that came in without an address is known.
  ///
  /// - Returns: `nil` where it may stay.
  func identify(_ connection: any OpenConnection, as address: IPAddress) -> Refusal? {
    guard let source = Self.source(of: address) else { return nil }
    return state.withLock { state in
      guard let entry = state.open[ObjectIdentifier(connection)], entry.source == nil else { return nil }
      guard state.count(source, limit: limits.connectionsPerSource) else { return .tooManyFromSource }
      state.open[ObjectIdentifier(connection)]?.source = source
      return nil
    }
  }

  /// Nothing happens where it was removed before.
  func remove(_ connection: any OpenConnection) {
    let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard let entry = state.open.removeValue(forKey: ObjectIdentifier(connection)) else { return nil }
      if let source = entry.source, let count = state.countBySource[source] {
        state.countBySource[source] = count > 1 ? count - 1 : nil
      }
      guard state.open.isEmpty else { return nil }
      return state.waiter.take()
    }
    waiter?.resume()
  }

  /// Refuses new connections, and tells those that are open.
  func shutDown() {
    state.withLock { $0.isShuttingDown = true }
    for connection in connections { connection.beginShutDown() }
  }

  /// Ends all connections.
  func dropAll() {
    for connection in connections { connection.beginDrop() }
  }

  /// Returns when the last connection is gone. For one caller, after ``shutDown()``.
  func untilEmpty() async {
    await withCheckedContinuation { continuation in
      let isEmpty = state.withLock { state in
        if !state.open.isEmpty { state.waiter = continuation }
        return state.open.isEmpty
      }
      if isEmpty { continuation.resume() }
    }
  }

  /// What counts as one client: an IPv4 address, or an IPv6 network of 64 bits.
  static func source(of address: IPAddress) -> IPNetwork? {
    switch address {
    case .v4: IPNetwork(address, prefixLength: 32)
    case .v6: IPNetwork(address, prefixLength: 64)
    }
  }
}

extension ConnectionRegistry.Refusal {
  var reply: SMTPReply {
    switch self {
    case .tooMany:
      SMTPReply(421, (.persistentTransientFailure, 7, 0), "Too many connections, try again later")
    case .tooManyFromSource:
      SMTPReply(421, (.persistentTransientFailure, 7, 0), "Too many connections from your address, close some first")
    case .shuttingDown:
      SMTPReply(421, (.persistentTransientFailure, 3, 2), "Service shutting down, try again later")
    }
  }
}
