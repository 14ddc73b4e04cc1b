import DeliveryQueue
import MailModel
import SMTPProtocol
import SMTPTesting
import Testing

@Suite struct SimulatedTransportTests {
  @Test func domainsMayShareASite() throws {
    let world = SimulatedWorld()
    let transport = world.transport()
    let domain = { (name: String) in Mailbox("a@\(name)")?.host }
    #expect(transport.site(of: domain("other.example")) == transport.site(of: domain("remote.example")))
    #expect(transport.site(of: domain("else.example")) == DeliverySite("else.example"))
    #expect(transport.site(of: nil) == DeliverySite("postmaster"))
    let report = try world.deliver(to: ["a@other.example"])
    #expect(report.condition == .working)
    #expect(world.remote.messages.count == 1)
    #expect(try world.deliver(to: ["a@else.example"]).condition.name == "failed")
  }

  @Test(arguments: [2, 3, 4]) func takesAsManyTransactionsAsTheHostWants(recipients: Int) throws {
    var configuration = ServerConfiguration(hostName: SimulatedWorld.remote)
    configuration.limits.recipients = 3
    let world = SimulatedWorld(configuration: configuration)
    let report = try world.deliver(to: (0..<recipients).map { "r\($0)@remote.example" })
    #expect(report.outcomes.allSatisfy { $0.reply.code == 250 })
    #expect(world.remote.messages.count == (recipients > 3 ? 2 : 1))
    #expect(world.remote.connections == 1)
  }

  @Test func cancellationEndsAnAttemptSoon() throws {
    for stage in 0..<12 {
      let world = SimulatedWorld(latency: .milliseconds(10) ... .milliseconds(10))
      let transport = world.transport()
      let simulation = world.simulation
      let claim = SimulatedWorld.claim(to: ["a@remote.example"], size: SimulatedWorld.content.count)
      let task = simulation.start("delivery") {
        let report = await transport.deliver(claim, content: Octets(octets: SimulatedWorld.content))
        simulation.note("\(report.outcomes[0].reply.code ?? 0) \(report.condition.name)")
      }
      try simulation.run(for: .milliseconds(20 * stage + 5))
      task.cancel()
      try simulation.run(for: .zero)
      #expect(task.isFinished)
      let last = try #require(simulation.trace.last)
      #expect(last.hasSuffix("0 unknown") || last.hasSuffix("250 working"))
      if last.hasSuffix("250 working") { #expect(world.remote.messages.count == 1) }
    }
  }

  @Test func contentThatCannotBeReadIsNotSent() throws {
    struct Damaged: MessageContent {
      var count: Int { 100 }
      func read(from offset: Int, limit: Int) async throws -> [UInt8] { throw QueueError(.damaged, "bad") }
    }
    let world = SimulatedWorld()
    let transport = world.transport()
    let claim = SimulatedWorld.claim(to: ["a@remote.example"], size: 100)
    let report = try world.simulation.perform { await transport.deliver(claim, content: Damaged()) }
    guard case .deferred = report.outcomes.first else {
      Issue.record("\(report)")
      return
    }
    #expect(report.uncertain.isEmpty)
    #expect(world.remote.messages.isEmpty)
  }

  /// What was under way when a simulation ended is let go.
  @Test(arguments: 0..<30) func nothingIsLeftOfAWorld(stage: Int) throws {
    weak var simulation: Simulation?
    weak var host: RemoteHost?
    do {
      let world = SimulatedWorld(seed: UInt64(stage))
      (simulation, host) = (world.simulation, world.remote)
      let transport = world.transport()
      let claim = SimulatedWorld.claim(to: ["a@remote.example"], size: SimulatedWorld.content.count)
      world.remote.mood = stage % 2 == 0 ? .slow(by: .milliseconds(50)) : .working
      for number in 0..<3 {
        world.simulation.start("delivery \(number)") {
          _ = await transport.deliver(claim, content: Octets(octets: SimulatedWorld.content))
        }
      }
      try world.simulation.run(for: .milliseconds(stage * 37))
      if stage % 3 == 0 { world.network.silence("remote.example") }
      try world.simulation.end()
    }
    #expect(simulation == nil)
    #expect(host == nil)
  }
}
