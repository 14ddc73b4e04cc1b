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
    #expect(report.findings.allSatisfy { !$0.message.isEmpty && !$0.nextStep.isEmpty && !$0.subject.isEmpty })
    #expect(report.subject == "DMARC of example.com")
  }

  @Test func syntaxHasItsColumn() async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=reject; pct=lots")])
    let report = try await evaluateDMARC(dns, from: "example.com", dkim: ["example.com"]).report
    #expect(report.findings.first?.message.contains("column 25") == true)
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
}
