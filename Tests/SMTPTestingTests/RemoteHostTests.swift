import DeliveryQueue
import MailModel
import SMTPProtocol
import SMTPTesting
import Testing

/// Each mood of a remote host, as a transport meets it.
@Suite struct RemoteHostTests {
  @Test(arguments: 0..<20) func worksAndRemembers(seed: Int) throws {
    let world = SimulatedWorld(seed: UInt64(seed))
    let report = try world.deliver(to: ["a@remote.example", "b@remote.example"])
    #expect(report.outcomes.map(\.reply.code) == [250, 250])
    #expect(report.condition == .working)
    let message = try #require(world.remote.messages.first)
    #expect(world.remote.messages.count == 1)
    #expect(message.content == SimulatedWorld.content)
    #expect(message.envelope.recipients.map(\.path.description) == ["a@remote.example", "b@remote.example"])
    #expect(message.at <= world.simulation.time.now())
    #expect(world.remote.connections == 1)
    #expect(world.remote.mostConnections == 1)
  }

  /// Deliveries at once and one after the other, in moods and with faults: what became of them all.
  private static func run(_ seed: UInt64) throws -> String {
    let world = SimulatedWorld(seed: seed)
    (world.network.faults.reset, world.network.faults.silence) = (0.01, 0.01)
    let (transport, content) = (world.transport(), SimulatedWorld.content)
    let claim = SimulatedWorld.claim(to: ["a@remote.example", "b@other.example"], size: content.count)
    let moods = [RemoteMood.working, .slow(by: .seconds(3)), .losingReplies(silently: true), .busy]
    for (number, mood) in moods.enumerated() {
      world.simulation.schedule(after: .milliseconds(300 * number)) { world.remote.mood = mood }
      world.simulation.start("delivery \(number)") {
        let report = await transport.deliver(claim, content: Octets(octets: content))
        world.simulation.note("\(report.outcomes) \(report.condition)")
      }
    }
    try world.simulation.run(until: { world.simulation.unfinished.isEmpty })
    return (world.simulation.trace + ["fingerprint \(world.simulation.fingerprint)"]).joined(separator: "\n")
  }

  @Test(arguments: 0..<20) func theSameSeedGivesTheSameRun(seed: Int) throws {
    #expect(try Self.run(UInt64(seed)) == Self.run(UInt64(seed)))
  }

  @Test func theSameSeedGivesTheSameRunInAnotherProcess() async throws {
    let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
      for seed in 0..<20 { print(try Self.run(UInt64(seed))) }
    }
    let told = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
    for seed in 0..<20 { #expect(told.contains(try Self.run(UInt64(seed)))) }
  }

  @Test(arguments: RemoteMood.Stage.allCases) func refusesForNow(stage: RemoteMood.Stage) throws {
    let world = SimulatedWorld()
    world.remote.mood = .temporary(at: stage)
    let report = try world.deliver()
    guard case .deferred(let reply) = report.outcomes.first else {
      Issue.record("\(report)")
      return
    }
    #expect((400..<500).contains(reply.code ?? 0))
    #expect(report.uncertain.isEmpty)
    #expect(world.remote.messages.isEmpty)
    switch stage {
    case .connection: #expect(report.condition.name == "busy")
    case .authentication: #expect(report.condition.name == "failed")
    default: #expect(report.condition == .working)
    }
  }

  @Test(arguments: RemoteMood.Stage.allCases) func refusesForGood(stage: RemoteMood.Stage) throws {
    let world = SimulatedWorld()
    world.remote.mood = .permanent(at: stage)
    let report = try world.deliver()
    let isAboutUs = stage == .connection || stage == .authentication
    switch report.outcomes.first {
    case .deferred(let reply): #expect(isAboutUs && (reply.code ?? 0) >= 500)
    case .failed(let reply): #expect(!isAboutUs && (reply.code ?? 0) >= 500)
    default: Issue.record("\(report)")
    }
    #expect((report.hostProblem != nil) == isAboutUs)
    #expect(report.condition.name == (isAboutUs ? "failed" : "working"))
    #expect(world.remote.messages.isEmpty)
  }

  @Test func isBusy() throws {
    let world = SimulatedWorld()
    world.remote.mood = .busy
    let report = try world.deliver()
    #expect(report.outcomes.first?.reply.code == 421)
    #expect(report.condition.name == "busy")
  }

  @Test func isDeadAndComesBack() throws {
    let world = SimulatedWorld()
    _ = try world.deliver()
    world.remote.mood = .dead
    let report = try world.deliver()
    #expect(report.outcomes.first?.reply.code == nil)
    #expect(report.condition.name == "failed")
    world.remote.mood = .working
    #expect(try world.deliver().condition == .working)
    #expect(world.remote.connections == 2)
    #expect(world.remote.messages.count == 2)
  }

  @Test func isMute() throws {
    let world = SimulatedWorld()
    world.remote.mood = .mute
    let report = try world.deliver()
    #expect(report.outcomes.first?.reply.text.contains("took too long at greeting") == true)
    #expect(report.condition.name == "failed")
    #expect(world.simulation.elapsed >= .seconds(300))
    #expect(world.simulation.elapsed < .seconds(301))
    try world.simulation.runUntilIdle(atMost: .seconds(10))
    #expect(world.remote.openConnections == 0)
  }

  @Test func isSplitFromUs() throws {
    let world = SimulatedWorld()
    world.network.split("remote.example", from: "mail.example")
    let report = try world.deliver()
    #expect(report.outcomes.first?.reply.text.contains("did not answer in time") == true)
    #expect(report.condition.name == "failed")
    world.network.healAll()
    #expect(try world.deliver().condition == .working)
  }

  /// What a message comes to in a session that stood before the host fell into a mood, and another message after that.
  private static func send(
    amid mood: RemoteMood, _ world: SimulatedWorld
  ) throws -> (outcome: ClientOutcome?, elapsed: Duration) {
    let (network, configuration) = (world.network, world.configuration())
    return try world.simulation.perform {
      let client = try await network.client(from: "mail.example", to: "remote.example", configuration: configuration)
      let first = await client.send(SimulatedWorld.envelope, content: SimulatedWorld.content)
      #expect(first.allSatisfy { if case .accepted = $0 { true } else { false } })
      world.remote.mood = mood
      let start = world.simulation.elapsed
      let outcomes = await client.send(SimulatedWorld.envelope, content: SimulatedWorld.content)
      return (outcomes.first, world.simulation.elapsed - start)
    }
  }

  @Test func becomesBusyAmidASession() throws {
    let world = SimulatedWorld()
    let outcome = try Self.send(amid: .busy, world).outcome
    guard case .refused(let reply, at: .sender) = outcome else {
      Issue.record("\(String(describing: outcome))")
      return
    }
    #expect(reply.code == 421)
    try world.simulation.run(for: .seconds(5))
    #expect(world.remote.openConnections == 0)
    #expect(world.remote.messages.count == 1)
  }

  @Test func fallsMuteAmidASession() throws {
    let world = SimulatedWorld()
    let (outcome, elapsed) = try Self.send(amid: .mute, world)
    guard case .interrupted(let failure) = outcome else {
      Issue.record("\(String(describing: outcome))")
      return
    }
    #expect(failure == ClientFailure(.timeout, at: .sender))
    #expect(elapsed >= .seconds(300) && elapsed < .seconds(301))
    #expect(world.remote.messages.count == 1)
  }

  /// Between the content and the reply to its end.
  @Test func fallsMuteOverAMessage() throws {
    let world = SimulatedWorld(latency: .zero ... .zero)
    world.remote.mood = .slow(by: .seconds(10))
    // Greeting, AUTH, MAIL, RCPT and DATA have been answered.
    world.simulation.schedule(after: .seconds(55)) { world.remote.mood = .mute }
    let report = try world.deliver()
    #expect(report.uncertain == [0])
    #expect(report.condition == .unknown)
    #expect(world.simulation.elapsed >= .seconds(600))
  }

  // MARK: Slow

  /// Greeting, AUTH, MAIL, RCPT, DATA, the end: each so late. The client waits 120 s for the reply to DATA.
  @Test(arguments: [(-1, true), (0, false), (1, false)]) func isSlow(offset: Int, isInTime: Bool) throws {
    let world = SimulatedWorld(latency: .zero ... .zero)
    world.remote.mood = .slow(by: .seconds(120) + .nanoseconds(offset))
    let report = try world.deliver()
    if isInTime {
      #expect(report.condition == .working)
      #expect(world.remote.messages.count == 1)
    } else {
      #expect(report.outcomes.first?.reply.text.contains("took too long at DATA") == true)
      #expect(report.condition == .unknown)
      #expect(world.remote.messages.isEmpty)
    }
    #expect(report.uncertain.isEmpty)
  }

  /// The reply to the end of the content comes too late: the message was kept, and we cannot know.
  @Test(arguments: [(-1, true), (0, false), (1, false)]) func isTooSlowAtTheEnd(offset: Int, isInTime: Bool) throws {
    let world = SimulatedWorld(latency: .zero ... .zero)
    world.remote.mood = .slow(by: .seconds(60) + .nanoseconds(offset))
    let report = try world.deliver(by: world.transport { $0.endOfContentTimeout = .seconds(60) })
    #expect(report.uncertain == (isInTime ? [] : [0]))
    try world.simulation.run(for: .seconds(1))
    #expect(world.remote.messages.count == 1)
    if case .delivered = report.outcomes.first { #expect(isInTime) } else { #expect(!isInTime) }
  }

  // MARK: Greylisting

  @Test(arguments: [(-1, false), (0, true), (1, true)]) func greylists(offset: Int, isTaken: Bool) throws {
    let world = SimulatedWorld(latency: .zero ... .zero)
    world.remote.mood = .greylisting(for: .seconds(300))
    let first = try world.deliver()
    #expect(first.outcomes.first?.reply.text.contains("4.7.1") == true)
    #expect(first.condition == .working)
    try world.simulation.run(for: .seconds(300) + .nanoseconds(offset))
    // Another recipient is new to it.
    let second = try world.deliver(to: ["a@remote.example", "b@remote.example"])
    #expect(second.outcomes.map(\.reply.code) == [isTaken ? 250 : 451, 451])
    #expect(world.remote.messages.count == (isTaken ? 1 : 0))
  }

  // MARK: Losses

  @Test(arguments: [true, false]) func losesItsReplies(silently: Bool) throws {
    let world = SimulatedWorld()
    world.remote.mood = .losingReplies(silently: silently)
    let report = try world.deliver()
    guard case .deferred(let reply) = report.outcomes.first else {
      Issue.record("\(report)")
      return
    }
    #expect(reply.code == nil)
    #expect(reply.text.contains("whether it took the message is unknown"))
    #expect(report.uncertain == [0])
    #expect(report.condition == .unknown)
    #expect(world.remote.messages.count == 1)
    #expect((world.simulation.elapsed >= .seconds(600)) == silently)
  }

  @Test(arguments: [true, false]) func losesTheContent(silently: Bool) throws {
    let world = SimulatedWorld()
    world.remote.mood = .losingContent(silently: silently)
    let content = Array(repeating: Array("0123456789\r\n".utf8), count: 20_000).flatMap { $0 }
    let report = try world.deliver(content: content)
    guard case .deferred = report.outcomes.first else {
      Issue.record("\(report)")
      return
    }
    #expect(world.remote.messages.isEmpty)
    #expect(report.condition == .unknown)
    // Once.
    #expect(world.simulation.trace.count { $0.contains("is reset") || $0.contains("falls silent") } == 1)
  }
}
