import DomainVerification
import MailDNS
import MailModel
import SMTPTesting
import Testing

@Suite struct DMARCReportTests {
  @Test(
    arguments: [
      (record: "v=DMARC1; p=reject", dkim: "example.com", codes: [], verdict: "passed"),
      (record: "v=DMARC1; p=none", dkim: "example.com", codes: ["policy-none"], verdict: "passed"),
      (record: "v=DMARC1; p=reject; sp=none", dkim: "example.com", codes: ["weak-subdomain-policy"], verdict: "passed"),
      (record: "v=DMARC1; p=reject; np=none", dkim: "example.com", codes: ["weak-subdomain-policy"], verdict: "passed"),
      (record: "v=DMARC1; p=none; sp=reject", dkim: "example.com", codes: ["policy-none"], verdict: "passed"),
      (record: "v=DMARC1; p=reject; pct=50", dkim: "example.com", codes: ["policy-in-testing"], verdict: "passed"),
      (record: "v=DMARC1; p=reject; adkim=x", dkim: "example.com", codes: ["syntax"], verdict: "passed"),
      (record: "v=DMARC1; p=reject", dkim: "example.net", codes: ["not-aligned"], verdict: "failed"),
      (record: "v=DMARC1; p=reject", dkim: nil, codes: ["not-aligned"], verdict: "failed"),
      (record: "v=DMARC1; p=refuse", dkim: "example.com", codes: ["syntax", "syntax"], verdict: "failed"),
      (record: "v=dmarc1; p=reject", dkim: "example.com", codes: ["no-record", "syntax"], verdict: "failed"),
      (record: " v=DMARC1; p=reject", dkim: "example.com", codes: ["no-record", "syntax"], verdict: "failed"),
      (record: "v=spf1 -all", dkim: "example.com", codes: ["no-record"], verdict: "failed"),
      (record: "v=DMARC1; p=none", dkim: nil, codes: ["not-aligned", "policy-none"], verdict: "failed"),
    ] as [(record: String, dkim: String?, codes: [String], verdict: String)])
  func findings(example: (record: String, dkim: String?, codes: [String], verdict: String)) async throws {
    let dns = try dmarcDNS([("example.com", example.record)])
    let evaluation = try await evaluateDMARC(dns, from: "example.com", dkim: example.dkim.map { [$0] } ?? [])
    let report = evaluation.report
    #expect(report.findings.map(\.code.description) == example.codes)
    #expect(report.verdict.rawValue == example.verdict)
    #expect(report.evidence == evaluation.lookups && !report.evidence.isEmpty)
    #expect(
      report.findings.allSatisfy { $0.message.hasSuffix(".") && $0.nextStep.hasSuffix(".") && !$0.subject.isEmpty })
    #expect(report.subject == "DMARC of example.com")
  }

  /// What would have been aligned and did not pass is what somebody has to look at.
  @Test(
    arguments: [
      ("fail", "example.com", true), ("permerror", "example.com", true), ("fail", "example.net", false),
      ("none", "example.com", false),
    ])
  func whatFailedAndIsTheAuthors(_ result: String, _ domain: String, isTold: Bool) async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=reject")])
    let identifiers = [
      DMARCIdentifier(.spf, "pass", try #require(DomainName("example.org"))),
      DMARCIdentifier(.dkim, result, try #require(DomainName(domain))),
    ]
    let request = DMARCRequest(from: try #require(DomainName("example.com")), identifiers: identifiers)
    let finding = try #require(await DMARCEvaluator(resolver: dns).evaluate(request).report.findings.first)
    let tail = isTold ? "; DKIM of example.com ended with \(result)." : "."
    #expect(finding.message == "Nothing that passed speaks for example.com: SPF passed for example.org\(tail)")
    #expect((finding.nextStep == "Find out why DKIM of example.com does not pass.") == isTold)
  }

  /// A record is text of somebody else, and of one line.
  @Test func theRecordIsShownOnOneLine() async throws {
    let record = try #require(DMARCRecord("v=DMARC1; p=none; x=y\npass  example.com\u{1b}[2J"))
    #expect(record.description == #"v=DMARC1; p=none; x=y\010pass  example.com\027[2J"#)
  }

  @Test func syntaxHasItsColumn() async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=reject; pct=lots")])
    let report = try await evaluateDMARC(dns, from: "example.com", dkim: ["example.com"]).report
    #expect(report.findings.first?.message.contains("column 25") == true)
  }

  /// Two records at the author's domain, and one above: a message passes by that one, and nothing has failed.
  @Test func severalRecordsBelowOneThatCounts() async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=reject")])
    dns.set(try #require(DNSName("_dmarc.a.example.com")), texts: "v=DMARC1; p=none", "v=DMARC1; p=none", "v=dmarc1")
    let report = try await evaluateDMARC(dns, from: "a.example.com", dkim: ["example.com"]).report
    #expect(report.verdict == .passed && report.findings.map(\.code) == [.severalRecords, .syntax])
    #expect(report.findings.map(\.severity) == [.warning, .warning])
    dns.set(try #require(DNSName("_dmarc.example.com")), texts: "x")
    let none = try await evaluateDMARC(dns, from: "a.example.com", dkim: ["example.com"]).report
    #expect(none.verdict == .failed && none.findings.allSatisfy { $0.severity == .failure })
  }

  @Test func noRecordTellsWhatToPublish() async throws {
    let report = try await evaluateDMARC(ScriptedDNS(), from: "example.com").report
    #expect(report.nextStep.contains("_dmarc.example.com"))
  }

  @Test func aFieldOfTheResult() async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=reject; t=y")])
    let evaluation = try await evaluateDMARC(dns, from: "example.com")
    let results = AuthenticationResults("mx.example.net", results: [.dmarc(evaluation)])
    #expect(
      results.field
        == "Authentication-Results: mx.example.net; dmarc=fail header.from=example.com\r\n\tpolicy.dmarc=quarantine\r\n"
    )
    let none = try await evaluateDMARC(dns, from: "example.org")
    #expect(AuthenticationResults.MethodResult.dmarc(none).properties.count == 1)
  }

  /// From what SPF says to what DMARC says, and both in one field. For a null sender the client's name counts (RFC
  /// 7489 §3.1.2).
  @Test(arguments: [
    ("a@mail.example.com", "smtp.mailfrom=a@mail.example.com"), ("", "smtp.helo=mail.example.com"),
  ])
  func fromSPF(sender: String, property: String) async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=reject")])
    dns.set(try #require(DNSName("mail.example.com")), texts: "v=spf1 ip4:192.0.2.1 -all")
    let client = try #require(IPAddress("192.0.2.1"))
    let spf = await SPFEvaluator(resolver: dns)
      .evaluate(SPFRequest(clientAddress: client, senderText: sender, helo: "mail.example.com"))
    let identifier = try #require(DMARCIdentifier(spf))
    let from = try #require(DomainName("example.com"))
    let dmarc = await DMARCEvaluator(resolver: dns).evaluate(DMARCRequest(from: from, identifiers: [identifier]))
    #expect(dmarc.result == .pass && dmarc.alignedBy == [identifier])
    let field = AuthenticationResults("mx.example.org", results: [.spf(spf), .dmarc(dmarc)]).field
    let words = field.replacing("\r\n\t", with: " ")
    #expect(words.contains("spf=pass \(property);"))
    #expect(words.contains("dmarc=pass header.from=example.com policy.dmarc=reject"))
    let nowhere = SPFRequest(clientAddress: client, senderText: "a@[192.0.2.1]", helo: "mail.example.com")
    #expect(DMARCIdentifier(await SPFEvaluator(resolver: dns).evaluate(nowhere)) == nil)
  }
}
