/// What a ``Scenario`` has found: something that must never be. It can be seen again with the same seed.
public struct ScenarioFailure: Error, Sendable, CustomStringConvertible {
  /// The scenario's seed.
  public let seed: UInt64
  /// What must never be.
  public let problem: String
  /// ``Simulation/trace`` until then.
  public let trace: [String]

  init(seed: UInt64, problem: String, trace: [String]) {
    (self.seed, self.problem, self.trace) = (seed, problem, trace)
  }

  /// Lines of the trace that a description has.
  static let linesDescribed = 60

  /// What must never be, how to see it again, and the last lines of the trace.
  public var description: String {
    let lines = trace.suffix(Self.linesDescribed).map { "\n  \($0)" }.joined()
    return """
      seed \(seed): \(problem)
      Again, with the same `adjust`: try Scenario(seed: \(seed)).run()
      Before that:\(lines)
      """
  }
}
