import DeliveryQueue
import MailModel
import SMTPProtocol
import SMTPTesting
import Testing

@Suite struct SimulatedPlatformTests {
  private let simulation = Simulation(seed: 5)
  private let network: SimulatedNetwork
  private let remote: RemoteHost
  private let platform: SimulatedPlatform
  private let customer: SimulatedCustomer

  init() throws {
    network = SimulatedNetwork(simulation)
    remote = RemoteHost(SimulatedWorld.name("remote.example"), in: network)
    let platform = try SimulatedPlatform(.init(name: SimulatedWorld.name("mail.example")), in: network)
    self.platform = platform
    customer = try simulation.perform { try await platform.addCustomer(SimulatedWorld.name("customer.example")) }
    platform.start()
  }

  private func send(_ content: String = "Subject: test\r\n\r\nHello\r\n") throws -> SimulatedCustomer.Answer {
    let sender = try #require(customer.mailbox("sender"))
    let envelope = Envelope(reversePath: sender, recipients: [try #require(ForwardPath("user@remote.example"))])
    return try simulation.perform { [customer] in await customer.send(envelope, content: Array(content.utf8)) }
  }

  private func status(_ id: QueueID) throws -> RecipientStatus? {
    try simulation.perform { [platform] in try await platform.store.status(of: id) }?.recipients.first
  }

  @Test func deliversWhatACustomerSends() throws {
    let id = try #require(send().queueID)
    try simulation.run(for: .seconds(5))
    #expect(try status(id)?.state == .delivered)
    #expect(String(decoding: remote.messages[0].content, as: UTF8.self).hasSuffix("Subject: test\r\n\r\nHello\r\n"))
    try simulation.end()
  }

  /// With names as text, and the defaults of everything.
  @Test func isMadeInAFewLines() throws {
    let simulation = Simulation(seed: 5)
    let network = SimulatedNetwork(simulation)
    let platform = try SimulatedPlatform("mail.example", in: network)
    let customer = try platform.addCustomer("customer.example")
    let remote = try RemoteHost("remote.example", in: network)
    platform.start()
    let answer = try simulation.perform { try await customer.send(to: "user@remote.example", subject: "Good day") }
    try simulation.run(until: { !remote.messages.isEmpty })
    try simulation.run(for: .seconds(1))
    #expect(try platform.status(of: #require(answer.queueID))?.recipients.map(\.state) == [.delivered])
    #expect(remote.messages[0].envelope.reversePath.description == "mailer@customer.example")
    #expect(String(decoding: remote.messages[0].content, as: UTF8.self).contains("\r\nSubject: Good day\r\n"))
    try simulation.end()
  }

  @Test func saysWhatIsNoName() throws {
    let isAboutTheName = { (error: any Error) in (error as? SimulationError)?.code == .invalidName }
    #expect(performing: { try SimulatedPlatform("-", in: network) }, throws: isAboutTheName)
    #expect(performing: { try RemoteHost("", in: network) }, throws: isAboutTheName)
    #expect(performing: { try platform.addCustomer("a b") }, throws: isAboutTheName)
    #expect(throws: SimulationError.self) {
      try simulation.perform { [customer] in _ = try await customer.send(to: "nobody", subject: "") }
    }
  }

  /// Weather stays as it is; a fault that was ordered is that of the store before.
  @Test func theStoreIsAnotherAfterEachStart() throws {
    let first = platform.store
    first.weather.refusals = 0.25
    first.faults.fail(.enqueue)
    platform.crash()
    #expect(platform.store === first)
    platform.start()
    #expect(platform.store !== first)
    #expect(platform.store.weather.refusals == 0.25)
    platform.store.weather.refusals = 0
    #expect(try send().isAccepted)
    try simulation.end()
  }

  @Test func anotherDomainIsRefused() throws {
    let envelope = Envelope(
      reversePath: try #require(ReversePath("a@other.example")),
      recipients: [try #require(ForwardPath("b@remote.example"))])
    let answer = try simulation.perform { [customer] in await customer.send(envelope, content: []) }
    guard case .refused(let reply, at: .sender) = answer.outcomes.first else {
      Issue.record("\(answer)")
      return
    }
    #expect(reply.code == 553)
    #expect(!answer.isAccepted && !answer.isUnknown)
    try simulation.end()
  }

  @Test func theDeadAnswerNobody() throws {
    platform.crash()
    #expect(!platform.isRunning)
    let answer = try send()
    #expect(answer.outcomes.count == 1 && !answer.isAccepted && !answer.isUnknown)
    try simulation.end()
    #expect(simulation.unfinished.isEmpty)
  }

  /// At every instant of a message's way: what was accepted arrives, once, or twice where the remote's reply was on its way.
  @Test func whatWasAcceptedOutlivesEveryDeath() throws {
    for step in 0..<60 {
      let simulation = Simulation(seed: UInt64(step))
      let network = SimulatedNetwork(simulation)
      let remote = RemoteHost(SimulatedWorld.name("remote.example"), in: network)
      let platform = try SimulatedPlatform(.init(name: SimulatedWorld.name("mail.example")), in: network)
      platform.store.weather.duration = .milliseconds(1) ... .milliseconds(20)
      let customer = try simulation.perform { try await platform.addCustomer(SimulatedWorld.name("customer.example")) }
      let envelope = Envelope(
        reversePath: try #require(customer.mailbox("a")), recipients: [try #require(ForwardPath("b@remote.example"))])
      platform.start()
      simulation.schedule(after: .milliseconds(20 * step)) { platform.crash() }
      simulation.schedule(after: .seconds(30)) { platform.start() }
      let answer = try simulation.perform { await customer.send(envelope, content: Array("Subject: x\r\n\r\n".utf8)) }
      try simulation.run(for: .seconds(600))
      if answer.isAccepted {
        #expect((1...2).contains(remote.messages.count), "\(step)")
      } else {
        #expect(remote.messages.count <= (answer.isUnknown ? 2 : 0), "\(step)")
      }
      try simulation.end()
    }
  }

  @Test func aGracefulStopFinishesWhatItHolds() throws {
    remote.mood = .slow(by: .seconds(3))
    let id = try #require(send().queueID)
    try simulation.run(for: .seconds(1))
    try simulation.perform { [platform] in try await platform.stop() }
    #expect(!platform.isRunning)
    #expect(try status(id)?.state == .delivered)
    #expect(remote.messages.count == 1)
    try simulation.end()
  }

  @Test func aStoreThatCollapsesEndsItsProcess() throws {
    platform.store.weather.collapses = 1
    #expect(try !send().isAccepted)
    try simulation.run(for: .zero)
    #expect(!platform.isRunning)
    try simulation.end()
  }

  @Test(arguments: [false, true]) func nothingIsLeftOfAPlatform(isRunning: Bool) throws {
    weak var platform: SimulatedPlatform?
    weak var first: SimulatedStore?
    weak var last: SimulatedStore?
    do {
      let network = SimulatedNetwork(Simulation(seed: 5))
      let living = try SimulatedPlatform(.init(name: SimulatedWorld.name("mail.example")), in: network)
      (platform, first) = (living, living.store)
      living.start()
      try network.simulation.run(for: .seconds(1))
      living.crash()
      living.start()
      last = living.store
      try network.simulation.run(for: .seconds(1))
      #expect(first == nil)
      if !isRunning { living.crash() }
      try network.simulation.end()
    }
    #expect(platform == nil)
    #expect(last == nil)
  }

  /// Ends while the policy waits for a slow store, which nobody can interrupt.
  @Test(arguments: 0..<30) func nothingIsLeftOfAPlatformWithASlowStore(stage: Int) throws {
    weak var simulation: Simulation?
    weak var store: SimulatedStore?
    do {
      let living = Simulation(seed: UInt64(stage))
      let network = SimulatedNetwork(living)
      let platform = try SimulatedPlatform(.init(name: SimulatedWorld.name("mail.example")), in: network)
      (simulation, store) = (living, platform.store)
      platform.store.weather.duration = .seconds(5) ... .seconds(5)
      let customer = try living.perform { try await platform.addCustomer(SimulatedWorld.name("customer.example")) }
      let envelope = Envelope(
        reversePath: try #require(customer.mailbox("a")), recipients: [try #require(ForwardPath("b@remote.example"))])
      platform.start()
      living.start("customer") { _ = await customer.send(envelope, content: Array("Subject: x\r\n\r\n".utf8)) }
      try living.run(for: .milliseconds(stage * 250))
      try living.end()
    }
    #expect(simulation == nil)
    #expect(store == nil)
  }

  @Test func anOrderIsCarriedOutAtOnce() throws {
    remote.mood = .dead
    let id = try #require(send().queueID)
    try simulation.run(for: .seconds(5))
    #expect(try status(id)?.state == .deferred)
    remote.mood = .working
    let order = QueueOrder(.retry, by: "operator", because: "it works again", at: simulation.time.now())
    let result = try simulation.perform { [platform] in try await platform.apply(order, to: .everything) }
    #expect(result.recipients == 1)
    try simulation.run(for: .seconds(5))
    #expect(try status(id)?.state == .delivered)
    try simulation.end()
  }
}
