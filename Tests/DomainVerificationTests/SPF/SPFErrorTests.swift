import DomainVerification
import MailDNS
import MailModel
import SMTPTesting
import Testing

@Suite struct SPFErrorTests {
  /// RFC 7208 §5.2 and §6.1: what becomes of a result behind `include` and behind `redirect`.
  @Test(arguments: [
    ("v=spf1 +all", SPFResult.pass, SPFResult.pass), ("v=spf1 -all", .softfail, .fail),
    ("v=spf1 ~all", .softfail, .softfail), ("v=spf1 ?all", .softfail, .neutral), ("v=spf1", .softfail, .neutral),
    ("v=spf1 moo", .permerror, .permerror), ("no record", .permerror, .permerror),
    ("v=spf1 a:broken.example.com", .temperror, .temperror),
  ])
  func includeAndRedirect(_ record: String, included: SPFResult, redirected: SPFResult) async throws {
    let dns = try ScriptedDNS(
      zone: """
        i.example.com. TXT "v=spf1 include:target.example.com ~all"
        r.example.com. TXT "v=spf1 redirect=target.example.com"
        target.example.com. TXT "\(record)"
        """)
    dns.set(try question("broken.example.com", .a), .temporaryFailure("SERVFAIL"))
    let evaluator = SPFEvaluator(resolver: dns)
    let include = await evaluator.evaluate(try SPFCase("user@i.example.com", "192.0.2.1", .none).request())
    #expect(include.result == included)
    let redirect = await evaluator.evaluate(try SPFCase("user@r.example.com", "192.0.2.1", .none).request())
    #expect(redirect.result == redirected)
  }

  /// What an answer makes of each term that asks for it (RFC 7208 §5).
  @Test(
    arguments: [
      "a:t.example.com", "mx:t.example.com", "mx:m.example.com", "exists:t.example.com", "include:t.example.com",
      "ptr", "exists:%{p}.p.example.com",
    ],
    [DNSAnswer.Outcome.temporaryFailure("SERVFAIL"), .malformed("an alias in a circle"), .noSuchName, .noRecords])
  func outcomes(_ term: String, _ outcome: DNSAnswer.Outcome) async throws {
    let dns = try ScriptedDNS(
      zone: """
        example.com. TXT "v=spf1 \(term) ~all"
        m.example.com. MX 10 t.example.com.
        1.2.0.192.in-addr.arpa. PTR t.example.com.
        unknown.p.example.com. A 127.0.0.2
        """)
    for type in [DNSRecordType.a, .mx, .txt] { dns.set(try question("t.example.com", type), outcome) }
    let evaluation = await SPFEvaluator(resolver: dns).evaluate(
      try SPFCase("user@example.com", "192.0.2.1", .none).request())
    let isError = outcome != .noSuchName && outcome != .noRecords
    switch term {
    case "ptr": #expect(evaluation.result == .softfail)
    case "exists:%{p}.p.example.com": #expect(evaluation.result == .pass)
    case "include:t.example.com": #expect(evaluation.result == (isError ? .temperror : .permerror))
    default: #expect(evaluation.result == (isError ? .temperror : .softfail))
    }
    if evaluation.result == .temperror { #expect(evaluation.problem?.kind == .dnsFailure) }
  }

  @Test(arguments: [
    (DNSAnswer.Outcome.temporaryFailure("SERVFAIL"), SPFResult.temperror, SPFProblem.Kind?.some(.dnsFailure)),
    (.malformed("cut short"), .temperror, .dnsFailure), (.noSuchName, .none, .nameNotFound),
    (.noRecords, .none, .noRecord), (.records([.text(DNSText("v=spf2.0/pra -all"))]), .none, .noRecord),
    (.records([.text(DNSText("v=spf1 -all")), .text(DNSText("V=SPF1 -all"))]), .permerror, .severalRecords),
    (.records([.text(DNSText("v=spf1 -all")), .text(DNSText("\u{96}"))]), .fail, nil),
    (.records([.text(DNSText("v=spf1 a:b -all"))]), .permerror, .syntax),
    (.records([.text(DNSText(strings: []))]), .none, .noRecord),
    (.records([.text(DNSText(strings: [[]]))]), .none, .noRecord),
    (.records([.alias(.root)]), .none, .noRecord),
  ])
  func recordOfTheDomain(_ outcome: DNSAnswer.Outcome, _ result: SPFResult, _ kind: SPFProblem.Kind?) async throws {
    let dns = ScriptedDNS()
    dns.set(try question("example.com", .txt), outcome)
    let evaluation = await SPFEvaluator(resolver: dns).evaluate(
      try SPFCase("user@example.com", "192.0.2.1", .none).request())
    #expect(evaluation.result == result)
    #expect(evaluation.problem?.kind == kind)
    #expect(evaluation.voidLookupCount == 0)
  }

  /// RFC 7208 §4.3: no question is asked for what is no domain.
  @Test(arguments: [
    "user@localhost", "user@a..example.com", "user@.example.com", "user@[192.0.2.1]", "user@", "user@com.",
    "user@\(String(repeating: "a", count: 64)).example.com",
    "user@" + Array(repeating: String(repeating: "a", count: 63), count: 4).joined(separator: "."),
  ])
  func malformedDomains(_ sender: String) async throws {
    let dns = ScriptedDNS()
    let evaluation = await SPFEvaluator(resolver: dns).evaluate(try SPFCase(sender, "192.0.2.1", .none).request())
    #expect(evaluation.result == .none)
    #expect(evaluation.problem?.kind == .invalidDomain)
    #expect(evaluation.domain == nil)
    #expect(dns.questions.isEmpty)
  }

  /// A label of 63 octets is one, and so is a name of 253.
  @Test(arguments: [
    String(repeating: "a", count: 63) + ".example.com",
    Array(repeating: String(repeating: "a", count: 63), count: 3).joined(separator: ".") + "."
      + String(repeating: "b", count: 61),
    "EXAMPLE.com.", "_spf.example.com", "bücher.example",
  ])
  func unusualDomains(_ domain: String) async throws {
    let dns = ScriptedDNS()
    let name = try #require(DomainName(domain).map { DNSName($0) } ?? DNSName(domain))
    dns.set(name, texts: "v=spf1 -all")
    let evaluation = await SPFEvaluator(resolver: dns).evaluate(
      try SPFCase("user@\(domain)", "192.0.2.1", .none).request())
    #expect(evaluation.result == .fail)
    #expect(evaluation.domain == name)
  }

  /// A target that macros made malformed matches nothing; behind `include` and `redirect` there is no record then.
  @Test(arguments: [
    ("a:%{h}.example.com -all", SPFResult.fail), ("mx:%{h}.example.com -all", .fail),
    ("ptr:%{h}.example.com -all", .fail),
    ("exists:%{h}.example.com -all", .fail), ("include:%{h}.example.com -all", .permerror),
    ("redirect=%{h}.example.com", .permerror),
  ])
  func malformedTargets(_ terms: String, _ result: SPFResult) async throws {
    let evaluation = try await evaluateSPF("example.com. TXT \"v=spf1 \(terms)\"", helo: "a..b")
    #expect(evaluation.result == result)
    if result == .permerror { #expect(evaluation.problem?.kind == .invalidDomain) }
    #expect(evaluation.lookups.count == (terms.hasPrefix("ptr") ? 1 : 1))
  }

  /// RFC 7208 §4.3 goes for `include` and `redirect` too: a top-level domain authorises nobody.
  @Test(arguments: ["v=spf1 include:%{d1} -all", "v=spf1 redirect=%{d1}"])
  func aSingleLabelHasNoRecord(_ record: String) async throws {
    let evaluation = try await evaluateSPF("example.com. TXT \"\(record)\"\ncom. TXT \"v=spf1 +all\"")
    #expect(evaluation.result == .permerror)
    #expect(evaluation.problem?.kind == .invalidDomain)
    #expect(evaluation.lookups.count == 1)
  }

  /// A sender as it stands in MAIL FROM, or in a log without its brackets.
  @Test(arguments: [
    ("<user@example.com>", "user@example.com", SPFRequest.Identity.mailFrom),
    ("<>", "postmaster@mail.example.net", .helo), ("", "postmaster@mail.example.net", .helo),
    ("<example.com>", "postmaster@example.com", .mailFrom), ("@example.com", "postmaster@example.com", .mailFrom),
    ("<", "postmaster@<", .mailFrom), (">", "postmaster@>", .mailFrom),
  ])
  func senderInBrackets(_ text: String, _ sender: String, _ identity: SPFRequest.Identity) throws {
    let request = try SPFCase(text, "192.0.2.1", .none).request()
    #expect(request.sender == sender)
    #expect(request.identity == identity)
  }

  /// RFC 8616 §4: no name can be made of a local part beyond US-ASCII.
  @Test(arguments: [
    ("exists:%{l}.u.example.com -all", SPFResult.fail), ("include:%{s}.u.example.com -all", .fail),
    ("exists:%{o}.u.example.com -all", .pass),
  ])
  func internationalizedSenders(_ terms: String, _ result: SPFResult) async throws {
    let zone = """
      xn--bcher-kva.example. TXT "v=spf1 \(terms)"
      xn--bcher-kva.example.u.example.com. A 127.0.0.2
      """
    #expect(try await evaluateSPF(zone, "jürgen@bücher.example").result == result)
  }

  /// A problem says where it is.
  @Test func theTermThatIsWrongIsNamed() async throws {
    let evaluation = try await evaluateSPF(
      """
      example.com. TXT "v=spf1 a:b.example.com include:one.example.com -all"
      b.example.com. A 192.0.2.9
      one.example.com. TXT "v=spf1 include:none.example.com -all"
      """)
    #expect(evaluation.result == .permerror)
    #expect(evaluation.problem?.kind == .nameNotFound)
    #expect(evaluation.problem?.domain == DNSName("one.example.com"))
    #expect(evaluation.problem?.column == 8)
    #expect(evaluation.problem?.record == "v=spf1 include:none.example.com -all")
  }

  @Test func theTermThatDecidedIsNamed() async throws {
    let evaluation = try await evaluateSPF(
      """
      example.com. TXT "v=spf1 a:b.example.com redirect=_spf.example.com"
      b.example.com. A 192.0.2.9
      _spf.example.com. TXT "v=spf1 ~include:one.example.com -all"
      one.example.com. TXT "v=spf1 -ip4:192.0.2.9 ip4:192.0.2.0/24"
      """)
    #expect(evaluation.result == .softfail)
    #expect(evaluation.matches.map(\.text) == ["~include:one.example.com", "ip4:192.0.2.0/24"])
    #expect(evaluation.matches.map(\.column) == [8, 23])
    #expect(evaluation.matches.map(\.domain.description) == ["_spf.example.com", "one.example.com"])
    #expect(evaluation.records.map(\.domain.description) == ["example.com", "_spf.example.com", "one.example.com"])
    #expect(evaluation.lookupCount == 3)
    #expect(
      evaluation.lookups.map(\.question.description) == [
        "example.com TXT", "b.example.com A", "_spf.example.com TXT", "one.example.com TXT",
      ])
    #expect(evaluation.problem == nil)
  }

  /// Nothing is asked for a record that breaks the grammar anywhere (RFC 7208 §4.6).
  @Test func syntaxErrorsCostNoLookup() async throws {
    let evaluation = try await evaluateSPF(record: "v=spf1 a mx include:b.example.com +all moo")
    #expect(evaluation.result == .permerror)
    #expect(evaluation.lookups.count == 1)
    #expect(evaluation.problem?.column == 40)
  }
}
