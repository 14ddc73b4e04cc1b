public import DeliveryQueue
public import MailModel
import Synchronization

/// A queue whose operations take simulated time, fail by chance or by order, and which dies with its process at any instant.
///
/// What it kept is what ``reopened()`` finds. Behind it is an ``DeliveryQueue/InMemoryQueueStore``; ``faults`` stands between
/// the two, for what a test wants to fail at a certain operation. What ``DeliveryQueue/QueueInspection`` has is answered at
/// once, by the dead too, and never fails.
public final class SimulatedStore: QueueStore, QueueInspection, QueueControl {
  /// How slow it is, and how often it fails by itself.
  public struct Weather: Hashable, Sendable {
    /// What an operation takes, half of it before anything is done and half after; default nothing.
    public var duration: ClosedRange<Duration> = .zero...(.zero)
    /// How likely it is that an operation fails with nothing done; 0 to 1, default 0.
    public var refusals = 0.0
    /// How likely it is that a change is made or not, nobody knows, and the store takes nothing more until it is opened again
    /// (``DeliveryQueue/QueueError/Code/unknownOutcome``); 0 to 1, default 0.
    public var collapses = 0.0

    /// Nothing takes time, nothing fails.
    public init() {}
  }

  /// A change that was made, or what a claim gave, as it was at that instant.
  @nonexhaustive public enum Event: Sendable {
    /// A message is in the queue.
    case queued(NewMessage)
    /// Messages were claimed.
    case claimed(ClaimRequest, ClaimBatch)
    /// A claim was ended by this.
    case settled(Settlement)
    /// Claims hold longer: those that still held.
    case extended([Claim.Token], until: Timestamp)
    /// An operator's order was carried out.
    case ordered(QueueOrder, QueueSelection, QueueOrderResult)
    /// An operation was refused, or its outcome is not known; of a message, if it was to be queued.
    case failed(FaultyStore<InMemoryQueueStore>.Operation, QueueError, NewMessage?)
    /// Its process died: no claim holds.
    case died
    /// Its process has ended in peace: before its deadline, so that it could finish all that it had begun, or not.
    case stopped(inTime: Bool)
  }

  private enum Life: Sendable { case open, collapsed, dead }
  private struct State: Sendable {
    var life = Life.open
    var weather = Weather()
    var watch: @Sendable (Event) -> Void = { _ in }
    var collapse: @Sendable () -> Void = {}
  }

  /// What is kept.
  public let base: InMemoryQueueStore
  /// For faults at certain operations, of this store alone and not of the one that is opened next. It is not for death: what
  /// ``FaultyStore/die(after:afterwards:)`` orders ends no process, and this store would not know; see ``kill()``.
  public let faults: FaultyStore<InMemoryQueueStore>
  private let simulation: Simulation
  private let state = Mutex(State())

  /// A queue in a simulation.
  ///
  /// - Parameters:
  ///   - base: what is kept already; default an empty queue.
  ///   - simulation: whose time passes, and whose chance decides.
  public init(_ base: InMemoryQueueStore = InMemoryQueueStore(), in simulation: Simulation) {
    (self.base, self.simulation) = (base, simulation)
    faults = FaultyStore(base)
  }

  /// How slow it is, and how often it fails; may change at any time.
  public var weather: Weather {
    get { state.withLock { $0.weather } }
    set { state.withLock { $0.weather = newValue } }
  }

  /// Hears of every change, at the instant at which it is made. Instead of who heard of them before. It is kept as long as the
  /// store, and handed on to the store that is opened next.
  public func watch(_ body: @escaping @Sendable (Event) -> Void) { state.withLock { $0.watch = body } }

  /// Is called when the store takes nothing more because of an unknown outcome: a process over a real store ends then.
  public func onCollapse(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.collapse = body } }
}

// MARK: - Death

extension SimulatedStore {
  /// The process is dead: what it asked and was not done is not done any more, whatever it asks later fails, and no answer
  /// reaches it.
  public func kill() { end(.died) }

  /// The process has stopped. This store is dead from now on.
  func stop(inTime: Bool) { end(.stopped(inTime: inTime)) }

  private func end(_ event: Event) {
    let watch = state.withLock { state in
      let watch = state.life == .dead ? nil : state.watch
      state.life = .dead
      state.collapse = {}
      return watch
    }
    watch?(event)
  }

  /// The queue as the next process finds it: what was kept is there, no claim holds, and bodies that no message names are gone.
  /// This store is dead from now on.
  public func reopened() -> SimulatedStore {
    kill()
    let next = SimulatedStore(base.reopened(), in: simulation)
    let (weather, watch) = state.withLock { state in
      defer { state.watch = { _ in } }
      return (state.weather, state.watch)
    }
    next.weather = weather
    next.watch(watch)
    return next
  }

  private var failure: QueueError? {
    switch state.withLock({ $0.life }) {
    case .open: nil
    case .collapsed: QueueError(.cannotWrite, "an earlier change has an unknown outcome; open the store again")
    case .dead: QueueError(.closed, "the process is dead")
    }
  }

  /// Whether its process is no more.
  public var isDead: Bool { state.withLock { $0.life == .dead } }

  private func collapse() {
    let body = state.withLock { state in
      state.life = .collapsed
      return state.collapse
    }
    simulation.note("the store collapses")
    // Not from within the operation, which has an answer to give first.
    simulation.schedule(after: .zero, body)
  }
}

// MARK: - One operation

extension SimulatedStore {
  private enum Fate { case well, refused, collapses(isDone: Bool) }

  private func fate(of operation: FaultyStore<InMemoryQueueStore>.Operation) -> Fate {
    let weather = weather
    // Claims are kept in memory, and what is read is not changed.
    let isDurable = operation == .enqueue || operation == .settle || operation == .apply
    return simulation.random { generator in
      if generator.chance(weather.refusals) { return .refused }
      guard isDurable, generator.chance(weather.collapses) else { return .well }
      return .collapses(isDone: generator.chance(0.5))
    }
  }

  /// Half of what an operation takes. Whoever asked may be cancelled meanwhile; what the store has begun goes on.
  private func pass() async {
    let weather = weather
    let half = simulation.random { $0.duration(in: weather.duration) } / 2
    if half > .zero { await simulation.pass(half) }
  }

  /// - Parameters:
  ///   - message: what is to be queued.
  ///   - event: what the watcher is told when it is done; `nil` for what changes nothing.
  fileprivate func perform<Result: Sendable>(
    _ operation: FaultyStore<InMemoryQueueStore>.Operation, of message: NewMessage? = nil,
    _ body: () async throws -> Result, event: ((Result) -> Event)? = nil
  ) async throws -> Result {
    await pass()
    if let failure { throw failure }
    let outcome = await outcome(of: operation, message, body, event)
    await pass()
    if isDead, let failure { throw failure }
    return try outcome.get()
  }

  private func outcome<Result: Sendable>(
    of operation: FaultyStore<InMemoryQueueStore>.Operation, _ message: NewMessage?,
    _ body: () async throws -> Result, _ event: ((Result) -> Event)?
  ) async -> Swift.Result<Result, any Error> {
    do {
      switch fate(of: operation) {
      case .refused: throw QueueError(.cannotWrite, "a fault by chance")
      case .collapses(let isDone):
        collapse()
        if isDone { tell(event, try await body()) }
        throw QueueError(.unknownOutcome, "a fault by chance")
      case .well:
        let result = try await body()
        tell(event, result)
        return .success(result)
      }
    } catch {
      if let error = error as? QueueError { state.withLock { $0.watch }(.failed(operation, error, message)) }
      return .failure(error)
    }
  }

  private func tell<Result>(_ event: ((Result) -> Event)?, _ result: Result) {
    guard let event else { return }
    state.withLock { $0.watch }(event(result))
  }

}

// MARK: - The seams

extension SimulatedStore {
  /// A body writer as slow and as mortal as the store.
  public func makeBody(for id: QueueID) async throws -> any MessageBodyWriter {
    let base = try await perform(.makeBody) { try await faults.makeBody(for: id) }
    return SimulatedBodyWriter(store: self, base: base)
  }

  /// Keeps a message, or fails.
  public func enqueue(_ message: NewMessage) async throws {
    try await perform(.enqueue, of: message) {
      try await faults.enqueue(message)
    } event: {
      .queued(message)
    }
  }

  /// Claims, or fails.
  public func claim(_ request: ClaimRequest) async throws -> ClaimBatch {
    try await perform(.claim) {
      try await faults.claim(request)
    } event: {
      .claimed(request, $0)
    }
  }

  /// Extends, or fails.
  public func extend(_ tokens: [Claim.Token], until leasedUntil: Timestamp) async throws -> [Claim.Token] {
    try await perform(.extend) {
      try await faults.extend(tokens, until: leasedUntil)
    } event: {
      .extended($0, until: leasedUntil)
    }
  }

  /// Settles, or fails.
  public func settle(_ settlement: Settlement) async throws {
    try await perform(.settle) {
      try await faults.settle(settlement)
    } event: {
      .settled(settlement)
    }
  }

  /// Content as slow and as mortal as the store.
  public func content(of id: QueueID) async throws -> any MessageContent {
    let base = try await perform(.content) { try await faults.content(of: id) }
    return SimulatedContent(store: self, base: base)
  }

  /// Does what the order says, or fails.
  public func apply(_ order: QueueOrder, to selection: QueueSelection) async throws -> QueueOrderResult {
    try await perform(.apply) {
      try await faults.apply(order, to: selection)
    } event: {
      .ordered(order, selection, $0)
    }
  }
}

extension SimulatedStore {
  /// As it is kept.
  public func status(of id: QueueID) async throws -> MessageStatus? { try await base.status(of: id) }

  /// As they are kept.
  public func messages(_ selection: QueueSelection, after id: QueueID?, limit: Int) async throws -> [MessageStatus] {
    try await base.messages(selection, after: id, limit: limit)
  }

  /// As they are kept.
  public func counts(
    _ selection: QueueSelection, by grouping: QueueGrouping, limit: Int
  ) async throws -> [QueueCount] {
    try await base.counts(selection, by: grouping, limit: limit)
  }

  /// As they are kept.
  public func recipientCounts() async throws -> [RecipientState: Int] { try await base.recipientCounts() }

  /// As it is kept.
  public func summary() async throws -> QueueSummary { try await base.summary() }
}

private struct SimulatedBodyWriter: MessageBodyWriter {
  let store: SimulatedStore
  let base: any MessageBodyWriter

  func append(_ octets: [UInt8]) async throws { try await store.perform(.append) { try await base.append(octets) } }
  func finish() async throws -> SpooledBody { try await store.perform(.finish) { try await base.finish() } }
  /// The dead do not tidy up.
  func discard() { if !store.isDead { base.discard() } }
}

private struct SimulatedContent: MessageContent {
  let store: SimulatedStore
  let base: any MessageContent

  var count: Int { base.count }
  func read(from offset: Int, limit: Int) async throws -> [UInt8] {
    try await store.perform(.read) { try await base.read(from: offset, limit: limit) }
  }
}
