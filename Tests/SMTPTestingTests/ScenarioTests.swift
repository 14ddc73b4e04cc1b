import SMTPTesting
import Testing

@Suite struct ScenarioTests {
  @Test func one() throws {
    let summary = try Scenario(seed: 1).run()
    for line in summary.trace { print(line) }
    print(summary.letters, summary.recipients, summary.attempts, summary.copies, summary.deaths, summary.elapsed)
  }
}
