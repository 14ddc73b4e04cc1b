public import SMTPProtocol

/// What comes to one side of a connection.
@nonexhaustive public enum SimulatedArrival: Hashable, Sendable {
  /// Octets; how many at a time is left to chance.
  case octets([UInt8])
  /// The other side's part of the TLS handshake.
  case handshake
  /// The other side sends nothing more.
  case end
  /// The connection is no more.
  case reset
}

/// One side of a connection in a ``SimulatedNetwork``.
///
/// Octets that it sends arrive at the other side in order. Of those that the other side has not taken yet, it should not send
/// on top of ``window``: ``hasRoom`` says whether it may.
public struct SimulatedEndpoint: Sendable {
  /// Octets on their way or not taken yet, from which on a sender should wait.
  public static let window = 65_536

  let connection: SimulatedConnection
  let side: SimulatedConnection.Side

  /// The address and port of the other side.
  public var peer: SocketEndpoint { side == .client ? connection.server : connection.client }
  /// The address and port of this side.
  public var local: SocketEndpoint { side == .client ? connection.client : connection.server }

  /// Sends octets.
  public func send(_ octets: [UInt8]) { connection.send(octets, from: side) }
  /// Sends this side's part of the TLS handshake.
  public func sendHandshake() { connection.send(.handshake, from: side) }
  /// Sends nothing more, and still receives.
  public func finish() { connection.send(.end, from: side) }
  /// Sends nothing more, and hears nothing more.
  public func close() { connection.close(side) }
  /// Has the other side hear that the connection is no more.
  public func reset() { connection.close(side, by: .reset) }

  /// Whether less than ``window`` is on its way.
  public var hasRoom: Bool { connection.hasRoom(side) }

  /// What comes next; the octets count as taken.
  ///
  /// - Throws: `CancellationError` where the task is cancelled meanwhile.
  public func receive() async throws -> SimulatedArrival {
    let arrival = try await connection.receive(side)
    if case .octets(let octets) = arrival { took(octets.count) }
    return arrival
  }

  /// Instead of ``receive()``: from now on `handler` is told, on the simulation's loop, what comes, and `nil` when there may
  /// be room again.
  func attach(_ handler: @escaping @Sendable (SimulatedArrival?) -> Void) { connection.attach(handler, to: side) }

  /// So many octets of those that came have been taken.
  func took(_ count: Int) { connection.took(count, side) }
}
