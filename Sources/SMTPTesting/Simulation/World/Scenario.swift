public import DeliveryQueue

/// A random world, from a seed: tenants, remote hosts whose moods change, a network, a store and a process that fail, a
/// calendar that steps, an operator. Some days of turmoil, then calm; at the end every accepted message has come to its end,
/// and nothing happened on the way that must never be:
///
/// - What was accepted is in one final state for each recipient, and delivered at least once where it says so; more than once
///   only where a reply was lost or the process died. What was refused is not delivered. What arrives are the octets sent.
/// - No recipient is under two claims, attempted before it is due, or attempted once its state is final.
/// - The limits hold: deliveries in all, for each tenant and at each site; no attempt at a paused site; room for others.
/// - Attempts come when the schedule has them; in calm weather, as soon as they are due.
/// - Each tenant's mail to a host that works arrives soon, whatever other hosts do, and has its turn there, however much
///   another tenant sends.
/// - Whoever sends has an answer.
/// - In the end the queue is empty.
///
/// ```swift
/// for seed in 0..<1000 as Range<UInt64> { try Scenario(seed: seed).run() }
/// ```
public struct Scenario: Sendable {
  /// What was seen in a world.
  public struct Summary: Hashable, Sendable {
    /// Messages that customers sent.
    public var letters = 0
    /// Recipients of those that were queued, by their final states.
    public var recipients: [RecipientState: Int] = [:]
    /// Attempts of delivery.
    public var attempts = 0
    /// Messages that remote hosts took.
    public var copies = 0
    /// Times that the process died or was stopped.
    public var deaths = 0
    /// Virtual time.
    public var elapsed = Duration.zero
    /// ``Simulation/fingerprint``: the same in each run of a seed.
    public var fingerprint: UInt64 = 0
    /// ``Simulation/trace``.
    public var trace: [String] = []
  }

  /// From which all else follows.
  public let seed: UInt64
  /// Changes how the platform behaves from what the seed has it: a host's own limits, rules or schedule.
  public var adjust: @Sendable (inout SimulatedPlatform.Configuration) -> Void = { _ in }

  /// The world of that seed.
  public init(seed: UInt64) { self.seed = seed }

  /// Runs the world to its end.
  ///
  /// - Throws: ``ScenarioFailure``, whatever went wrong.
  @discardableResult
  public func run() throws(ScenarioFailure) -> Summary { try run(makeWorld()) }

  func makeWorld() throws(ScenarioFailure) -> ScenarioWorld {
    do {
      return try ScenarioWorld(ScenarioPlan(seed: seed), seed: seed, adjust: adjust)
    } catch {
      throw ScenarioFailure(seed: seed, problem: "the world cannot be made: \(String(reflecting: error))", trace: [])
    }
  }

  func run(_ world: ScenarioWorld) throws(ScenarioFailure) -> Summary {
    do {
      try world.turmoil()
      try world.calm()
      try world.heal()
      try world.finish()
      let summary = world.summary
      try world.simulation.end()
      return summary
    } catch {
      let failure = ScenarioFailure(seed: seed, problem: world.problem(error), trace: world.simulation.trace)
      try? world.simulation.end()
      throw failure
    }
  }
}
