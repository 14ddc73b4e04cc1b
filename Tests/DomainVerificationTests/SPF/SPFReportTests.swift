import DomainVerification
import MailDNS
import MailModel
import SMTPTesting
import Testing

@Suite struct SPFReportTests {
  /// The findings of each kind: codes in order, and the verdict.
  @Test(arguments: [
    ("v=spf1 ip4:192.0.2.1 -all", [], VerificationReport.Verdict.passed),
    ("v=spf1 -all", [Finding.Code.notAuthorized], .failed), ("v=spf1 ~all", [.notAuthorized], .failed),
    ("v=spf1 ?all", [.noStatement], .failed), ("v=spf1", [.noStatement], .failed),
    ("v=spf1 +all", [.authorizesEverybody], .passed),
    ("v=spf1 include:open.example.com -all", [.authorizesEverybody], .passed),
    ("v=spf1 ip4:192.0.0.0/15 -all", [.wideNetwork], .passed), ("v=spf1 ip4:192.0.0.0/16 -all", [], .passed),
    ("v=spf1 ip6:2001::/31 -all", [.notAuthorized, .wideNetwork], .failed),
    ("v=spf1 ip6:2001::/32 -all", [.notAuthorized], .failed),
    ("v=spf1 a:h.example.com/15 -all", [.wideNetwork], .passed), ("v=spf1 a:h.example.com/16 -all", [], .passed),
    ("v=spf1 ip4:192.0.2.1 mx//31 -all", [.wideNetwork], .passed),
    ("v=spf1 -ip4:192.0.0.0/8", [.notAuthorized], .failed),
    ("v=spf1 ip4:192.0.2.1 ptr -all", [.pointerMechanism], .passed),
    ("v=spf1 ip4:192.0.2.1 -all ip4:192.0.2.2 +all ptr", [.unreachableTerm], .passed),
    ("v=spf1 redirect=open.example.com -all", [.notAuthorized, .redirectIgnored], .failed),
    ("no record", [.noRecord], .failed), ("v=spf1 moo", [.syntax], .failed),
    (
      "v=spf1 a:h.example.com a:h.example.com a:h.example.com a:h.example.com a:h.example.com a:h.example.com a:h.example.com a:h.example.com a:h.example.com a:h.example.com -a:h.example.com",
      [], .passed
    ),
    ("v=spf1 include:a.n.example.com", [.nameNotFound], .failed),
    ("v=spf1 include:h.example.com", [.noRecord], .failed),
    ("v=spf1 a:n1.example.com a:n2.example.com a:n3.example.com", [.tooManyVoidLookups], .failed),
    ("v=spf1 mx:many.example.com", [.tooManyHosts], .failed), ("v=spf1 include:example.com", [.loop], .failed),
    ("v=spf1 a:broken.example.com", [.dnsFailure], .undecided),
    (
      "v=spf1 a:o.example.com a:o.example.com a:o.example.com a:o.example.com a:o.example.com a:o.example.com a:o.example.com a:o.example.com a:o.example.com a:o.example.com a:o.example.com",
      [.tooManyLookups], .failed
    ),
  ])
  func findings(_ record: String, _ codes: [Finding.Code], _ verdict: VerificationReport.Verdict) async throws {
    let dns = try ScriptedDNS(
      zone: """
        h.example.com. A 192.0.2.1
        o.example.com. A 198.51.100.9
        open.example.com. TXT "v=spf1 all"
        """ + (0..<11).map { "\nmany.example.com. MX \($0) h.example.com." }.joined())
    dns.set(try #require(DNSName("example.com")), texts: record)
    dns.set(try question("broken.example.com", .a), .temporaryFailure("SERVFAIL"))
    let report = await SPFEvaluator(resolver: dns).evaluate(
      try SPFCase("user@example.com", "192.0.2.1", .none).request()
    ).report
    #expect(report.findings.map(\.code) == codes)
    #expect(report.verdict == verdict)
    #expect(report.subject == "SPF of example.com for 192.0.2.1")
    #expect(report.evidence.count >= 1)
    for finding in report.findings {
      #expect(finding.message.hasSuffix(".") || finding.message.hasSuffix(")"))
      #expect(finding.nextStep.hasSuffix("."))
    }
  }

  @Test func noDomain() async throws {
    let evaluation = try await evaluateSPF("", "user@localhost")
    #expect(evaluation.report.findings.map(\.code) == [.invalidDomain])
  }

  @Test func twoRecordsAndNone() async throws {
    let two = try await evaluateSPF("example.com. TXT \"v=spf1 a\"\nexample.com. TXT \"v=spf1 mx\"")
    #expect(two.report.findings.map(\.code) == [.severalRecords])
    #expect(try await evaluateSPF("", "user@n.example").report.findings.map(\.code) == [.nameNotFound])
  }

  @Test func theSentencesNameThePlace() async throws {
    let fail = try await evaluateSPF(record: "v=spf1 ip4:192.0.2.9 -all").report
    #expect(
      fail.findings.first?.message
        == "192.0.2.1 is not authorised: fail by -all at column 22 of the record of example.com.")
    #expect(fail.nextStep.hasPrefix("Add ip4:192.0.2.1 to the record"))
    let broken = try await evaluateSPF(record: "v=spf1 moo").report
    #expect(broken.findings.first?.message.contains("column 8: there is no mechanism \"moo\"") == true)
  }

  /// A record of 64 KiB has 16,000 terms to warn of: of each kind the first is told, in time that grows with the record alone.
  @Test(arguments: [
    ("ptr ", [Finding.Code.pointerMechanism]), ("ip4:1.0.0.0/8 ", [.wideNetwork]),
    ("all ", [.authorizesEverybody, .unreachableTerm]),
    ("ptr ip4:1.0.0.0/8 all mx//8 ", [.pointerMechanism, .wideNetwork, .authorizesEverybody, .unreachableTerm]),
  ])
  func warningsAreBounded(_ terms: String, _ codes: [Finding.Code]) async throws {
    let many = String(repeating: terms, count: 65_000 / terms.utf8.count)
    let report = try await evaluateSPF(record: "v=spf1 ip4:192.0.2.1 \(many)").report
    #expect(report.verdict == .passed)
    #expect(report.findings.map(\.code) == codes)
    #expect(report.findings.first?.message.contains("at column 22") == true)
  }

  /// A term can be as long as a record, a sentence not.
  @Test(arguments: ["-exists:", "ptr:"])
  func sentencesAreBounded(_ term: String) async throws {
    let many = String(repeating: "%{o}.", count: 13_000)
    for report in [
      try await evaluateSPF(record: "v=spf1 \(term)\(many)%{d}", "*.example.com. A 127.0.0.2").report,
      try await evaluateSPF(record: "v=spf1 \(term)\(many)%").report,
    ] {
      let message = try #require(report.findings.last?.message)
      #expect(message.contains("…") || message.contains("column"))
      #expect(message.utf8.count < 500)
    }
  }

  /// The record of somebody else cannot be mended, only left.
  @Test(arguments: [
    ("v=spf1 moo", "Mend the record at that column."),
    ("v=spf1 include:broken.example.com", "Where it is not yours, tell its owner"),
    ("v=spf1 redirect=two.example.com", "Where it is not yours, tell its owner"),
    ("v=spf1 include:words.example.com", "Correct the name, or take the term out"),
    ("v=spf1 include:gone.example.com", "Correct the name, or take the term out."),
    ("words", "Publish a TXT record there that begins with v=spf1"),
  ])
  func nextSteps(_ record: String, _ step: String) async throws {
    let evaluation = try await evaluateSPF(
      record: record,
      """
      broken.example.com. TXT "v=spf1 moo"
      two.example.com. TXT "v=spf1 a"
      two.example.com. TXT "v=spf1 mx"
      words.example.com. TXT "words"
      """)
    #expect(evaluation.report.nextStep.contains(step), "\(evaluation.report.nextStep)")
  }

  /// What was meant to be a record is shown, since its owner believes that there is one.
  @Test(arguments: [
    ("v=spf1; a -all", true), ("\"v=spf1 -all\"", true), (" v=spf1 -all", true), ("v=spf 1 -all", true),
    ("v=spf1a -all", true), ("spf1 -all", true), ("v = spf1 -all", true), ("\u{201C}v=spf1 -all\u{201D}", true),
    ("v=DMARC1; p=none", false), ("words of spf", false), ("", false),
  ])
  func almostARecord(_ text: String, isShown: Bool) async throws {
    let evaluation = try await evaluateSPF(record: text)
    #expect(evaluation.result == .none)
    #expect(evaluation.problem?.kind == .noRecord)
    let message = try #require(evaluation.report.findings.first?.message)
    #expect(message.contains("does not begin with v=spf1 and a blank") == isShown, "\(message)")
    #expect(message.utf8.allSatisfy { (0x20...0x7E).contains($0) })
  }

  @Test func aProblemSaysWhereItIs() async throws {
    let inner = try await evaluateSPF(record: "v=spf1 include:gone.example.com").problem
    #expect(
      inner?.description == "example.com, column 8: The include leads nowhere: gone.example.com does not exist.")
    #expect(try await evaluateSPF("", "user@gone.example").problem?.description == "gone.example does not exist.")
  }

  // MARK: Whoever sends

  /// What is no mail domain has no record that could be right.
  @Test(arguments: [".", "localhost", "a\\.b.example"])
  func analysisOfNoDomain(_ name: String) async throws {
    let dns = try ScriptedDNS(zone: "localhost. TXT \"v=spf1 -all\"\na.b.example. TXT \"v=spf1 -all\"")
    let analysis = await SPFEvaluator(resolver: dns).analyze(try #require(DNSName(name)))
    #expect(analysis.problem?.kind == .invalidDomain)
    #expect(analysis.report.verdict == .failed)
    #expect(dns.questions.isEmpty)
  }

  @Test(arguments: [
    ("v=spf1 -all", 0, nil), ("v=spf1 a mx ptr exists:%{i}.example.com ip4:192.0.2.1 -all", 4, nil),
    ("v=spf1 a:%{p}.example.net exists:%{p1r}.example.net -all", 3, nil),
    ("v=spf1 ptr a:%{p}.example.net -all", 2, nil),
    ("v=spf1 ptr:%{l}.example.net a:%{p}.example.net -all", 3, nil),
    ("v=spf1 a a a a a a a a a exists:%{p}.example.net -all", 11, .tooManyLookups),
    ("v=spf1 a -all mx mx", 1, nil), ("v=spf1 include:one.example.com a redirect=one.example.com", 9, nil),
    ("v=spf1 include:one.example.com a redirect=%{d}", 6, nil),
    ("v=spf1 include:one.example.com -all redirect=one.example.com", 4, nil),
    ("v=spf1 include:one.example.com include:one.example.com a a -all", 10, nil),
    ("v=spf1 include:one.example.com include:one.example.com a a a -all", 11, SPFProblem.Kind.tooManyLookups),
    ("v=spf1 include:example.com", 1, .loop), ("v=spf1 include:none.example.com", 1, .nameNotFound),
    ("v=spf1 moo", 0, .syntax), ("v=spf1 include:a..com", 1, .invalidDomain),
    ("v=spf1 a:%{p} mx:%{p} -all", 3, nil), ("v=spf1 ptr exists:%{p}.example.com -all", 2, nil),
    ("v=spf1 a mx ptr:%{p} exists:%{P}.example.com a a a a a -all", 10, nil),
    ("v=spf1 exists:%{p}.example.com a a a a a a a a a -all", 11, .tooManyLookups),
  ])
  func analysis(_ record: String, lookups: Int, _ kind: SPFProblem.Kind?) async throws {
    let dns = try ScriptedDNS(
      zone: "example.com. TXT \"\(record)\"\none.example.com. TXT \"v=spf1 a mx a:%{i}.example.com ?all\"")
    let analysis = await SPFEvaluator(resolver: dns).analyze(try #require(DNSName("example.com")))
    #expect(analysis.lookupCount == lookups)
    #expect(analysis.problem?.kind == kind)
    #expect(analysis.isComplete == !record.contains("redirect=%{d}"))
    #expect((analysis.report.verdict == .passed) == (kind == nil))
    #expect(dns.questions.allSatisfy { $0.type == .txt })
  }

  /// A tree of records has more leaves than are asked for.
  @Test func analysisOfATree() async throws {
    let dns = try ScriptedDNS(
      zone: "*.example.com. TXT \"v=spf1 \((0..<9).map { "include:n\($0).%{d} " }.joined())-all\"\n"
        + (0..<120).map { number in
          "t\(number).example.org. TXT \"v=spf1 include:t\(number * 2 + 1).example.org include:t\(number * 2 + 2).example.org -all\"\n"
        }.joined() + (120..<260).map { "t\($0).example.org. TXT \"v=spf1 -all\"\n" }.joined())
    let analysis = await SPFEvaluator(resolver: dns).analyze(try #require(DNSName("t0.example.org")))
    #expect(analysis.lookups.count == 111)
    #expect(!analysis.isComplete)
    #expect(analysis.problem?.kind == .tooManyLookups)
  }
}
