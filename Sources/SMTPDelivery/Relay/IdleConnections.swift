import SMTPProtocol
import Synchronization

/// Connections of one transport that wait for another message. Whoever removes a connection from here holds it: the next
/// delivery, or the connection itself when its time is up.
final class IdleConnections: Sendable {
  private struct Waiting {
    var connection: RelayConnection
    /// How its session came to TLS: of a transport's sessions, nothing else of their configuration differs.
    var security: ClientSecurity
  }

  private struct State {
    var waiting: [Waiting] = []
    var limit: Int
  }

  private let state: Mutex<State>

  init(limit: Int) { state = Mutex(State(limit: limit)) }

  /// Keeps a connection, unless that would be one too many.
  func keep(_ connection: RelayConnection, _ security: ClientSecurity) -> Bool {
    state.withLock { state in
      guard state.waiting.count < state.limit else { return false }
      state.waiting.append(Waiting(connection: connection, security: security))
      return true
    }
  }

  /// The one that has waited for the shortest time, and so is the likeliest to stand yet; the others come to their end.
  func take(_ security: ClientSecurity) -> RelayConnection? {
    state.withLock { state in
      guard let place = state.waiting.lastIndex(where: { $0.security == security }) else { return nil }
      return state.waiting.remove(at: place).connection
    }
  }

  /// Whether it was here: if not, somebody has taken it.
  func remove(_ connection: RelayConnection) -> Bool {
    state.withLock { state in
      guard let place = state.waiting.firstIndex(where: { $0.connection === connection }) else { return false }
      state.waiting.remove(at: place)
      return true
    }
  }

  /// Gives out all of them, and keeps none from now on.
  func close() -> [RelayConnection] {
    state.withLock { state in
      defer { state = State(limit: 0) }
      return state.waiting.map(\.connection)
    }
  }
}
