public import MailModel
import SMTPProtocol
import Synchronization

/// A network between hosts that have names: connections carry octets in order, late, in pieces that chance cuts, and fail where
/// a test says so, or by chance.
///
/// A host is there as soon as it is named. TLS is a mark that each side sends in its place (``SimulatedEndpoint``); nothing is
/// encrypted, since nobody listens.
public final class SimulatedNetwork: Sendable {
  struct Listener: Sendable {
    var number: Int
    var accept: @Sendable (SimulatedEndpoint) -> Void
  }
  struct Port: Hashable, Sendable {
    var host: String
    var port: UInt16
  }
  /// Two hosts, in either order; with an empty name all hosts and one.
  struct Pair: Hashable, Sendable {
    var first: String
    var second: String

    init(_ one: String, _ other: String) { (first, second) = one < other ? (one, other) : (other, one) }
  }
  struct State: Sendable {
    var latency: ClosedRange<Duration>
    var latencies: [Pair: ClosedRange<Duration>] = [:]
    var faults = SimulatedFaults()
    var addresses: [String: UInt32] = [:]
    var listeners: [Port: Listener] = [:]
    var splits: Set<Pair> = []
    /// Those that are open, by number.
    var connections: [Int: SimulatedConnection] = [:]
    var lastConnection = 0
    var lastListener = 0
  }

  /// Where it is.
  public let simulation: Simulation
  let state: Mutex<State>

  /// A network in which everything works.
  ///
  /// - Parameter latency: how long anything takes on its way; default 1 to 50 milliseconds.
  public init(_ simulation: Simulation, latency: ClosedRange<Duration> = .milliseconds(1) ... .milliseconds(50)) {
    self.simulation = simulation
    state = Mutex(State(latency: latency))
    simulation.atEnd { [weak self] in self?.tearDown() }
  }

  /// Nobody listens any more, and every connection is over.
  private func tearDown() {
    state.withLock { $0.listeners = [:] }
    for connection in connections(where: { _ in true }) {
      simulation.schedule(after: .zero) { connection.tearDown() }
    }
  }

  /// The host's address, one of 10.0.0.0/8: `10.0.0.1` for the first that was named, and so on.
  public func address(of host: String) -> IPAddress {
    let number = state.withLock { state in
      if let number = state.addresses[host] { return number }
      let number = UInt32(state.addresses.count + 1)
      state.addresses[host] = number
      return number
    }
    return .v4(10 << 24 | number)
  }

  /// The connections that are open, the oldest first.
  func connections(where belongs: (SimulatedConnection) -> Bool) -> [SimulatedConnection] {
    let all = state.withLock { $0.connections }
    return all.keys.sorted().compactMap { all[$0] }.filter(belongs)
  }

  func forget(_ connection: SimulatedConnection) { state.withLock { $0.connections[connection.number] = nil } }
}

// MARK: - Connecting

extension SimulatedNetwork {
  /// Has connections to that port accepted, as long as nobody else listens there; later ones instead of earlier ones.
  ///
  /// - Parameter accept: called on the simulation's loop.
  /// - Returns: what ends it.
  public func listen(
    host: String, port: UInt16, accept: @escaping @Sendable (SimulatedEndpoint) -> Void
  ) -> SimulatedListening {
    let number = state.withLock { state in
      state.lastListener += 1
      state.listeners[Port(host: host, port: port)] = Listener(number: state.lastListener, accept: accept)
      return state.lastListener
    }
    return SimulatedListening(network: self, port: Port(host: host, port: port), number: number)
  }

  func endListening(_ port: Port, _ number: Int) {
    state.withLock { if $0.listeners[port]?.number == number { $0.listeners[port] = nil } }
  }

  /// Opens a connection. Where nothing gets through it tries again after 1, 2, 4 ... seconds, as TCP does.
  ///
  /// - Parameter timeout: how long it may take; default 30 seconds.
  /// - Throws: ``SimulatedNetworkError`` with code ``SimulatedNetworkError/Code/refused`` or
  ///   ``SimulatedNetworkError/Code/timeout``; `CancellationError` where the task is cancelled meanwhile.
  public func connect(
    from client: String, to server: String, port: UInt16, timeout: Duration = .seconds(30)
  ) async throws -> SimulatedEndpoint {
    let deadline = simulation.clock.advanced(by: timeout)
    var pause = Duration.seconds(1)
    while true {
      try await wait(latency(client, server), until: deadline)
      switch knock(from: client, to: server, port: port) {
      case .lost: try await wait(pause, until: deadline)
      case .refused:
        try await wait(latency(client, server), until: deadline)
        throw SimulatedNetworkError(.refused, "it refused the connection")
      case .accepted(let endpoint):
        do { try await wait(latency(client, server), until: deadline) } catch {
          endpoint.reset()
          throw error
        }
        return endpoint
      }
      pause *= 2
    }
  }

  private func wait(_ duration: Duration, until deadline: MonotonicInstant) async throws {
    let rest = simulation.clock.duration(to: deadline)
    try await simulation.sleep(for: min(duration, rest))
    if duration >= rest { throw SimulatedNetworkError(.timeout, "it did not answer in time") }
  }

  private enum Knock {
    case lost, refused
    case accepted(SimulatedEndpoint)
  }

  private func knock(from client: String, to server: String, port: UInt16) -> Knock {
    guard !isSplit(client, server) else { return .lost }
    guard let listener = state.withLock({ $0.listeners[Port(host: server, port: port)] }) else { return .refused }
    let addresses = (client: address(of: client), server: address(of: server))
    let connection = state.withLock { state in
      state.lastConnection += 1
      let ephemeral = UInt16(1024 + state.lastConnection % 64_000)
      let connection = SimulatedConnection(
        number: state.lastConnection, network: self, hosts: (client, server),
        client: SocketEndpoint(address: addresses.client, port: ephemeral),
        server: SocketEndpoint(address: addresses.server, port: port))
      state.connections[connection.number] = connection
      return connection
    }
    simulation.note("\(connection) begins")
    simulation.schedule(after: .zero) { listener.accept(SimulatedEndpoint(connection: connection, side: .server)) }
    return .accepted(SimulatedEndpoint(connection: connection, side: .client))
  }
}

/// Somebody who listens in a ``SimulatedNetwork``.
public struct SimulatedListening: Sendable {
  let network: SimulatedNetwork
  let port: SimulatedNetwork.Port
  let number: Int

  /// Nobody is accepted any more. Connections that stand remain.
  public func end() { network.endListening(port, number) }
}
