public import DeliveryQueue
import Logging
public import MailModel
import Metrics
public import SMTPAuth
public import SMTPProtocol
public import SMTPSubmission
import Synchronization

/// A submission service as a process in a ``SimulatedNetwork``: the real policy, intake, queue and delivery over a
/// ``SimulatedStore``, which can die at any instant and be started again over what its store kept.
///
/// What the process logs is noted in the simulation's trace, from `info` on.
public final class SimulatedPlatform: Sendable {
  /// Of what it consists.
  public struct Configuration: Sendable {
    /// Its own name, which is that of its host in the network too.
    public var name: DomainName
    /// The protocol's side.
    public var server: ServerConfiguration
    /// The policy's side.
    public var submission: SubmissionConfiguration
    /// The delivery. What it leaves to chance is left to the simulation's.
    public var delivery = DeliveryConfiguration()
    /// The port at which customers find it; default 587.
    public var port: UInt16 = 587

    /// The defaults for a platform of that name.
    public init(name: DomainName) {
      self.name = name
      (server, submission) = (ServerConfiguration(hostName: name), SubmissionConfiguration(hostName: name))
    }
  }

  private struct Process: Sendable {
    var number: Int
    var wake: @Sendable () -> Void
    var delivery: SimulatedTask
    var shutDown: @Sendable () -> Void
    var server: SimulatedServer
  }
  private struct State: Sendable {
    var store: SimulatedStore
    var process: Process?
    var started = 0
  }

  /// Where it is.
  public let network: SimulatedNetwork
  /// Of what it consists.
  public let configuration: Configuration
  /// Who its tenants are. They survive every death.
  public let tenants: any TenantStore & TenantAdministration
  /// The key under which their secrets are digested.
  public let key: DeploymentKey
  private let transport: @Sendable (SimulatedStore) -> any DeliveryTransport
  private let state: Watched<State>

  /// A platform that is not started.
  ///
  /// - Parameters:
  ///   - tenants: who there is; by default nobody, see ``addCustomer(_:)``.
  ///   - key: the key under which their secrets are digested; by default a new one.
  ///   - store: its queue; by default an empty one. Each process after the first has that of the one before, reopened.
  ///   - transport: makes what a process delivers with, given its queue; by default a ``SimulatedTransport``, which takes each
  ///     recipient's domain for the name of a host.
  public init(
    _ configuration: Configuration, in network: SimulatedNetwork,
    tenants: any TenantStore & TenantAdministration = InMemoryTenantStore(), key: DeploymentKey? = nil,
    store: SimulatedStore? = nil, transport: (@Sendable (SimulatedStore) -> any DeliveryTransport)? = nil
  ) throws {
    (self.configuration, self.network, self.tenants) = (configuration, network, tenants)
    self.key = try key ?? .generate()
    self.transport =
      transport ?? { _ in
        SimulatedTransport(
          from: configuration.name.description, over: network,
          client: SimulatedNetwork.remoteClient(helloName: configuration.name))
      }
    state = Watched(State(store: store ?? SimulatedStore(in: network.simulation)))
  }

  /// A platform of that name with all defaults, not started.
  ///
  /// - Throws: ``SimulationError`` with code ``SimulationError/Code/invalidName``.
  public convenience init(_ name: String, in network: SimulatedNetwork) throws {
    try self.init(Configuration(name: DomainName(simulated: name)), in: network)
  }

  /// The queue of the process that runs, or of the last one: another one after each ``start()``, which has the weather and the
  /// watcher of the one before, and none of the faults that were ordered.
  public var store: SimulatedStore { state.value.store }

  /// Whether a process runs.
  public var isRunning: Bool { state.value.process != nil }

  private var host: String { configuration.name.description }
  private var simulation: Simulation { network.simulation }
}

// MARK: - Its life

extension SimulatedPlatform {
  /// Starts a process, unless one runs: over the queue as the last one left it.
  public func start() {
    guard state.value.process == nil else { return }
    let store = state.change { state in
      if state.started > 0 { state.store = state.store.reopened() }
      state.started += 1
      return state.store
    }
    let process = makeProcess(over: store)
    state.change { $0.process = process }
    store.onCollapse { [weak self, weak store] in
      if let self, self.store === store { crash() }
    }
    simulation.note("\(host) starts")
  }

  /// The process dies, here and now: connections are reset, nothing that it was about to do is done, and what it had in memory is
  /// gone. Without effect where none runs.
  public func crash() {
    guard let process = takeProcess() else { return }
    simulation.note("\(host) dies")
    store.kill()
    end(process)
  }

  private func end(_ process: Process) {
    network.crash(host)
    process.server.crash()
    process.delivery.cancel()
  }

  /// The process shuts down gracefully, and returns when it has ended: sessions and deliveries finish what they hold, as far as
  /// their deadlines allow. Without effect where none runs.
  public func stop() async throws {
    guard let process = state.value.process else { return }
    simulation.note("\(host) stops")
    process.server.shutDown()
    process.shutDown()
    let deadline = simulation.clock.advanced(by: configuration.delivery.shutdownDeadline)
    try await wait(until: deadline.advanced(by: .seconds(60))) { process.delivery.isFinished }
    let isInTime = simulation.clock < deadline
    try await wait(until: deadline.advanced(by: .seconds(60))) { process.server.open == 0 }
    // It may have died meanwhile.
    guard state.value.process?.number == process.number, let process = takeProcess() else { return }
    simulation.note("\(host) has stopped")
    store.stop(inTime: isInTime)
    end(process)
  }

  private func wait(until deadline: MonotonicInstant, _ isOver: () -> Bool) async throws {
    while !isOver(), simulation.clock < deadline { try await simulation.sleep(for: .seconds(1)) }
  }

  /// An operator's order, and the delivery looks what is due now. Without effect where no process runs.
  public func apply(_ order: QueueOrder, to selection: QueueSelection) async throws -> QueueOrderResult {
    guard let process = state.value.process else { return QueueOrderResult() }
    defer { process.wake() }
    return try await store.apply(order, to: selection)
  }

  /// What the queue knows of a message now. Not for what runs within the simulation, which asks ``store``.
  ///
  /// - Throws: as ``Simulation/run(for:)`` does.
  public func status(of id: QueueID) throws -> MessageStatus? {
    try simulation.perform { [store] in try await store.status(of: id) }
  }

  private func takeProcess() -> Process? { state.change { $0.process.take() } }

  private func makeProcess(over store: SimulatedStore) -> Process {
    let number = state.value.started
    let simulation = simulation
    let logger = Logger(label: host) { _ in SimulatedLog(simulation: simulation) { !store.isDead } }
    var delivery = configuration.delivery
    delivery.chance = { simulation.random { Double.random(in: 0...1, using: &$0) } }
    let service = DeliveryService(
      store: store, transport: transport(store), time: simulation.time, configuration: delivery, logger: logger,
      metrics: NOOPMetricsHandler.instance)
    let policy = SubmissionService(
      configuration: configuration.submission, tenants: tenants, key: key, queue: store, delivery: service,
      queueIDs: QueueIDGenerator(after: store.base.greatestSequence) { simulation.random { $0.next() } },
      time: simulation.time,
      logger: logger, metrics: NOOPMetricsHandler.instance)
    return Process(
      number: number, wake: { service.wake() },
      delivery: simulation.start("delivery \(number)") { try await service.run() },
      shutDown: { service.beginShutdown() },
      server: network.listen(
        host: host, port: configuration.port, policy: policy, configuration: configuration.server))
  }
}
