import DomainVerification
import MailDNS
import MailModel
import SMTPTesting
import Testing

@Suite struct SPFLimitTests {
  private static let host = "h.example.com. A 192.0.2.9\n"

  /// Ten terms that ask, and no more, whichever they are (RFC 7208 §4.6.4).
  @Test(
    arguments: [
      (9, SPFResult.pass), (10, .pass), (11, .permerror),
    ], ["a:h.example.com", "mx:m.example.com", "exists:e.example.com", "ptr:x.example.com", "include:i.example.com"])
  func lookups(_ count: (Int, SPFResult), term: String) async throws {
    let evaluation = try await evaluateSPF(
      record: "v=spf1 \(String(repeating: "\(term) ", count: count.0 - 1))include:last.example.com -all",
      """
      last.example.com. TXT "v=spf1 ip4:192.0.2.1 -all"
      i.example.com. TXT "v=spf1 -all"
      e.example.com. AAAA 2001:db8::9
      m.example.com. MX 10 h.example.com.
      h.example.com. A 192.0.2.9
      1.2.0.192.in-addr.arpa. PTR h.example.com.
      """, limits: SPFLimits(voidLookups: 20))
    #expect(evaluation.result == count.1)
    #expect(evaluation.lookupCount == min(count.0, 10))
    #expect(evaluation.problem?.kind == (count.1 == .permerror ? .tooManyLookups : nil))
  }

  /// Terms count where they are evaluated, in every record together, `redirect` too.
  @Test(arguments: [(4, SPFResult.pass), (5, .permerror)])
  func lookupsInSeveralRecords(count: Int, _ result: SPFResult) async throws {
    let terms = String(repeating: "a:h.example.com ", count: count)
    let evaluation = try await evaluateSPF(
      """
      example.com. TXT "v=spf1 \(terms)include:i.example.com redirect=r.example.com"
      i.example.com. TXT "v=spf1 \(terms)-all"
      r.example.com. TXT "v=spf1 ip4:192.0.2.1 a a a a a a a a a a a -all"
      \(Self.host)
      """)
    #expect(evaluation.result == result)
  }

  @Test func termsThatAreNotEvaluatedDoNotCount() async throws {
    let rest = String(repeating: "a ", count: 20)
    #expect(try await evaluateSPF(record: "v=spf1 ip4:192.0.2.1 \(rest)-all").lookupCount == 0)
    #expect(try await evaluateSPF(record: "v=spf1 ~all \(rest)").result == .softfail)
  }

  /// The PTR question of `%{p}` is one of the ten, once.
  @Test(arguments: [(4, SPFResult.neutral), (9, .neutral), (10, .permerror)])
  func macroP(count: Int, _ result: SPFResult) async throws {
    let terms = String(repeating: "exists:%{p}.p.example.com ", count: count)
    let evaluation = try await evaluateSPF(
      record: "v=spf1 \(terms)", "unknown.p.example.com. AAAA 2001:db8::1", limits: SPFLimits(voidLookups: 20))
    #expect(evaluation.result == result)
    #expect(evaluation.lookupCount == min(count + 1, 10))
  }

  /// Two questions that find nothing, and no more.
  @Test(arguments: [
    ("a:n.example.com ?all", 1, SPFResult.neutral), ("a:n.example.com exists:n.example.org ?all", 2, .neutral),
    ("a:n.example.com exists:n.example.org mx:n.example.net ?all", 3, .permerror),
    ("mx:two.example.com ?all", 2, .neutral), ("mx:three.example.com ?all", 3, .permerror),
    ("ptr a:n.example.com ?all", 2, .neutral), ("ptr a:n.example.com a:n.example.net ?all", 3, .permerror),
    // What an explanation asks for does not count.
    ("a:n.example.com a:n.example.net -all exp=n.example.org", 2, .fail),
  ])
  func voidLookups(_ terms: String, count: Int, _ result: SPFResult) async throws {
    let evaluation = try await evaluateSPF(
      record: "v=spf1 \(terms)",
      """
      two.example.com. MX 1 n1.example.com.
      two.example.com. MX 2 n2.example.com.
      three.example.com. MX 1 n1.example.com.
      three.example.com. MX 2 n2.example.com.
      three.example.com. MX 3 n3.example.com.
      """)
    #expect(evaluation.result == result)
    #expect(evaluation.voidLookupCount == count)
    #expect(evaluation.problem?.kind == (result == .permerror ? .tooManyVoidLookups : nil))
  }

  /// Ten MX are asked for; more are a `permerror`, though the first would match.
  @Test(arguments: [(9, SPFResult.pass), (10, .pass), (11, .permerror)])
  func mailExchangers(count: Int, _ result: SPFResult) async throws {
    let hosts = (1...count).map { "example.com. MX \($0) h\($0).example.com.\nh\($0).example.com. A 192.0.2.\($0)\n" }
    let evaluation = try await evaluateSPF(record: "v=spf1 mx -all", hosts.joined(), from: "192.0.2.\(min(count, 10))")
    #expect(evaluation.result == result)
    #expect(evaluation.lookups.count == (result == .pass ? 2 + count : 2))
    #expect(evaluation.problem?.kind == (result == .permerror ? .tooManyHosts : nil))
  }

  /// Ten names of the client are looked at; the others are ignored.
  @Test(arguments: [(9, SPFResult.pass), (10, .pass), (11, .fail)])
  func pointers(count: Int, _ result: SPFResult) async throws {
    let names = (1...count).map { number in
      let name = number == count ? "last.example.com." : "n\(number).example.net."
      return "1.2.0.192.in-addr.arpa. PTR \(name)\n\(name) A 192.0.2.\(number == count ? 1 : 9)\n"
    }
    let evaluation = try await evaluateSPF(record: "v=spf1 ptr -all", names.joined())
    #expect(evaluation.result == result)
    #expect(evaluation.lookups.count == 2 + min(count, 10))
  }

  /// The root as mail exchanger says that there is no mail (RFC 7505): it is no host.
  @Test func nullMX() async throws {
    let evaluation = try await evaluateSPF(record: "v=spf1 mx ?all", "example.com. MX 0 .")
    #expect(evaluation.result == .neutral)
    #expect(evaluation.lookups.count == 2)
  }

  // MARK: Out of bounds

  /// No limit traps, however small or large: what is below 0 is 0.
  @Test(arguments: [Int.min, -2, -1, 0, 1001, Int.max]) func lawfulLimits(_ limit: Int) async throws {
    var limits = SPFLimits()
    (limits.lookups, limits.voidLookups, limits.hosts, limits.explanationSize) = (limit, limit, limit, limit)
    let lawful = limit > 0 ? 1000 : 0
    #expect([limits.lookups, limits.voidLookups, limits.hosts] == [lawful, lawful, lawful])
    let zone =
      "m.example.com. MX 1 h.example.com.\nh.example.com. A 192.0.2.9\n1.2.0.192.in-addr.arpa. PTR h.example.com."
    for record in [
      "ptr mx:m.example.com", "mx:m.example.com", "a:n.example.com", "exists:%{p}.example.com", "include:m.example.com",
    ] {
      let record = "v=spf1 \(record) -all exp=why.example.com"
      #expect(try await evaluateSPF(record: record, zone, limits: limits).result != .temperror)
      var some = limits
      some.lookups = 10
      #expect(try await evaluateSPF(record: record, zone, limits: some).result != .temperror)
    }
  }

  @Test func noTimeAtAll() async throws {
    var limits = SPFLimits()
    limits.duration = .seconds(-1)
    let dns = ScriptedDNS()
    dns.holdAll()
    let evaluator = SPFEvaluator(resolver: dns, limits: limits)
    #expect(
      await evaluator.evaluate(try SPFCase("user@example.com", "192.0.2.1", .none).request()).result == .temperror)
  }

  // MARK: 111

  private static func worst(mx: Int, hosts: Int, terms: String) -> String {
    var zone = "example.com. TXT \"v=spf1 \((0..<mx).map { "mx:m\($0).example.com " }.joined())\(terms)\"\n"
    for number in 0..<mx {
      for host in 0..<hosts { zone += "m\(number).example.com. MX \(host) h\(host).example.com.\n" }
    }
    for host in 0..<10 {
      zone += "h\(host).example.com. A 192.0.2.9\n"
      zone += "1.2.0.192.in-addr.arpa. PTR n\(host).example.net.\nn\(host).example.net. A 192.0.2.9\n"
    }
    return zone + """
      plain.example.com. TXT "words"
      named.example.com. TXT "words for %{p}"
      unknown.p.example.com. AAAA 2001:db8::1
      """
  }

  /// The most that lawful records can ask for: an explanation gets what is left.
  @Test(arguments: [
    (10, 10, "-all exp=plain.example.com", 111, nil), (10, 10, "-all exp=named.example.com", 111, nil),
    (10, 9, "-all exp=plain.example.com", 102, "words"),
    (10, 9, "-all exp=named.example.com", 111, "words for unknown"),
    (9, 10, "-all exp=named.example.com", 111, "words for unknown"),
    (9, 10, "ptr -all exp=named.example.com", 111, nil),
    (9, 9, "ptr -all exp=named.example.com", 103, "words for unknown"),
    (8, 10, "exists:%{p}.p.example.com -all exp=named.example.com", 102, "words for unknown"),
    (8, 10, "exists:%{p}.p.example.com -all exp=%{p}.example.com", 102, nil),
  ])
  func worstRecords(mx: Int, hosts: Int, terms: String, questions: Int, explanation: String?) async throws {
    let evaluation = try await evaluateSPF(
      Self.worst(mx: mx, hosts: hosts, terms: terms), limits: SPFLimits(voidLookups: 20))
    #expect(evaluation.result == .fail)
    #expect(evaluation.lookups.count == questions)
    #expect(evaluation.explanation == explanation)
  }
}

extension SPFLimits {
  init(voidLookups: Int) {
    self.init()
    self.voidLookups = voidLookups
  }
}
