import ArgumentParser
import DeliveryQueue
import Foundation

/// Measures what decides whose turn it is, ``ClaimLedger`` with its scheduler, alone: no store, no messages, no clock.
@main struct BenchScheduler: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench-scheduler",
    abstract: "Fills a claim ledger, then claims and settles, and prints what that costs in memory and time.")

  @Option(help: "Recipients in the queue, each of a message of its own.") var recipients = 1_000_000
  @Option(help: "Claims that are measured, as far as there are so many.") var claims = 200_000
  @Option(name: .customLong("case"), help: "One case alone.") var name: Case?
  @Flag(help: .hidden) var rowOnly = false

  func validate() throws {
    // With fewer, not every paused site has any, and `later` moves the time on by more than a lease lasts.
    if recipients < 20_000 { throw ValidationError("--recipients must be 20000 or more") }
    if claims < 1 { throw ValidationError("--claims must be 1 or more") }
  }

  func run() throws {
    if !rowOnly {
      print(
        """
        | case | filled, s | octets a recipient | first claim, s | octets then | claims | a request | ns a claim |
        |---|---|---|---|---|---|---|---|
        """)
      fflush(nil)
    }
    if let name { return try print(measure(name)) }
    for name in Case.allCases { try runAlone(name) }
  }

  /// Measures a case in a process of its own, since memory that one has given back, the next would use again unseen.
  private func runAlone(_ name: Case) throws {
    let counts = ["--recipients", "\(recipients)", "--claims", "\(claims)"]
    let program = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
    let process = try Process.run(program, arguments: counts + ["--case", name.rawValue, "--row-only"])
    process.waitUntilExit()
    if process.terminationStatus != 0 { throw ExitCode(process.terminationStatus) }
  }

  /// A row of the table.
  private func measure(_ name: Case) throws -> String {
    var queue = Queue(name, recipients: recipients)
    let before = residentMemory()
    let clock = ContinuousClock()
    let filling = clock.measure { queue.fill() }
    let filled = residentMemory() - before
    let beginning = try clock.measure { try queue.begin() }
    let begun = residentMemory() - before
    var done = (claims: 0, requests: 0)
    let claiming = try clock.measure { done = try queue.run(min(claims, queue.claimable)) }
    let cells = [
      name.rawValue, rounded(filling / .seconds(1), 100), "\(filled / recipients)",
      rounded(beginning / .seconds(1), 100), "\(begun / recipients)", "\(done.claims)",
      rounded(Double(done.claims) / Double(done.requests), 10), "\(Int(claiming / .nanoseconds(1)) / done.claims)",
    ]
    return "| " + cells.joined(separator: " | ") + " |"
  }

  /// In octets; 0 where there is no `/proc`.
  private func residentMemory() -> Int {
    let pages = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ").dropFirst().first
    return pages.flatMap { Int($0) }.map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) } ?? 0
  }

  private func rounded(_ number: Double, _ parts: Double) -> String { String((number * parts).rounded() / parts) }
}
