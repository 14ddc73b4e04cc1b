import DomainVerification
import MailDNS
import MailModel
import SMTPTesting
import Testing

@Suite struct SPFAttackTests {
  /// Records that lead back to themselves end at once, and in what the limit on lookups would make of them.
  @Test(arguments: [
    "v=spf1 include:example.com -all", "v=spf1 redirect=example.com", "v=spf1 include:a.example.com",
    "v=spf1 redirect=a.example.com", "v=spf1 include:%{d} -all", "v=spf1 include:b.example.com",
  ])
  func circles(_ record: String) async throws {
    let evaluation = try await evaluateSPF(
      record: record,
      """
      a.example.com. TXT "v=spf1 redirect=example.com"
      b.example.com. TXT "v=spf1 ip4:192.0.2.9 include:c.example.com"
      c.example.com. TXT "v=spf1 include:B.example.com."
      """)
    #expect(evaluation.result == .permerror)
    #expect(evaluation.problem?.kind == .loop)
    #expect(evaluation.lookups.count <= 3)
  }

  /// The same domain twice is no circle where the first one is done.
  @Test func twiceIsNoCircle() async throws {
    let evaluation = try await evaluateSPF(
      record: "v=spf1 include:a.example.com include:b.example.com redirect=a.example.com",
      """
      a.example.com. TXT "v=spf1 ~all"
      b.example.com. TXT "v=spf1 include:a.example.com -all"
      """)
    #expect(evaluation.result == .softfail)
    #expect(evaluation.lookupCount == 4)
  }

  /// A chain that is a new name each time ends at the limit.
  @Test(arguments: ["include", "redirect"])
  func endlessChains(_ term: String) async throws {
    let separator = term == "include" ? ":" : "="
    let evaluation = try await evaluateSPF(
      "*.example.com. TXT \"v=spf1 \(term)\(separator)a.%{d}\"", "user@a.example.com")
    #expect(evaluation.result == .permerror)
    #expect(evaluation.problem?.kind == .tooManyLookups)
    #expect(evaluation.lookups.count == 11)
  }

  /// Macros that make much of little: the name is cut, and nothing grows.
  @Test(arguments: ["%{s}", "%{S}", "%{sr@.}", "%{ir}.", "%{d}.%{h}.", "%{l}%{l}"])
  func macroBombs(_ macro: String) async throws {
    let macro = macro == "%{sr@.}" ? "%{sr.-}" : macro
    let bomb = String(repeating: macro, count: 60_000 / macro.utf8.count)
    let dns = ScriptedDNS()
    dns.set(try #require(DNSName("example.com")), texts: "v=spf1 exists:\(bomb)%{d} a:\(bomb)%{o} -all")
    let sender = String(repeating: "l.", count: 31) + "l@example.com"
    let evaluation = await SPFEvaluator(resolver: dns).evaluate(
      try SPFCase(sender, "2001:db8::1", helo: String(repeating: "h.", count: 100) + "h", .none).request())
    #expect(evaluation.result == .permerror || evaluation.result == .fail)
    #expect(evaluation.lookups.count <= 3)
    for lookup in evaluation.lookups { #expect(lookup.question.name.description.utf8.count <= 253 * 4) }
  }

  @Test func explanationBomb() async throws {
    let dns = try ScriptedDNS(zone: "example.com. TXT \"v=spf1 -all exp=x.example.com\"")
    dns.set(try #require(DNSName("x.example.com")), texts: String(repeating: "%{S}", count: 16_000))
    let evaluation = await SPFEvaluator(resolver: dns).evaluate(
      try SPFCase("user@example.com", "192.0.2.1", .none).request())
    #expect(evaluation.result == .fail)
    #expect(evaluation.explanation == nil)
  }

  /// A record as large as a TXT record can be, of terms that cost nothing to ask for.
  @Test(arguments: [
    ("ip4:10.0.0.1 ", SPFResult.fail), ("a ", .permerror), ("x=y ", .fail), ("?exists:%{i}.%{d} ", .permerror),
  ])
  func hugeRecords(_ term: String, _ result: SPFResult) async throws {
    let dns = try ScriptedDNS(zone: "example.com. A 192.0.2.9")
    let terms = String(repeating: term, count: 65_000 / term.utf8.count)
    dns.set(try #require(DNSName("example.com")), texts: "v=spf1 \(terms)-all")
    let evaluation = await SPFEvaluator(resolver: dns).evaluate(
      try SPFCase("user@example.com", "192.0.2.1", .none).request())
    #expect(evaluation.result == result)
    #expect(evaluation.lookups.count <= 12)
  }

  @Test(arguments: [(65_535, SPFResult.fail), (65_536, .permerror), (1_000_000, .permerror)])
  func hugeText(count: Int, _ result: SPFResult) async throws {
    let dns = ScriptedDNS()
    let text = "v=spf1 -all x=" + String(repeating: "y", count: count - 14)
    dns.set(try #require(DNSName("example.com")), texts: text)
    let evaluation = await SPFEvaluator(resolver: dns).evaluate(
      try SPFCase("user@example.com", "192.0.2.1", .none).request())
    #expect(evaluation.result == result)
  }

  /// A name of 253 octets below which the record asks for another, so that it is 256 and more.
  @Test(arguments: [("a:a.%{d} -all", SPFResult.fail), ("a:%{d} -all", .fail), ("include:abc.%{d} -all", .permerror)])
  func longNames(_ terms: String, _ result: SPFResult) async throws {
    let name =
      Array(repeating: String(repeating: "a", count: 63), count: 3).joined(separator: ".") + "."
      + String(repeating: "b", count: 61)
    let dns = ScriptedDNS()
    dns.set(try #require(DNSName(name)), texts: "v=spf1 \(terms)")
    let evaluation = await SPFEvaluator(resolver: dns).evaluate(
      try SPFCase("user@\(name)", "192.0.2.1", .none).request())
    #expect(evaluation.result == result)
    for lookup in evaluation.lookups { #expect(lookup.question.name.description.utf8.count <= 253) }
  }

  /// Aliases in a circle are an error of the DNS; behind `ptr` they are passed over.
  @Test(arguments: [
    ("a:c.example.com -all", SPFResult.temperror), ("ptr -all", .fail), ("exists:c.example.com -all", .temperror),
  ])
  func aliasesInACircle(_ terms: String, _ result: SPFResult) async throws {
    let evaluation = try await evaluateSPF(
      record: "v=spf1 \(terms)",
      """
      c.example.com. CNAME d.example.com.
      d.example.com. CNAME c.example.com.
      1.2.0.192.in-addr.arpa. PTR c.example.com.
      """)
    #expect(evaluation.result == result)
  }

  /// A name that nobody resolves, for as many terms as the record has: three questions and no more.
  @Test func voidFlood() async throws {
    let terms = (0..<100).map { "exists:n\($0).example.com " }.joined()
    let evaluation = try await evaluateSPF(record: "v=spf1 \(terms)-all")
    #expect(evaluation.result == .permerror)
    #expect(evaluation.lookups.count == 4)
  }

  /// Records of other types than the one that was asked for are no answer.
  @Test func recordsOfOtherTypes() async throws {
    let dns = try ScriptedDNS(zone: "example.com. TXT \"v=spf1 a mx ptr exists:e.example.com -all\"")
    let odd: [DNSRecord] = [.text(DNSText("192.0.2.1")), .pointer(.root), .alias(.root)]
    for type in [DNSRecordType.a, .mx] { dns.set(try question("example.com", type), .records(odd)) }
    dns.set(try question("1.2.0.192.in-addr.arpa", .ptr), .records([.address(.v4(1)), .text(DNSText("x"))]))
    dns.set(try question("e.example.com", .a), .records(odd))
    let evaluation = await SPFEvaluator(resolver: dns).evaluate(
      try SPFCase("user@example.com", "192.0.2.1", .none).request())
    #expect(evaluation.result == .fail)
  }
}
