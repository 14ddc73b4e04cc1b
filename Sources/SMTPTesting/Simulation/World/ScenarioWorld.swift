import DeliveryQueue
import MailModel
import SMTPProtocol
import SMTPSubmission
import Synchronization

/// The world of a ``Scenario``, and what happens in it.
final class ScenarioWorld: Sendable {
  private struct State: Sendable {
    var witness: Witness
    var violation: Violation?
    var letters = 0
    var deaths = 0
    /// How long the process stays away that dies next.
    var down = Duration.seconds(20)
    var isOver = false
  }

  let plan: ScenarioPlan
  let simulation: Simulation
  let network: SimulatedNetwork
  let customers: [SimulatedCustomer]
  let hosts: [RemoteHost]
  /// The domains of each host.
  let domains: [[DomainName]]
  let platform: SimulatedPlatform
  let delivery: DeliveryConfiguration
  private let state: Mutex<State>

  init(
    _ plan: ScenarioPlan, seed: UInt64, adjust: @Sendable (inout SimulatedPlatform.Configuration) -> Void
  ) throws {
    self.plan = plan
    let simulation = Simulation(seed: seed, stepsAtOnce: 200_000)
    self.simulation = simulation
    let network = SimulatedNetwork(simulation)
    self.network = network
    let name = try Self.domain("mail.example")
    domains = try plan.hosts.enumerated().map { host, count in
      try (0..<count).map { try Self.domain("host-\(host)\($0 == 0 ? "" : "-\($0)").example") }
    }
    hosts = domains.map { RemoteHost($0[0], in: network) }
    var configuration = SimulatedPlatform.Configuration(name: name)
    configuration.delivery = plan.delivery
    configuration.submission.intake.memoryPerMessage = plan.memoryPerMessage
    adjust(&configuration)
    delivery = configuration.delivery
    let routes = Dictionary(uniqueKeysWithValues: domains.flatMap { all in all.map { ($0, all[0]) } })
    var client = SimulatedNetwork.remoteClient(helloName: name)
    (client.pipelinesData, client.usesChunking) = (plan.pipelinesData, plan.usesChunking)
    let transport = SimulatedTransport(from: name.description, over: network, client: client, routes: routes)
    let witness = Witness(delivery, replyTimeout: client.limits.endOfContentTimeout) { transport.site(of: $0) }
    state = Mutex(State(witness: witness))
    let relay = WitnessRelay()
    let platform = try SimulatedPlatform(configuration, in: network) { store in
      WitnessedTransport(base: transport, store: store, relay: relay)
    }
    self.platform = platform
    customers = try simulation.perform {
      var customers: [SimulatedCustomer] = []
      for tenant in 0..<plan.tenants {
        var customer = try await platform.addCustomer(Self.domain("tenant-\(tenant).example"))
        (customer.client.pipelinesData, customer.client.usesChunking) = (plan.pipelinesData, plan.usesChunking)
        customers.append(customer)
      }
      return customers
    }
    for host in hosts { host.hasMailbox = { !Self.isUnknown($0) } }
    relay.world = self
    platform.store.watch { relay.sees($0) }
    platform.start()
  }

  private static let unknown = "nobody"

  /// Whether no host has such a mailbox.
  static func isUnknown(_ path: ForwardPath) -> Bool { path.description.hasPrefix("\(unknown)-") }

  private static func domain(_ text: String) throws -> DomainName {
    guard let name = DomainName(text) else { throw Violation("\(text) is no domain name") }
    return name
  }

  // MARK: What the witness sees

  func witness(_ body: (inout Witness) throws -> Void) {
    let violation: Violation? = state.withLock { state in
      guard state.violation == nil else { return nil }
      do { try body(&state.witness) } catch { state.violation = error as? Violation ?? Violation("\(error)") }
      return state.violation
    }
    if let violation { simulation.note("VIOLATION: \(violation.what)") }
  }

  func attemptBegins(_ claim: Claim) { witness { try $0.attemptBegins(claim) } }

  func attemptEnds(_ claim: Claim, _ report: DeliveryReport, _ hasTrouble: Bool) {
    witness { try $0.attemptEnds(claim, report, hasTrouble: hasTrouble, after: simulation.elapsed) }
  }

  func sees(_ event: SimulatedStore.Event) {
    if case .claimed(let request, let batch) = event { note(request, batch) }
    witness { try $0.sees(event, after: simulation.elapsed) }
    switch event {
    case .died, .stopped: processEnded()
    default: break
    }
  }

  private func note(_ request: ClaimRequest, _ batch: ClaimBatch) {
    for end in request.ended { simulation.note("claim \(end.token.value) has ended: \(end.condition)") }
    for change in batch.siteChanges { simulation.note("\(change.site) is \(change.kind)") }
    for claim in batch.claims {
      let kind = claim.suspension == nil ? "claim" : "suspended claim"
      simulation.note(
        "\(kind) \(claim.token.value) of \(claim.id) at \(claim.site) for \(claim.recipients.map(\.index))")
    }
  }

  var isViolated: Bool { state.withLock { $0.violation != nil } }

  func problem(_ error: any Error) -> String { (error as? Violation)?.what ?? String(reflecting: error) }

  /// Runs for so long, or until something happened that must never be.
  func run(for duration: Duration) throws {
    let end = simulation.clock.advanced(by: duration)
    simulation.schedule(after: duration) {}
    try simulation.run(until: { isViolated || simulation.clock >= end }, atMost: duration + .seconds(1))
    if let violation = state.withLock({ $0.violation }) { throw violation }
  }

  /// Starts something that goes on by itself; what it throws is nothing that must never be.
  func start(_ name: String, _ work: @escaping @Sendable () async throws -> Void) { simulation.start(name, work) }

  // MARK: The process

  private func processEnded() {
    let (down, isOver) = state.withLock { state in
      state.deaths += 1
      defer { state.down = .seconds(20) }
      return (state.down, state.isOver)
    }
    guard !isOver else { return }
    simulation.schedule(after: down) { [self] in start("restart") { try await self.restart() } }
  }

  private func restart() async throws {
    try await compare()
    platform.start()
  }

  /// The queue has what the witness' books have.
  func compare() async throws {
    let kept = try await platform.store.messages(.everything, after: nil, limit: .max)
    witness { try $0.compare(kept) }
  }

  func crash(down: Duration) {
    state.withLock { $0.down = down }
    platform.crash()
  }

  func stop(down: Duration) async throws {
    state.withLock { $0.down = down }
    if platform.isRunning { witness { $0.stops() } }
    try await platform.stop()
  }

  /// From now on the process does not come back.
  func end() { state.withLock { $0.isOver = true } }

  // MARK: Letters

  func makeLetter(from tenant: Int, _ letter: ScenarioPlan.LetterPlan) -> Letter {
    let number = state.withLock { state in
      state.letters += 1
      return state.letters
    }
    let paths = letter.recipients.enumerated().compactMap { place, recipient in
      let name = recipient.isUnknown ? Self.unknown : "user"
      return ForwardPath("\(name)-\(place)@\(domains[recipient.host][recipient.domain])")
    }
    let envelope = Envelope(reversePath: customers[tenant].mailbox("sender") ?? .null, recipients: paths)
    return Letter(number: number, tenant: customers[tenant].tenant, envelope: envelope, size: letter.size)
  }

  /// Sends letters, and those that were not accepted again, a few times.
  func send(_ plans: [ScenarioPlan.LetterPlan], from tenant: Int) async throws {
    var rest = plans
    for _ in 0..<4 where !rest.isEmpty {
      let answers = await send(rest.map { makeLetter(from: tenant, $0) }, from: tenant)
      rest = zip(rest, answers).filter { $0.1.queueID == nil }.map(\.0)
      if !rest.isEmpty { try await simulation.time.sleep(for: .seconds(120)) }
    }
  }

  /// Sends letters once, over one connection.
  @discardableResult
  func send(_ letters: [Letter], from tenant: Int) async -> [SimulatedCustomer.Answer] {
    for letter in letters { witness { $0.sends(letter) } }
    let answers = await customers[tenant].send(letters.map { (envelope: $0.envelope, content: $0.content) })
    for (letter, answer) in zip(letters, answers) { witness { try $0.hears(answer, to: letter.number) } }
    return answers
  }

  // MARK: In the end

  var summary: Scenario.Summary {
    state.withLock { state in
      var summary = Scenario.Summary()
      (summary.letters, summary.deaths, summary.attempts) = (state.letters, state.deaths, state.witness.attempts)
      for message in state.witness.messages.values {
        for recipient in message.status.recipients { summary.recipients[recipient.state, default: 0] += 1 }
      }
      summary.copies = hosts.reduce(0) { $0 + $1.messages.count }
      (summary.elapsed, summary.fingerprint) = (simulation.elapsed, simulation.fingerprint)
      summary.trace = simulation.trace
      return summary
    }
  }
}

/// Tells a world that is not there yet when it is made.
final class WitnessRelay: Sendable {
  private struct Reference: Sendable { weak var world: ScenarioWorld? }
  private let reference = Mutex(Reference())

  var world: ScenarioWorld? {
    get { reference.withLock { $0.world } }
    set { reference.withLock { $0.world = newValue } }
  }

  func sees(_ event: SimulatedStore.Event) { world?.sees(event) }
}

/// Tells the witness of each attempt, as long as the process lives.
struct WitnessedTransport: DeliveryTransport {
  let base: SimulatedTransport
  let store: SimulatedStore
  let relay: WitnessRelay

  var extensions: MailExtensions { base.extensions }

  func site(of destination: Mailbox.Host?) -> DeliverySite { base.site(of: destination) }

  func deliver(_ claim: Claim, content: any MessageContent) async -> DeliveryReport {
    if !store.isDead { relay.world?.attemptBegins(claim) }
    let (report, hasTrouble) = await base.attempt(claim, content)
    if !store.isDead { relay.world?.attemptEnds(claim, report, hasTrouble) }
    return report
  }
}
