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

  // MARK: Whoever sends

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
