import DomainVerification
import MailDNS
import MailModel
import SMTPTesting
import Testing

@Suite struct SPFDeadlineTests {
  private let zone = """
    example.com. TXT "v=spf1 a ptr exists:%{p}.example.com -all exp=why.example.com"
    example.com. A 192.0.2.9
    unknown.example.com. AAAA 2001:db8::1
    why.example.com. TXT "words"
    """

  private func request() throws -> SPFRequest { try SPFCase("user@example.com", "192.0.2.1", .none).request() }

  /// A resolver that does not answer: at 20 seconds it is a `temperror`, just before it is not.
  @Test(arguments: ["example.com TXT", "example.com A", "1.2.0.192.in-addr.arpa PTR", "unknown.example.com A"])
  func slowAnswers(_ text: String) async throws {
    let parts = text.split(separator: " ")
    let type = try #require(DNSRecordType.allCases.first { $0.description == parts[1] })
    let held = try question(String(parts[0]), type)
    for isLate in [false, true] {
      let dns = try ScriptedDNS(zone: zone)
      dns.hold(held)
      let clock = StandingClock()
      let request = try request()
      async let evaluation = SPFEvaluator(resolver: dns, clock: clock).evaluate(request)
      await clock.sleeper()
      await dns.asked(held)
      clock.advance(by: .seconds(20) - .nanoseconds(1))
      if isLate { clock.advance(by: .nanoseconds(1)) } else { dns.release(held) }
      #expect(await evaluation.result == (isLate ? .temperror : .fail))
      #expect(await evaluation.problem?.kind == (isLate ? .timeout : nil))
      #expect(await evaluation.explanation == (isLate ? nil : "words"))
    }
  }

  /// Only the words for it are late: the result stands.
  @Test func slowExplanation() async throws {
    let dns = try ScriptedDNS(zone: zone)
    let held = try question("why.example.com", .txt)
    dns.hold(held)
    let clock = StandingClock()
    let request = try request()
    async let evaluation = SPFEvaluator(resolver: dns, clock: clock).evaluate(request)
    await clock.sleeper()
    await dns.asked(held)
    clock.advance(by: .seconds(20))
    #expect(await evaluation.result == .fail)
    #expect(await evaluation.explanation == nil)
  }

  @Test func cancellation() async throws {
    let dns = try ScriptedDNS(zone: zone)
    dns.holdAll()
    let request = try request()
    let task = Task { await SPFEvaluator(resolver: dns, clock: StandingClock()).evaluate(request) }
    await dns.asked(try question("example.com", .txt))
    task.cancel()
    #expect(await task.value.result == .temperror)
    #expect(await task.value.problem?.kind == .timeout)
    #expect(await task.value.problem?.message.contains("was cancelled") == true)
    #expect(dns.questions.count == 1)
  }

  /// What does not wait needs no timer.
  @Test func noTimerWhereNothingWaits() async throws {
    guard #available(macOS 26, *) else { return }
    let clock = StandingClock()
    let evaluator = SPFEvaluator(resolver: try ScriptedDNS(zone: zone), clock: clock)
    #expect(await evaluator.evaluate(try request()).result == .fail)
    #expect(clock.sleepCount == 0)
  }
}
