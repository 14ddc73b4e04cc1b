public import MailModel
public import SMTPProtocol
import Synchronization

/// A server in a ``SimulatedNetwork``: real sessions and a policy of the test's, over simulated connections.
public final class SimulatedServer: Sendable {
  /// What a listener watches beside the session, which has limits of its own.
  public struct Timeouts: Hashable, Sendable {
    /// How long the TLS handshake may take; default 30 s.
    public var handshake = Duration.seconds(30)
    /// How long the policy may take for one answer, then 421; not for that to the end of a message. Default 300 s.
    public var policy = Duration.seconds(300)
    /// How long a closing connection is kept for the client to take the last reply; default 2 s.
    public var linger = Duration.seconds(2)

    /// The defaults.
    public init() {}
  }

  private struct State: Sendable {
    var listening: SimulatedListening?
    var connections: [Int: any ServingConnection] = [:]
    var accepted = 0
    var mostAtOnce = 0
  }

  /// Its host's name.
  public let host: String
  let network: SimulatedNetwork
  let timeouts: Timeouts
  private let state = Mutex(State())

  init(host: String, network: SimulatedNetwork, timeouts: Timeouts) {
    (self.host, self.network, self.timeouts) = (host, network, timeouts)
  }

  /// Connections that were accepted so far.
  public var accepted: Int { state.withLock { $0.accepted } }
  /// Connections that are open.
  public var open: Int { state.withLock { $0.connections.count } }
  /// How many connections were open at once at most.
  public var mostAtOnce: Int { state.withLock { $0.mostAtOnce } }

  /// Begins to listen, unless it does.
  func listen<Policy: SubmissionPolicy>(
    port: UInt16, policy: Policy, configuration: ServerConfiguration, endpointType: EndpointType
  ) {
    let listening = network.listen(host: host, port: port) { [self] endpoint in
      let facts = ConnectionFacts(client: endpoint.peer, local: endpoint.local, endpointType: endpointType)
      let connection = ServerConnection(
        endpoint: endpoint, server: self, policy: policy, configuration: configuration, facts: facts)
      state.withLock { state in
        state.accepted += 1
        state.connections[connection.number] = connection
        state.mostAtOnce = max(state.mostAtOnce, state.connections.count)
      }
      connection.begin()
    }
    state.withLock { $0.listening = listening }
  }

  func remove(_ number: Int) { state.withLock { $0.connections[number] = nil } }

  /// Nobody is accepted any more. Connections that stand remain.
  public func stopListening() { state.withLock { $0.listening.take() }?.end() }

  /// A graceful shutdown: nobody is accepted any more; sessions end with 421, as soon as they have finished what they hold.
  public func shutDown() {
    stopListening()
    network.simulation.note("\(host) shuts down")
    forEach { $0.shutDown() }
  }

  /// Its process dies: nobody is accepted any more, and clients hear a reset. What a policy was asked is cancelled, but for the
  /// end of a message.
  public func crash() {
    stopListening()
    network.simulation.note("\(host)'s server crashes")
    forEach { $0.crash() }
  }

  private func forEach(_ body: @escaping @Sendable (any ServingConnection) -> Void) {
    let connections = state.withLock { $0.connections }
    for number in connections.keys.sorted() {
      guard let connection = connections[number] else { continue }
      network.simulation.schedule(after: .zero) { body(connection) }
    }
  }
}

/// What a ``SimulatedServer`` knows of its connections. Called on the loop.
protocol ServingConnection: Sendable {
  func shutDown()
  func crash()
}

extension SimulatedNetwork {
  /// A server whose sessions ask `policy`. It keeps to its sessions' deadlines, to back-pressure, and to what is owed to a sink,
  /// as a listener of the real network does.
  ///
  /// - Parameters:
  ///   - port: default 587.
  ///   - endpointType: from where it can be reached, as the policy is told; default public.
  ///   - timeouts: what is watched beside the sessions.
  public func listen<Policy: SubmissionPolicy>(
    host: String, port: UInt16 = 587, policy: Policy, configuration: ServerConfiguration,
    endpointType: EndpointType = .public, timeouts: SimulatedServer.Timeouts = SimulatedServer.Timeouts()
  ) -> SimulatedServer {
    let server = SimulatedServer(host: host, network: self, timeouts: timeouts)
    server.listen(port: port, policy: policy, configuration: configuration, endpointType: endpointType)
    return server
  }
}
