import DomainVerification
import MailDNS
import MailModel
import SMTPTesting
import Synchronization
import Testing

/// One question to an evaluator, and what it must say.
struct SPFCase: Sendable, CustomTestStringConvertible {
  var sender: String
  var address: String
  var helo = "mail.example.net"
  var result: SPFResult
  var explanation: String?

  init(
    _ sender: String, _ address: String, helo: String = "mail.example.net", _ result: SPFResult,
    explanation: String? = nil
  ) {
    (self.sender, self.address, self.helo) = (sender, address, helo)
    (self.result, self.explanation) = (result, explanation)
  }

  var testDescription: String { "\(sender) from \(address): \(result)" }

  func request() throws -> SPFRequest {
    SPFRequest(clientAddress: try #require(IPAddress(address)), senderText: sender, helo: helo)
  }
}

/// A zone, and what is asked of it. Its text is understood by ScriptedDNS and, as a zone of the root, by a real name server.
struct SPFScenario: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var zone: String
  var cases: [SPFCase]

  init(_ title: String, zone: String, _ cases: [SPFCase]) {
    (testDescription, self.zone, self.cases) = (title, zone, cases)
  }

  /// Asks everything of this scenario.
  func check(_ resolver: some DNSResolver) async throws {
    let evaluator = SPFEvaluator(resolver: resolver, receiver: DomainName("mx.receiver.example"))
    for one in cases {
      let evaluation = await evaluator.evaluate(try one.request(), at: Timestamp(milliseconds: 1_234_567_890))
      #expect(evaluation.result == one.result, "\(one.testDescription): \(evaluation.problem.map { "\($0)" } ?? "")")
      #expect(evaluation.explanation == one.explanation, "\(one.testDescription)")
      #expect(evaluation.lookups.count <= 111)
    }
  }
}

/// What an evaluator says of a client at `address` in a zone.
func evaluateSPF(
  _ zone: String, _ sender: String = "user@example.com", from address: String = "192.0.2.1",
  helo: String = "mail.example.net", limits: SPFLimits = .init()
) async throws -> SPFEvaluation {
  let evaluator = SPFEvaluator(resolver: try ScriptedDNS(zone: zone), limits: limits)
  return await evaluator.evaluate(try SPFCase(sender, address, helo: helo, .none).request())
}

/// What an evaluator says of a client at `address` with a record of `example.com`.
func evaluateSPF(
  record: String, _ zone: String = "", from address: String = "192.0.2.1", limits: SPFLimits = .init()
) async throws -> SPFEvaluation {
  let dns = try ScriptedDNS(zone: zone)
  dns.set(try #require(DNSName("example.com")), texts: record)
  return await SPFEvaluator(resolver: dns, limits: limits).evaluate(
    try SPFCase("user@example.com", address, .none).request())
}

/// A question of the DNS.
func question(_ name: String, _ type: DNSRecordType) throws -> DNSQuestion {
  DNSQuestion(try #require(DNSName(name)), type)
}

/// A clock that stands still until a test moves it.
final class StandingClock: Clock {
  private struct State: Sendable {
    var now = MonotonicInstant(nanoseconds: 0)
    var sleepers: [(until: MonotonicInstant, gate: AsyncStream<Void>.Continuation)] = []
    var sleepCount = 0
  }
  private let state = Mutex(State())
  private let (sleeps, slept) = AsyncStream<Void>.makeStream()

  var now: MonotonicInstant { state.withLock { $0.now } }
  var minimumResolution: Duration { .nanoseconds(1) }
  /// How often somebody began to sleep.
  var sleepCount: Int { state.withLock { $0.sleepCount } }

  func sleep(until deadline: MonotonicInstant, tolerance: Duration?) async throws {
    let (stream, gate) = AsyncStream<Void>.makeStream()
    state.withLock { state in
      state.sleepCount += 1
      if deadline <= state.now { gate.finish() } else { state.sleepers.append((deadline, gate)) }
    }
    slept.yield()
    for await _ in stream {}
    try Task.checkCancellation()
  }

  /// Returns when somebody began to sleep. Once for each.
  func sleeper() async {
    for await _ in sleeps { return }
  }

  func advance(by duration: Duration) {
    let woken = state.withLock { state in
      state.now = state.now.advanced(by: duration)
      let now = state.now
      defer { state.sleepers.removeAll { $0.until <= now } }
      return state.sleepers.filter { $0.until <= now }
    }
    for sleeper in woken { sleeper.gate.finish() }
  }
}
