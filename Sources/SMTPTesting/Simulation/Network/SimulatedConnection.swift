import MailModel
import SMTPProtocol
import Synchronization

/// What two ``SimulatedEndpoint``s share: what is on its way between them.
final class SimulatedConnection: Sendable, CustomStringConvertible {
  enum Side: Sendable {
    case client, server

    var other: Side { self == .client ? .server : .client }
  }

  /// What is on its way to one side, and what has come and nobody has heard.
  struct Inbox: Sendable {
    typealias Handler = @Sendable (SimulatedArrival?) -> Void
    typealias Reader = CheckedContinuation<SimulatedArrival, any Error>

    var underway: ArraySlice<SimulatedArrival> = []
    /// When the last of them arrives.
    var latest: MonotonicInstant?
    /// How many of them have come as far as a split.
    var held = 0
    /// Octets that were sent and are not taken.
    var octets = 0
    var arrived: [SimulatedArrival] = []
    var handler: Handler?
    var reader: Reader?
    /// Whether its owner hears nothing any more.
    var isClosed = false
    /// Whether nothing more may be sent to it.
    var isEnded = false
  }
  private struct State: Sendable {
    var client = Inbox()
    var server = Inbox()
    var isSilent = false
    /// Whether anything was lost: it was reset, fell silent, or its server died.
    var hasTrouble = false

    subscript(side: Side) -> Inbox {
      get { side == .client ? client : server }
      _modify { if side == .client { yield &client } else { yield &server } }
    }
  }

  let number: Int
  let network: SimulatedNetwork
  let hosts: (client: String, server: String)
  let client: SocketEndpoint
  let server: SocketEndpoint
  private let state = Mutex(State())

  init(
    number: Int, network: SimulatedNetwork, hosts: (client: String, server: String), client: SocketEndpoint,
    server: SocketEndpoint
  ) {
    (self.number, self.network, self.hosts) = (number, network, hosts)
    (self.client, self.server) = (client, server)
  }

  /// Whether anything on it was lost, but for what the client did not want to hear.
  var hasTrouble: Bool { state.withLock { $0.hasTrouble } }

  var description: String { "connection \(number) from \(hosts.client) to \(hosts.server):\(server.port)" }

  // MARK: Sending

  /// Cuts it somewhere, if chance says so.
  func send(_ octets: [UInt8], from side: Side) {
    guard !octets.isEmpty else { return }
    let cuts = network.simulation.random { generator in
      let count = generator.chance(0.25) ? Int.random(in: 1...3, using: &generator) : 0
      return (0..<count).map { _ in Int.random(in: 0...octets.count, using: &generator) }.sorted()
    }
    var start = 0
    for end in cuts + [octets.count] where end > start {
      send(.octets(Array(octets[start..<end])), from: side)
      start = end
    }
  }

  func send(_ arrival: SimulatedArrival, from side: Side) {
    let delay = fate()
    let instant = network.simulation.clock.advanced(by: delay)
    let due: MonotonicInstant? = state.withLock { state in
      guard !state[side.other].isEnded else { return nil }
      if arrival == .end || arrival == .reset { state[side.other].isEnded = true }
      if case .octets(let octets) = arrival { state[side.other].octets += octets.count }
      guard !state.isSilent else { return nil }
      return state[side.other].add(arrival, at: instant)
    }
    if let due { announce(to: side.other, at: due) }
  }

  /// What chance does to the connection now; how long what is sent takes.
  private func fate() -> Duration {
    let faults = network.faults
    let delay = network.latency(hosts.client, hosts.server)
    guard faults != SimulatedFaults() else { return delay }
    let (isReset, isSilent, more) = network.simulation.random { generator in
      (
        generator.chance(faults.reset), generator.chance(faults.silence),
        generator.chance(faults.delay) ? generator.duration(in: faults.delays) : .zero
      )
    }
    if isReset { reset() } else if isSilent { silence() }
    return delay + more
  }

  /// Something comes then, whatever comes next.
  private func announce(to side: Side, at instant: MonotonicInstant) {
    _ = network.simulation.schedule(at: instant) { self.arrive(at: side) }
  }

  // MARK: Arriving

  private func arrive(at side: Side) {
    let isSplit = network.isSplit(hosts.client, hosts.server)
    let arrival: SimulatedArrival? = state.withLock { state in
      guard !state.isSilent else { return nil }
      guard !isSplit else {
        state[side].held += 1
        return nil
      }
      return state[side].underway.popFirst()
    }
    if let arrival { deliver(arrival, to: side) }
  }

  private func deliver(_ arrival: SimulatedArrival, to side: Side) {
    let (handler, reader): (Inbox.Handler?, Inbox.Reader?) = state.withLock { state in
      guard !state[side].isClosed else { return (nil, nil) }
      if let handler = state[side].handler { return (handler, nil) }
      if let reader = state[side].reader.take() { return (nil, reader) }
      state[side].arrived.append(arrival)
      return (nil, nil)
    }
    handler?(arrival)
    reader?.resume(returning: arrival)
  }

  func attach(_ handler: @escaping Inbox.Handler, to side: Side) {
    let arrived = state.withLock { state in
      state[side].handler = handler
      defer { state[side].arrived = [] }
      return state[side].arrived
    }
    for arrival in arrived { network.simulation.schedule(after: .zero) { handler(arrival) } }
  }

  func receive(_ side: Side) async throws -> SimulatedArrival {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let outcome: Result<SimulatedArrival, any Error>? = state.withLock { state in
          if Task.isCancelled { return .failure(CancellationError()) }
          if !state[side].arrived.isEmpty { return .success(state[side].arrived.removeFirst()) }
          if state[side].isClosed { return .success(.reset) }
          state[side].reader = continuation
          return nil
        }
        if let outcome { continuation.resume(with: outcome) }
      }
    } onCancel: {
      state.withLock { $0[side].reader.take() }?.resume(throwing: CancellationError())
    }
  }

  // MARK: Room

  func hasRoom(_ side: Side) -> Bool { state.withLock { $0[side.other].octets < SimulatedEndpoint.window } }

  func took(_ count: Int, _ side: Side) {
    let sender = state.withLock { state in
      let hadRoom = state[side].octets < SimulatedEndpoint.window
      state[side].octets -= count
      let hasRoom = state[side].octets < SimulatedEndpoint.window
      return hasRoom && !hadRoom ? state[side.other].handler : nil
    }
    if let sender { network.simulation.schedule(after: .zero) { sender(nil) } }
  }

  // MARK: Ending

  /// One side hears nothing more; the other hears how it went.
  func close(_ side: Side, by farewell: SimulatedArrival = .end) {
    send(farewell, from: side)
    let (reader, isOver) = state.withLock { state in
      state[side].isClosed = true
      state[side].handler = nil
      state[side].arrived = []
      if side == .server, farewell == .reset { state.hasTrouble = true }
      return (state[side].reader.take(), state[side.other].isClosed)
    }
    reader?.resume(returning: .reset)
    if isOver { network.forget(self) }
  }

  /// Both sides hear of it, but for one that does not listen any more.
  func reset() {
    network.simulation.note("\(self) is reset")
    state.withLock { $0.hasTrouble = true }
    for side in [Side.client, .server] {
      let instant = network.simulation.clock.advanced(by: network.latency(hosts.client, hosts.server))
      let due: MonotonicInstant? = state.withLock { state in
        guard !state.isSilent, !state[side].isClosed else { return nil }
        // What was on its way is lost.
        state[side].underway = []
        state[side].held = 0
        state[side].isEnded = true
        return state[side].add(.reset, at: instant)
      }
      if let due { announce(to: side, at: due) }
    }
  }

  /// Whoever hears anything hears of a reset, at once and for the last time.
  func tearDown() {
    for side in [Side.client, .server] {
      deliver(.reset, to: side)
      close(side, by: .reset)
    }
  }

  /// Nothing gets through any more, and nobody is told.
  func silence() {
    network.simulation.note("\(self) falls silent")
    state.withLock { state in
      (state.isSilent, state.hasTrouble) = (true, true)
      (state.client.underway, state.server.underway) = ([], [])
    }
  }

  /// A split is healed: what it held arrives after all.
  func goOn() {
    for side in [Side.client, .server] {
      let held = state.withLock { state in
        defer { state[side].held = 0 }
        return state[side].held
      }
      for _ in 0..<held {
        announce(to: side, at: network.simulation.clock.advanced(by: network.latency(hosts.client, hosts.server)))
      }
    }
  }
}

extension SimulatedConnection.Inbox {
  /// When it arrives: no earlier than what was sent before.
  fileprivate mutating func add(_ arrival: SimulatedArrival, at instant: MonotonicInstant) -> MonotonicInstant {
    let due = max(instant, latest ?? instant)
    latest = due
    underway.append(arrival)
    return due
  }
}
