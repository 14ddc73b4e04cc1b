import DeliveryQueue
import MailModel

// From turmoil to the end of all.
extension ScenarioWorld {
  /// Much happens at once.
  func turmoil() throws {
    // None comes with the beginning of the calm, which may be before it.
    let last = plan.turmoil - .milliseconds(1)
    for (after, event) in plan.events { simulation.schedule(after: min(after, last)) { [self] in happen(event) } }
    try run(for: plan.turmoil)
  }

  private func happen(_ event: ScenarioPlan.Event) {
    switch event {
    case .letters(let tenant, let letters): start("customer \(tenant)") { try await self.send(letters, from: tenant) }
    case .mood(let host, let mood): hosts[host].mood = mood
    case .weather(let weather): platform.store.weather = weather
    case .network(let faults): network.faults = faults
    case .split(let host, let duration):
      network.split(hosts[host].name.description)
      simulation.schedule(after: duration) { [self] in network.heal(hosts[host].name.description) }
    case .crash(let down): crash(down: down)
    case .stop(let down): start("stop") { try await self.stop(down: down) }
    case .step(let duration): simulation.time.step(by: duration)
    case .order(let action, let scope): start("operator") { _ = try await self.order(action, scope) }
    }
  }

  private func order(_ action: QueueOrder.Action, _ scope: ScenarioPlan.OrderScope) async throws -> QueueOrderResult {
    var selection = QueueSelection()
    switch scope {
    case .tenant(let tenant): selection.tenant = customers[tenant].tenant
    case .host(let host): selection.destination = .domain(domains[host][0])
    case .everything: break
    }
    let order = QueueOrder(action, by: "operator", because: "the plan has it", at: simulation.time.now())
    let result = try await platform.apply(order, to: selection)
    simulation.note("the operator's \(action) changes \(result.recipients) recipients")
    try await compare()
    return result
  }

  /// Nothing is held any more. Messages of which something is being attempted are released when that is over.
  private func releaseAll() throws {
    for _ in 0..<10 {
      let result = try simulation.perform { try await self.order(.release, .everything) }
      guard !result.underAttempt.isEmpty else { return }
      try run(for: delivery.attemptLimit)
    }
    throw Violation("something is being attempted for ever")
  }

  /// Nothing fails any more but some hosts. Each tenant's mail to the one that works arrives soon all the same.
  func calm() throws {
    platform.store.weather = SimulatedStore.Weather()
    network.faults = SimulatedFaults()
    network.healAll()
    for host in hosts.indices { hosts[host].mood = plan.deadHosts[host] ?? .working }
    // Longer than a process stays away, or a customer tries.
    try run(for: .seconds(3600))
    try releaseAll()
    if let tenant = plan.flooding { try flood(from: tenant) }
    try checkProgress(within: .seconds(7200), but: plan.flooding)
    witness { $0.watchTurns(at: nil, most: 0) }
  }

  /// A tenant has far more for the host that works than it takes for a while, and more for those that do not than there are
  /// workers. From now on the others have their turns.
  private func flood(from tenant: Int) throws {
    let turns = 4 * plan.tenants
    hosts[0].mood = .slow(by: .seconds(2))
    let dead = plan.deadHosts.keys.sorted()
    var letters = (0..<3 * turns).map { _ in ScenarioPlan.LetterPlan(recipients: [.init(host: 0)], size: 100) }
    for number in 0..<(dead.isEmpty ? 0 : delivery.workers + 2) {
      letters.append(.init(recipients: [.init(host: dead[number % dead.count])], size: 100))
    }
    witness { $0.watchTurns(at: DeliverySite(hosts[0].name.description), most: turns) }
    for start in stride(from: 0, to: letters.count, by: 5) {
      let some = letters[start..<min(start + 5, letters.count)].map { makeLetter(from: tenant, $0) }
      self.start("flood \(start)") { [self] in await send(some, from: tenant) }
    }
    // As long as the first of them are on their way.
    try run(for: .seconds(10))
  }

  /// All hosts work, but for those that are lost. What is left arrives within its schedule, and all else expires.
  func heal() throws {
    for host in hosts.indices where !plan.lostHosts.contains(host) { hosts[host].mood = .working }
    try run(for: .seconds(3600))
    // No site that works is paused any more: nothing waits for anything but its schedule. Where deliveries to a lost host last
    // until its clients lose patience, others wait for them.
    let isSlow = plan.lostHosts.contains { plan.deadHosts[$0] == .mute }
    if !isSlow {
      let lost = Set(plan.lostHosts.map { DeliverySite(hosts[$0].name.description) })
      witness { $0.expectPunctuality(from: simulation.time.now(), but: lost) }
    }
    try checkProgress(within: isSlow ? .seconds(7200) : .seconds(60), but: isSlow ? plan.flooding : nil)
    let longestDelay = longestDelay
    try run(for: longestDelay + delivery.rules.sane.maximumPause)
    let lost = Set(plan.lostHosts.flatMap { domains[$0] })
    witness { try $0.checkAllFinal { recipient in !lost.contains { recipient.path.destination == .domain($0) } } }
    var rest = delivery.schedule.lifetime + longestDelay
    while rest > .zero, hasUnfinished {
      try run(for: .seconds(3600))
      rest -= .seconds(3600)
    }
  }

  private var longestDelay: Duration {
    var longest = Duration.zero
    witness { longest = $0.longestDelay }
    return longest
  }

  private var hasUnfinished: Bool {
    var result = false
    witness { result = $0.messages.values.contains { !$0.status.isFinal } }
    return result
  }

  /// Each tenant sends a message to the first host, which works: it is accepted at once, and arrives in time. Of a tenant
  /// that floods, whose message is behind many of its own, it is enough that some arrive.
  private func checkProgress(within bound: Duration, but flooding: Int?) throws {
    let plan = ScenarioPlan.LetterPlan(recipients: [.init(host: 0)], size: 100)
    let letters = customers.indices.map { makeLetter(from: $0, plan) }
    var arrived = 0
    witness { witness in arrived = flooding.map { witness.arrived(from: customers[$0].tenant) } ?? 0 }
    for (tenant, letter) in letters.enumerated() {
      start("progress \(tenant)") { [self] in await send([letter], from: tenant) }
    }
    try run(for: bound)
    witness { witness in
      for (tenant, letter) in letters.enumerated() where tenant != flooding {
        try witness.checkArrived(letter.number, within: bound)
      }
      guard let flooding, witness.arrived(from: customers[flooding].tenant) <= arrived else { return }
      throw Violation("nothing of \(customers[flooding].tenant), who sends much, has arrived within \(bound)")
    }
    try run(for: .zero)
  }

  /// The process stops, and the books are compared.
  func finish() throws {
    end()
    try simulation.perform { try await self.stop(down: .zero) }
    let (kept, summary) = try simulation.perform { [store = platform.store] in
      (try await store.messages(.everything, after: nil, limit: .max), try await store.summary())
    }
    witness { witness in
      guard summary == QueueSummary() else { throw Violation("the queue is left with \(summary)") }
      try witness.compare(kept)
      for (host, domains) in zip(hosts, domains) {
        for message in host.messages {
          let copy = Witness.Copy(
            host: host.name.description, domains: domains, reversePath: message.envelope.reversePath,
            recipients: message.envelope.recipients.map(\.path), content: message.content)
          try witness.takes(copy)
        }
      }
      try witness.checkEnds()
      try checkReasons(witness)
    }
    try run(for: .zero)
  }

  /// Nobody is given up whom no host refused, and nobody is delivered to who does not exist.
  private func checkReasons(_ witness: Witness) throws(Violation) {
    let refusing = Set(plan.refusingHosts.flatMap { domains[$0] })
    for message in witness.messages.values.sorted(by: { $0.letter < $1.letter }) {
      for recipient in message.status.recipients {
        let isUnknown = Self.isUnknown(recipient.path)
        let name = "letter \(message.letter) for \(recipient.path)"
        if recipient.state == .delivered, isUnknown { throw Violation("\(name), who does not exist, is delivered") }
        guard recipient.state == .bounced, !isUnknown, !plan.hasBounces else { continue }
        guard refusing.contains(where: { recipient.path.destination == .domain($0) }) else {
          throw Violation("\(name) is bounced, and no host refused it: \(recipient.reply.map { "\($0)" } ?? "")")
        }
      }
    }
  }
}
