import DeliveryQueue
import MailModel

/// The world that a seed makes, and what happens in it when. It is drawn before anything runs, so that it does not depend on
/// what is done with it.
struct ScenarioPlan: Sendable {
  /// What happens to the world, or what somebody does in it.
  enum Event: Sendable {
    /// A tenant's user sends messages, one after another.
    case letters(tenant: Int, [LetterPlan])
    case mood(host: Int, RemoteMood)
    case weather(SimulatedStore.Weather)
    case network(SimulatedFaults)
    case split(host: Int, Duration)
    case crash(down: Duration)
    case stop(down: Duration)
    case step(Duration)
    case order(QueueOrder.Action, OrderScope)
  }

  struct LetterPlan: Sendable {
    var recipients: [RecipientPlan]
    var size: Int
  }

  struct RecipientPlan: Sendable {
    /// Its place.
    var host: Int
    /// Which of the host's domains.
    var domain = 0
    /// Whether there is no such mailbox.
    var isUnknown = false
  }

  enum OrderScope: Sendable { case tenant(Int), host(Int), everything }

  var tenants: Int
  /// Domains of each remote host.
  var hosts: [Int]
  var delivery = DeliveryConfiguration()
  var memoryPerMessage: Int
  /// How the customers' clients and the platform's own send.
  var pipelinesData: Bool
  var usesChunking: Bool
  /// How long the disturbances last.
  var turmoil: Duration
  var events: [(after: Duration, event: Event)] = []
  /// Hosts that do not work any more once the turmoil is over, and how they do not.
  var deadHosts: [Int: RemoteMood] = [:]
  /// Those of them that never work again.
  var lostHosts: Set<Int> = []
  /// Who sends very much in the calm, if somebody does.
  var flooding: Int?

  init(seed: UInt64) {
    var generator = SimulationGenerator(seed: seed ^ 0x5C3A_1105_CE9A_2105)
    tenants = .random(in: 2...4, using: &generator)
    hosts = (0..<Int.random(in: 2...5, using: &generator)).map { _ in generator.chance(0.3) ? 2 : 1 }
    memoryPerMessage = generator.chance(0.05) ? 262_144 : .random(in: 256...8192, using: &generator)
    (pipelinesData, usesChunking) = (generator.chance(0.3), generator.chance(0.3))
    turmoil = generator.duration(in: .seconds(3600)...(.seconds(generator.chance(0.1) ? 2 * 86_400 : 21_600)))
    drawDelivery(&generator)
    // Host 0 is spared, so that somebody can be reached at any time in the calm.
    for host in hosts.indices.dropFirst() where generator.chance(0.4) {
      deadHosts[host] = generator.chance(0.5) ? .dead : .mute
      if generator.chance(0.3) { lostHosts.insert(host) }
    }
    if generator.chance(0.25) { flooding = .random(in: 0..<tenants, using: &generator) }
    drawEvents(&generator)
    events.sort { $0.after < $1.after }
  }
}

// MARK: - Rules

extension ScenarioPlan {
  private mutating func drawDelivery(_ generator: inout SimulationGenerator) {
    delivery.workers = .random(in: 2...12, using: &generator)
    delivery.rules.deliveriesPerSite = .random(in: 1...4, using: &generator)
    delivery.rules.firstDeliveriesPerSite = .random(in: 1...2, using: &generator)
    delivery.rules.deliveriesPerTenant = .random(in: 1...6, using: &generator)
    delivery.rules.leavesRoomForOthers = generator.chance(0.7)
    delivery.rules.failuresBeforePause = .random(in: 1...4, using: &generator)
    delivery.rules.firstPause = generator.duration(in: .seconds(10)...(.seconds(120)))
    delivery.rules.maximumPause = generator.duration(in: .seconds(120)...(.seconds(1800)))
    delivery.rules.patience = generator.duration(in: .zero ... .seconds(600))
    delivery.schedule.lifetime = .seconds(86_400 * Int.random(in: 1...4, using: &generator))
    delivery.schedule.firstDelay = .seconds(Int.random(in: 30...300, using: &generator))
    delivery.schedule.maximumDelay = .seconds(3600 * Int.random(in: 1...4, using: &generator))
    delivery.lease = generator.duration(in: .seconds(60)...(.seconds(600)))
    delivery.attemptLimit = generator.duration(in: .seconds(120)...(.seconds(1800)))
    // With rare polls a wake-up that is lost shows.
    delivery.pollInterval = generator.chance(0.1) ? .seconds(60) : .seconds(86_400)
  }
}

// MARK: - Events

extension ScenarioPlan {
  private mutating func drawEvents(_ generator: inout SimulationGenerator) {
    // Most worlds are small, so that many are seen; a few are crowded.
    let crowd = generator.chance(0.1) ? 8 : 1
    for _ in 0..<Int.random(in: 2...6 * crowd, using: &generator) { add(letters(&generator), &generator) }
    for _ in 0..<Int.random(in: 1...6, using: &generator) {
      add(.mood(host: .random(in: hosts.indices, using: &generator), .random(&generator)), &generator)
    }
    for _ in 0..<Int.random(in: 0...3, using: &generator) {
      add(.crash(down: generator.duration(in: .milliseconds(1)...(.seconds(1800)))), &generator)
    }
    if generator.chance(0.3) { add(.stop(down: generator.duration(in: .seconds(1)...(.seconds(600)))), &generator) }
    for _ in 0..<Int.random(in: 0...2, using: &generator) {
      add(.step(generator.duration(in: .seconds(-3600)...(.seconds(3600)))), &generator)
    }
    for _ in 0..<Int.random(in: 0...3, using: &generator) { add(order(&generator), &generator) }
    for _ in 0..<Int.random(in: 0...3, using: &generator) { add(.weather(.random(&generator)), &generator) }
    for _ in 0..<Int.random(in: 0...3, using: &generator) { add(.network(.random(&generator)), &generator) }
    if generator.chance(0.3) {
      let host = Int.random(in: hosts.indices, using: &generator)
      add(.split(host: host, generator.duration(in: .seconds(1)...(.seconds(1200)))), &generator)
    }
  }

  private mutating func add(_ event: Event, _ generator: inout SimulationGenerator) {
    // So that things meet: much at the beginning, and much within a moment of something else.
    if generator.chance(0.3), let other = events.randomElement(using: &generator) {
      return events.append((min(other.after + generator.duration(in: .zero ... .seconds(10)), turmoil), event))
    }
    let latest = generator.chance(0.5) ? .seconds(900) : turmoil
    events.append((generator.duration(in: .zero...latest), event))
  }

  private func letters(_ generator: inout SimulationGenerator) -> Event {
    let letters = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
      let recipients = (0..<(generator.chance(0.7) ? 1 : Int.random(in: 2...5, using: &generator))).map { _ in
        let host = Int.random(in: hosts.indices, using: &generator)
        return RecipientPlan(
          host: host, domain: Int.random(in: 0..<hosts[host], using: &generator), isUnknown: generator.chance(0.08))
      }
      let size =
        generator.chance(0.005) ? 300_000 : Int.random(in: 0...(generator.chance(0.2) ? 6000 : 500), using: &generator)
      return LetterPlan(recipients: recipients, size: size)
    }
    return .letters(tenant: .random(in: 0..<tenants, using: &generator), letters)
  }

  private func order(_ generator: inout SimulationGenerator) -> Event {
    let scopes: [OrderScope] = [
      .tenant(.random(in: 0..<tenants, using: &generator)), .host(.random(in: hosts.indices, using: &generator)),
      .everything,
    ]
    let action = QueueOrder.Action.allCases.randomElement(using: &generator) ?? .retry
    return .order(action, scopes.randomElement(using: &generator) ?? .everything)
  }
}

extension ScenarioPlan {
  /// Hosts that refuse for good at some time.
  var refusingHosts: Set<Int> {
    Set(
      events.compactMap { _, event in
        if case .mood(let host, .permanent) = event { host } else { nil }
      })
  }

  /// Whether an operator bounces anything.
  var hasBounces: Bool {
    events.contains { _, event in
      if case .order(.bounce, _) = event { true } else { false }
    }
  }
}

extension SimulatedStore.Weather {
  fileprivate static func random(_ generator: inout SimulationGenerator) -> Self {
    var weather = Self()
    weather.duration = .zero...generator.duration(in: .zero...(.milliseconds(generator.chance(0.2) ? 20_000 : 200)))
    if generator.chance(0.5) { weather.refusals = Double.random(in: 0...0.5, using: &generator) }
    if generator.chance(0.5) { weather.collapses = Double.random(in: 0...0.2, using: &generator) }
    return weather
  }
}

extension SimulatedFaults {
  fileprivate static func random(_ generator: inout SimulationGenerator) -> Self {
    var faults = Self()
    if generator.chance(0.6) { faults.reset = Double.random(in: 0...0.05, using: &generator) }
    if generator.chance(0.4) { faults.silence = Double.random(in: 0...0.03, using: &generator) }
    if generator.chance(0.5) { faults.delay = Double.random(in: 0...0.3, using: &generator) }
    return faults
  }
}

extension RemoteMood {
  fileprivate static func random(_ generator: inout SimulationGenerator) -> Self {
    let silently = generator.chance(0.5)
    switch Int.random(in: 0..<10, using: &generator) {
    case 0: return .slow(by: generator.duration(in: .seconds(1)...(.seconds(silently ? 700 : 60))))
    case 1: return .greylisting(for: generator.duration(in: .seconds(60)...(.seconds(1800))))
    case 2: return .temporary(at: Stage.allCases.randomElement(using: &generator) ?? .recipient)
    case 3: return .permanent(at: Stage.allCases.randomElement(using: &generator) ?? .recipient)
    case 4: return .busy
    case 5: return .dead
    case 6: return .mute
    case 7: return .losingReplies(silently: silently)
    case 8: return .losingContent(silently: silently)
    default: return .working
    }
  }
}
