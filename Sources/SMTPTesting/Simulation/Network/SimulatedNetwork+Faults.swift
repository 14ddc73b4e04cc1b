import MailModel
import SMTPProtocol
import Synchronization

// What a test does to the network.
extension SimulatedNetwork {
  /// What befalls connections by chance; by default nothing.
  public var faults: SimulatedFaults {
    get { state.withLock { $0.faults } }
    set { state.withLock { $0.faults = newValue } }
  }

  /// Nothing gets through between a host and another, or all others, until they are healed. Connections stand, and what is
  /// sent meanwhile arrives afterwards; new ones do not come to stand.
  public func split(_ host: String, from other: String? = nil) {
    state.withLock { _ = $0.splits.insert(Pair(host, other ?? "")) }
    simulation.note("\(host) is split from \(other ?? "all")")
  }

  /// Ends what ``split(_:from:)`` began with the same hosts.
  public func heal(_ host: String, from other: String? = nil) {
    state.withLock { _ = $0.splits.remove(Pair(host, other ?? "")) }
    simulation.note("\(host) is healed with \(other ?? "all")")
    for connection in connections(where: { !isSplit($0.hosts.client, $0.hosts.server) }) { connection.goOn() }
  }

  /// Ends all that ``split(_:from:)`` began.
  public func healAll() {
    state.withLock { $0.splits = [] }
    simulation.note("all are healed")
    for connection in connections(where: { _ in true }) { connection.goOn() }
  }

  func isSplit(_ one: String, _ other: String) -> Bool {
    state.withLock { state in
      guard !state.splits.isEmpty else { return false }
      return [Pair(one, other), Pair(one, ""), Pair(other, "")].contains { state.splits.contains($0) }
    }
  }

  /// How long anything sent from now on takes between two hosts; `nil` for as long as between any.
  public func delay(_ one: String, _ other: String, by latency: ClosedRange<Duration>?) {
    state.withLock { $0.latencies[Pair(one, other)] = latency }
  }

  func latency(_ one: String, _ other: String) -> Duration {
    let bounds = state.withLock { state in state.latencies[Pair(one, other)] ?? state.latency }
    return simulation.random { $0.duration(in: bounds) }
  }

  /// Both sides of each connection between a host and another, or all others, hear that it is reset.
  public func reset(_ host: String, from other: String? = nil) {
    for connection in connections(of: host, with: other) { connection.reset() }
  }

  /// From now on nothing gets through any more on the connections between a host and another, or all others, and nobody is told:
  /// each side finds out by its own patience. New ones are not concerned.
  public func silence(_ host: String, from other: String? = nil) {
    for connection in connections(of: host, with: other) { connection.silence() }
  }

  /// What happens when the host's process dies: nobody listens there any more, and whoever was connected, either way, hears a
  /// reset.
  public func crash(_ host: String) {
    state.withLock { state in state.listeners = state.listeners.filter { $0.key.host != host } }
    simulation.note("\(host) crashes")
    reset(host)
  }

  /// The connection that a client, known by its address and port, has opened; `nil` where it is over.
  func connection(from client: SocketEndpoint?) -> SimulatedConnection? {
    connections { $0.client == client }.last
  }

  private func connections(of host: String, with other: String?) -> [SimulatedConnection] {
    connections { connection in
      let pair = [connection.hosts.client, connection.hosts.server]
      return pair.contains(host) && (other.map { pair == [host, $0] || pair == [$0, host] } ?? true)
    }
  }
}
