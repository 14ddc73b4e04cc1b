import MailModel
import SMTPProtocol
import SMTPProtocolTesting
import SMTPTesting
import Testing

/// Servers and clients over the network, against each other and against peers that misbehave.
@Suite struct SimulatedSessionTests {
  /// A server under a policy that records, at `server`.
  private struct World {
    let simulation: Simulation
    let network: SimulatedNetwork
    let policy: RecordingPolicy
    let server: SimulatedServer

    init(
      seed: UInt64 = 1, latency: ClosedRange<Duration> = .milliseconds(1) ... .milliseconds(50),
      script: RecordingPolicy.Script = RecordingPolicy.Script(), change: (inout ServerConfiguration) -> Void = { _ in }
    ) {
      simulation = Simulation(seed: seed)
      network = SimulatedNetwork(simulation, latency: latency)
      policy = RecordingPolicy(script)
      var configuration = ServerConfiguration(hostName: SimulatedWorld.name("server.example"))
      change(&configuration)
      server = network.listen(host: "server", policy: policy, configuration: configuration)
    }

    func client(_ change: (inout ClientConfiguration) -> Void = { _ in }) async throws -> SimulatedClient {
      var configuration = ClientConfiguration(helloName: SimulatedWorld.name("client.example"))
      configuration.credentials = ClientCredentials(username: "username", password: "password")
      change(&configuration)
      return try await network.client(from: "client", to: "server", configuration: configuration)
    }
  }

  @Test(arguments: 0..<40) func mailGetsThrough(seed: Int) throws {
    let world = World(seed: UInt64(seed))
    let content = Array(String(repeating: "A line.\r\n..\r\n", count: seed * 30).utf8)
    let outcomes = try world.simulation.perform {
      let client = try await world.client { $0.usesChunking = seed % 2 == 1 }
      var outcomes = await client.send(SimulatedWorld.envelope, content: content)
      outcomes += await client.send(SimulatedWorld.envelope, content: content)
      await client.quit()
      return outcomes
    }
    #expect(outcomes.count == 2)
    #expect(outcomes.allSatisfy { if case .accepted = $0 { true } else { false } })
    #expect(world.policy.record.messages.map(\.content) == [content, content])
    #expect(world.policy.record.messages.first?.request.identity == "username")
    try world.simulation.runUntilIdle(atMost: .seconds(60))
    #expect(world.server.open == 0)
    #expect(world.server.accepted == 1)
  }

  @Test func contentLargerThanTheWindowGetsThrough() throws {
    let world = World()
    let content = Array(repeating: Array("0123456789\r\n".utf8), count: 50_000).flatMap { $0 }
    try world.simulation.perform {
      let client = try await world.client()
      _ = await client.send(SimulatedWorld.envelope, content: content)
    }
    #expect(world.policy.record.messages.map(\.content) == [content])
  }

  @Test func implicitTLS() throws {
    let world = World { $0.security = .implicitTLS }
    try world.simulation.perform {
      let client = try await world.client { $0.security = .implicit }
      _ = await client.send(SimulatedWorld.envelope, content: SimulatedWorld.content)
    }
    #expect(world.policy.record.messages.first?.request.tls?.version == "TLSv1.3")
  }

  @Test func theServersWordIsHeard() throws {
    var script = RecordingPolicy.Script()
    script.passwords = [:]
    let world = World(script: script)
    let error = #expect(throws: SimulatedNetworkError.self) {
      try world.simulation.perform { _ = try await world.client() }
    }
    #expect(error?.code == .sessionFailed)
    #expect(error?.failure?.stage == .authentication)
  }

  @Test(arguments: 0..<20, [false, true]) func nobodySlipsOctetsInFrontOfTLS(seed: Int, isApart: Bool) throws {
    let world = World(seed: UInt64(seed))
    let (heard, last) = try world.simulation.perform {
      let endpoint = try await world.network.connect(from: "client", to: "server", port: 587)
      var (heard, hasAsked) = ("", false)
      while true {
        let arrival = try await endpoint.receive()
        guard case .octets(let octets) = arrival else { return (heard, arrival) }
        heard += String(decoding: octets, as: UTF8.self)
        guard !hasAsked, heard.hasSuffix("\r\n") else { continue }
        // Greeted.
        let (request, slip) = ("EHLO a\r\nSTARTTLS\r\n", "EHLO b\r\n")
        for part in isApart ? [request, slip] : [request + slip] { endpoint.send(Array(part.utf8)) }
        endpoint.sendHandshake()
        hasAsked = true
      }
    }
    #expect(heard.split(separator: "\r\n").count { $0.hasPrefix("250 ") } == 1, "one EHLO is answered: \(heard)")
    print("LAST", last, heard, world.simulation.elapsed)
    #expect(last == .end || last == .reset)
    #expect(world.simulation.elapsed < .seconds(5))
  }

  // MARK: Deadlines

  /// The server waits 60 s for a command before AUTH.
  @Test(arguments: [(-1, false), (0, true), (1, true)]) func aSilentClientIsSentAway(offset: Int, isTold: Bool) throws {
    let world = World(latency: .zero ... .zero)
    let simulation = world.simulation
    let task = simulation.start("client") {
      let endpoint = try await world.network.connect(from: "client", to: "server", port: 587)
      var heard = ""
      while case .octets(let octets) = try await endpoint.receive() { heard += String(decoding: octets, as: UTF8.self) }
      if heard.contains("421") { simulation.note("told") }
    }
    try simulation.run(for: .seconds(60) + .nanoseconds(offset))
    #expect(task.isFinished == isTold)
    #expect(simulation.trace.contains { $0.hasSuffix("told") } == isTold)
    try simulation.end()
  }

  /// The handshake may take 30 s.
  @Test(arguments: [(-1, true), (0, false), (1, false)]) func theHandshakeHasADeadline(offset: Int, isIn: Bool) throws {
    let world = World(latency: .zero ... .zero) { $0.security = .implicitTLS }
    let heard = try world.simulation.perform {
      let endpoint = try await world.network.connect(from: "client", to: "server", port: 587)
      try await world.simulation.sleep(for: .seconds(30) + .nanoseconds(offset))
      endpoint.sendHandshake()
      return try await endpoint.receive()
    }
    #expect(heard == (isIn ? .handshake : .end))
  }

  /// The client waits 300 s for the greeting.
  @Test(arguments: [(-1, true), (0, false), (1, false)]) func aClientHasPatience(offset: Int, isHeard: Bool) throws {
    let simulation = Simulation(seed: 1)
    let network = SimulatedNetwork(simulation, latency: .zero ... .zero)
    _ = network.listen(host: "server", port: 587) { endpoint in
      simulation.schedule(after: .seconds(300) + .nanoseconds(offset)) { endpoint.send(Array("554 No\r\n".utf8)) }
    }
    let error = #expect(throws: SimulatedNetworkError.self) {
      try simulation.perform {
        let configuration = ClientConfiguration(helloName: SimulatedWorld.name("client.example"))
        _ = try await network.client(from: "client", to: "server", configuration: configuration)
      }
    }
    #expect((error?.failure?.reason == .timeout) == !isHeard)
    #expect(error?.failure?.stage == .greeting)
  }

  // MARK: Ends

  @Test func aShutdownSaysGoodbye() throws {
    let world = World()
    let outcomes = try world.simulation.perform {
      let client = try await world.client()
      world.server.shutDown()
      return await client.send(SimulatedWorld.envelope, content: SimulatedWorld.content)
    }
    guard case .refused(let reply, at: .sender) = outcomes.first else {
      Issue.record("\(outcomes)")
      return
    }
    #expect(reply.code == 421)
    let error = #expect(throws: SimulatedNetworkError.self) {
      try world.simulation.perform { _ = try await world.client() }
    }
    #expect(error?.code == .refused)
  }

  @Test func aCrashResets() throws {
    let world = World()
    let outcomes = try world.simulation.perform {
      let client = try await world.client()
      world.server.crash()
      return await client.send(SimulatedWorld.envelope, content: SimulatedWorld.content)
    }
    guard case .interrupted(let failure) = outcomes.first, case .connectionLost = failure.reason else {
      Issue.record("\(outcomes)")
      return
    }
    #expect(world.policy.record.messages.isEmpty)
    #expect(world.server.open == 0)
  }

  /// A client that goes amid the content leaves no message, and no open sink.
  @Test(arguments: [true, false]) func aClientVanishesAmidTheContent(silently: Bool) throws {
    let world = World()
    let content = Array(repeating: Array("0123456789\r\n".utf8), count: 20_000).flatMap { $0 }
    try world.simulation.perform {
      let client = try await world.client()
      world.simulation.start("fault") {
        while world.policy.record.open == 0 { try await world.simulation.sleep(for: .milliseconds(1)) }
        if silently { await client.fallSilent() } else { await client.vanish() }
      }
      let outcomes = await client.send(SimulatedWorld.envelope, content: content)
      guard case .interrupted = outcomes.first else {
        Issue.record("\(outcomes)")
        return
      }
    }
    try world.simulation.runUntilIdle(atMost: .seconds(3600))
    #expect(world.policy.record.messages.isEmpty)
    #expect(world.policy.record.open == 0)
    #expect(world.policy.record.aborted == 1)
    #expect(world.server.open == 0)
  }

  @Test func cancellationEndsASession() throws {
    let world = World()
    let simulation = world.simulation
    let task = simulation.start("client") {
      let client = try await world.client()
      world.network.split("server")
      _ = await client.send(SimulatedWorld.envelope, content: SimulatedWorld.content)
      if case .abandoned = await client.failure?.reason { simulation.note("abandoned") }
    }
    try simulation.run(for: .seconds(10))
    task.cancel()
    try simulation.run(for: .zero)
    #expect(simulation.trace.contains { $0.hasSuffix("abandoned") })
  }
}

// MARK: - A policy that takes its time

extension SimulatedSessionTests {
  /// What a client hears that sends so much to a server whose policy pauses.
  private static func send(
    _ octets: Int, pausing change: (inout PausingPolicy) -> Void, limits: (inout ClientLimits) -> Void = { _ in }
  ) throws -> (outcome: ClientOutcome?, simulation: Simulation) {
    let simulation = Simulation(seed: 1)
    let network = SimulatedNetwork(simulation, latency: .zero ... .zero)
    var policy = PausingPolicy(simulation: simulation)
    change(&policy)
    _ = network.listen(
      host: "server", policy: policy, configuration: ServerConfiguration(hostName: SimulatedWorld.remote))
    var configuration = SimulatedNetwork.remoteClient(helloName: SimulatedWorld.name("client.example"))
    limits(&configuration.limits)
    let outcomes = try simulation.perform { [configuration] in
      let client = try await network.client(from: "client", to: "server", configuration: configuration)
      let line = Array("0123456789\r\n".utf8)
      return await client.send(
        SimulatedWorld.envelope, content: Array(repeating: line, count: octets / line.count).flatMap { $0 })
    }
    return (outcomes.first, simulation)
  }

  /// It may take 300 s for an answer.
  @Test(arguments: [(-1, true), (1, false)]) func aPolicyHasADeadline(offset: Int, isInTime: Bool) throws {
    let (outcome, simulation) = try Self.send(100) {
      $0.sender = .seconds(300) + .nanoseconds(offset)
    } limits: {
      $0.senderTimeout = .seconds(400)
    }
    switch outcome {
    case .accepted: #expect(isInTime)
    case .refused(let reply, at: .sender): #expect(!isInTime && reply.code == 421)
    default: Issue.record("\(String(describing: outcome))")
    }
    try simulation.run(for: .seconds(10))
    #expect(simulation.trace.contains { $0.hasSuffix("the question was cancelled") } == !isInTime)
  }

  @Test func aClientThatGoesCancelsWhatIsAsked() throws {
    let (outcome, simulation) = try Self.send(100) {
      $0.sender = .seconds(200)
    } limits: {
      $0.senderTimeout = .seconds(100)
    }
    guard case .interrupted(let failure) = outcome, failure.reason == .timeout else {
      Issue.record("\(String(describing: outcome))")
      return
    }
    try simulation.run(for: .zero)
    #expect(simulation.trace.contains("t+100.000 the question was cancelled"))
  }

  /// A sink that is full holds the client back: what fits into the window goes out at once, the rest waits.
  @Test func aFullSinkHoldsTheClientBack() throws {
    let (outcome, simulation) = try Self.send(1_200_000) { $0.room = .seconds(1) }
    guard case .accepted = outcome else {
      Issue.record("\(String(describing: outcome))")
      return
    }
    #expect(simulation.elapsed > .seconds(10))
  }

  /// The client waits 180 s for a block to be taken.
  @Test(arguments: [(179, true), (181, false)]) func aClientDoesNotWaitForEverForRoom(seconds: Int, isTaken: Bool)
    throws
  {
    let (outcome, simulation) = try Self.send(120_000) {
      $0.room = .seconds(seconds)
    } limits: {
      $0.endOfContentTimeout = .seconds(86_400)
    }
    try simulation.runUntilIdle(atMost: .seconds(86_400))
    switch outcome {
    case .accepted: #expect(isTaken)
    case .interrupted(let failure):
      #expect(!isTaken && failure.reason == .timeout)
      #expect(simulation.trace.contains { $0.hasSuffix("the message was aborted") })
    default: Issue.record("\(String(describing: outcome))")
    }
  }
}
