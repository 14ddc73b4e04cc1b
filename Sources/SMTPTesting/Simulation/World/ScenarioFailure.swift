/// What a ``Scenario`` has found: something that must never be. It can be seen again with the same seed.
public struct ScenarioFailure: Error, Sendable, CustomStringConvertible {
  /// The scenario's seed.
  public let seed: UInt64
  /// What must never be.
  public let problem: String
  /// The last lines of the trace before it, at most 60.
  public let lastLines: [String]

  init(seed: UInt64, problem: String, trace: [String]) {
    (self.seed, self.problem) = (seed, problem)
    lastLines = trace.suffix(60)
  }

  /// All of it, and how to see it again.
  public var description: String {
    let lines = lastLines.map { "  \($0)" }.joined(separator: "\n")
    return "seed \(seed): \(problem)\nAgain: try Scenario(seed: \(seed)).run()\nBefore that:\n\(lines)"
  }
}
