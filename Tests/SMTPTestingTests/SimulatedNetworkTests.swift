import MailModel
import SMTPTesting
import Synchronization
import Testing

@Suite struct SimulatedNetworkTests {
  /// A network where `server` echoes, and says goodbye when its client does.
  private static func echo(
    seed: UInt64 = 1, latency: ClosedRange<Duration> = .milliseconds(1) ... .milliseconds(50)
  ) -> SimulatedNetwork {
    let network = SimulatedNetwork(Simulation(seed: seed), latency: latency)
    _ = network.listen(host: "server", port: 7) { endpoint in
      network.simulation.start("echo") {
        while true {
          switch try await endpoint.receive() {
          case .octets(let octets): endpoint.send(octets)
          case .handshake: endpoint.sendHandshake()
          default: return endpoint.close()
          }
        }
      }
    }
    return network
  }

  private static func read(_ count: Int, from endpoint: SimulatedEndpoint) async throws -> [UInt8] {
    var octets: [UInt8] = []
    while octets.count < count {
      guard case .octets(let more) = try await endpoint.receive() else { return octets }
      octets += more
    }
    return octets
  }

  @Test(arguments: 0..<50) func octetsArriveInOrder(seed: Int) throws {
    let network = Self.echo(seed: UInt64(seed))
    let sent = (0..<2000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    let received = try network.simulation.perform {
      let endpoint = try await network.connect(from: "client", to: "server", port: 7)
      for start in stride(from: 0, to: sent.count, by: 100) { endpoint.send(Array(sent[start..<start + 100])) }
      return try await Self.read(sent.count, from: endpoint)
    }
    #expect(received == sent)
  }

  @Test func chanceCutsWhatIsSent() throws {
    var pieces: Set<Int> = []
    for seed in 0..<40 {
      let network = Self.echo(seed: UInt64(seed))
      let count = try network.simulation.perform {
        let endpoint = try await network.connect(from: "client", to: "server", port: 7)
        endpoint.send(Array(repeating: 1, count: 100))
        var (count, rest) = (0, 100)
        while rest > 0, case .octets(let octets) = try await endpoint.receive() {
          rest -= octets.count
          count += 1
        }
        return count
      }
      pieces.insert(count)
    }
    #expect(pieces.contains(1))
    #expect(pieces.count > 2)
  }

  @Test func everythingTakesItsTime() throws {
    let network = Self.echo(latency: .milliseconds(10) ... .milliseconds(10))
    let times = try network.simulation.perform {
      let endpoint = try await network.connect(from: "client", to: "server", port: 7)
      let connected = network.simulation.elapsed
      endpoint.sendHandshake()
      let arrival = try await endpoint.receive()
      #expect(arrival == .handshake)
      return (connected, network.simulation.elapsed)
    }
    #expect(times == (.milliseconds(20), .milliseconds(40)))
    network.delay("client", "server", by: .seconds(5) ... .seconds(5))
    let later = try network.simulation.perform {
      _ = try await network.connect(from: "client", to: "server", port: 7)
      return network.simulation.elapsed
    }
    #expect(later == .milliseconds(40) + .seconds(10))
  }

  @Test func theEndArrivesBehindTheOctets() throws {
    let network = Self.echo()
    let arrivals = try network.simulation.perform {
      let endpoint = try await network.connect(from: "client", to: "server", port: 7)
      endpoint.send([1])
      endpoint.finish()
      endpoint.send([2])
      return [try await endpoint.receive(), try await endpoint.receive()]
    }
    #expect(arrivals == [.octets([1]), .end])
  }

  @Test func nobodyListens() throws {
    let network = Self.echo()
    let error = #expect(throws: SimulatedNetworkError.self) {
      try network.simulation.perform { _ = try await network.connect(from: "client", to: "server", port: 8) }
    }
    #expect(error?.code == .refused)
  }

  @Test func whoCrashesResetsAndListensNoMore() throws {
    let network = Self.echo()
    let error = #expect(throws: SimulatedNetworkError.self) {
      try network.simulation.perform {
        let endpoint = try await network.connect(from: "client", to: "server", port: 7)
        network.crash("server")
        let arrival = try await endpoint.receive()
        #expect(arrival == .reset)
        _ = try await network.connect(from: "client", to: "server", port: 7)
      }
    }
    #expect(error?.code == .refused)
  }

  @Test(arguments: [nil, "server", "client"]) func aSplitHoldsWhatIsSent(isolated: String?) throws {
    let network = Self.echo(latency: .milliseconds(10) ... .milliseconds(10))
    let arrived = try network.simulation.perform {
      let endpoint = try await network.connect(from: "client", to: "server", port: 7)
      let other = isolated == nil ? "server" : nil
      network.split(isolated ?? "client", from: other)
      endpoint.send([1, 2, 3])
      network.simulation.schedule(after: .seconds(3600)) { network.heal(isolated ?? "client", from: other) }
      let octets = try await Self.read(3, from: endpoint)
      #expect(octets == [1, 2, 3])
      return network.simulation.elapsed
    }
    #expect(arrived == .seconds(3600) + .milliseconds(40))
  }

  @Test func octetsStayInOrderOverASplit() throws {
    for seed in 0..<50 {
      let network = Self.echo(seed: UInt64(seed), latency: .milliseconds(1) ... .seconds(2))
      for second in [1, 3, 5] {
        network.simulation.schedule(after: .seconds(second)) { network.split("client", from: "server") }
        network.simulation.schedule(after: .seconds(second) + .milliseconds(900)) { network.healAll() }
      }
      let sent = (0..<100).map(UInt8.init)
      let received = try network.simulation.perform {
        let endpoint = try await network.connect(from: "client", to: "server", port: 7)
        for octet in sent {
          endpoint.send([octet])
          try await network.simulation.sleep(for: .milliseconds(50))
        }
        return try await Self.read(sent.count, from: endpoint)
      }
      #expect(received == sent)
    }
  }

  /// Tries at 0, 1, 3, 7 s.
  @Test(arguments: [(2, 3), (3, 7)]) func aConnectionStandsAfterASplit(healed: Int, stands: Int) throws {
    let network = Self.echo(latency: .zero ... .zero)
    network.split("server")
    network.simulation.schedule(after: .seconds(healed)) { network.heal("server") }
    let elapsed = try network.simulation.perform {
      _ = try await network.connect(from: "client", to: "server", port: 7)
      return network.simulation.elapsed
    }
    #expect(elapsed <= .seconds(stands))
    #expect(elapsed > .seconds(healed - 1))
  }

  @Test func aConnectionTimesOut() throws {
    let network = Self.echo()
    network.split("server")
    let error = #expect(throws: SimulatedNetworkError.self) {
      try network.simulation.perform {
        _ = try await network.connect(from: "client", to: "server", port: 7, timeout: .seconds(30))
      }
    }
    #expect(error?.code == .timeout)
    #expect(network.simulation.elapsed == .seconds(30))
  }

  @Test func cancellationEndsAnAttemptToConnect() throws {
    let network = Self.echo()
    network.split("server")
    let task = network.simulation.start("client") {
      _ = try await network.connect(from: "client", to: "server", port: 7)
    }
    try network.simulation.run(for: .seconds(2))
    task.cancel()
    try network.simulation.run(for: .zero)
    #expect(task.error is CancellationError)
  }

  @Test func silenceSwallowsEverything() throws {
    let network = Self.echo()
    let simulation = network.simulation
    let task = simulation.start("client") {
      let endpoint = try await network.connect(from: "client", to: "server", port: 7)
      network.silence("server", from: "client")
      endpoint.send([1])
      _ = try await endpoint.receive()
    }
    try simulation.run(for: .seconds(86_400))
    #expect(!task.isFinished)
    // New connections are not concerned.
    let octets = try simulation.perform {
      let endpoint = try await network.connect(from: "client", to: "server", port: 7)
      endpoint.send([1])
      return try await Self.read(1, from: endpoint)
    }
    #expect(octets == [1])
    try simulation.end()
  }

  @Test func faultsComeByChance() throws {
    /// How long it takes until the echo is there, if it comes.
    func times(_ change: (inout SimulatedFaults) -> Void) throws -> [Duration?] {
      try (0..<40).map { seed in
        let network = Self.echo(seed: UInt64(seed))
        let simulation = network.simulation
        change(&network.faults)
        let elapsed = Mutex(Duration?.none)
        simulation.start("client") {
          let endpoint = try await network.connect(from: "client", to: "server", port: 7)
          endpoint.send([1])
          let octets = try await Self.read(1, from: endpoint)
          if !octets.isEmpty { elapsed.withLock { $0 = simulation.elapsed } }
        }
        try simulation.run(for: .seconds(120))
        try simulation.end()
        return elapsed.withLock { $0 }
      }
    }
    #expect(try times { _ in }.allSatisfy { $0.map { $0 < .seconds(1) } ?? false })
    let late = try times { $0.delay = 0.5 }.map { $0.map { $0 >= .seconds(1) } }
    #expect(Set(late) == [false, true])
    for times in [try times { $0.reset = 0.2 }, try times { $0.silence = 0.2 }] {
      #expect(times.contains(nil))
      #expect(times.contains { $0 != nil })
    }
  }

  @Test func hostsHaveAddresses() {
    let network = SimulatedNetwork(Simulation(seed: 1))
    #expect(network.address(of: "a").description == "10.0.0.1")
    #expect(network.address(of: "b").description == "10.0.0.2")
    #expect(network.address(of: "a").description == "10.0.0.1")
  }
}
