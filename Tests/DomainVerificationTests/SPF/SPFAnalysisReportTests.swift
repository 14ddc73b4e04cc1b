import DomainVerification
import MailDNS
import SMTPTesting
import Testing

/// What somebody is told of a record, whoever sends.
@Suite struct SPFAnalysisReportTests {
  private func report(_ record: String, limits: SPFLimits = .init()) async throws -> VerificationReport {
    let dns = try ScriptedDNS(
      zone: """
        none.example.com. TXT "v=spf1 -all"
        open.example.com. TXT "v=spf1 ip4:192.0.2.1"
        on.example.com. TXT "v=spf1 redirect=none.example.com"
        behind.example.com. TXT "v=spf1 -all mx"
        """)
    let domain = try #require(DNSName("example.com"))
    dns.set(domain, texts: record)
    return await SPFEvaluator(resolver: dns, limits: limits).analyze(domain).report
  }

  @Test(arguments: [
    ("v=spf1 ip4:192.0.2.1 -all", []), ("v=spf1 include:none.example.com ~all", []),
    // Nobody passes.
    ("v=spf1 -all", [Finding.Code.authorizesNobody]), ("v=spf1 ~all", [.authorizesNobody]),
    ("v=spf1 ?all", [.authorizesNobody]), ("v=spf1 -ip4:192.0.2.1 ~a -all", [.authorizesNobody]),
    ("v=spf1 redirect=none.example.com", [.authorizesNobody]), ("v=spf1 redirect=on.example.com", [.authorizesNobody]),
    ("v=spf1 mx redirect=none.example.com", []), ("v=spf1 +all", [.authorizesEverybody]),
    // There is no end.
    ("v=spf1 a", [.noDefault]), ("v=spf1", [.authorizesNobody, .noDefault]),
    ("v=spf1 include:open.example.com", [.noDefault]), ("v=spf1 include:open.example.com -all", []),
    ("v=spf1 redirect=open.example.com", [.noDefault]), ("v=spf1 ?a redirect=%{d}", []),
    // What is never looked at.
    ("v=spf1 -all ip4:192.0.2.1", [.authorizesNobody, .unreachableTerm]), ("v=spf1 a -all exp=w.example.com", []),
    ("v=spf1 a -all -all", [.unreachableTerm]), ("v=spf1 a -all +all ptr", [.unreachableTerm]),
    ("v=spf1 include:behind.example.com -all", [.unreachableTerm]),
    ("v=spf1 a redirect=none.example.com -all", [.redirectIgnored]),
    ("v=spf1 a -all mx redirect=none.example.com", [.unreachableTerm, .redirectIgnored]),
  ])
  func warnings(_ record: String, _ codes: [Finding.Code]) async throws {
    let report = try await report(record)
    #expect(report.findings.map(\.code) == codes)
    #expect(report.verdict == .passed)
    for finding in report.findings {
      #expect(finding.severity == .warning)
      #expect(finding.message.hasSuffix(".") || finding.message.hasSuffix(")."))
      #expect(finding.nextStep.hasSuffix("."))
    }
  }

  @Test func thePlaceIsNamed() async throws {
    let findings = try await report("v=spf1 a -all mx redirect=none.example.com").findings
    #expect(findings.first?.message.contains("mx at column 15.") == true)
    #expect(findings.last?.message.contains("redirect=none.example.com at column 18") == true)
    #expect(try await report("v=spf1 redirect=open.example.com").findings.first?.subject == "open.example.com TXT")
  }

  /// What is wrong comes first. Of a record behind a `redirect` that was not read nothing is said.
  @Test(arguments: [
    ("v=spf1 -include:gone.example.com -all", [Finding.Code.nameNotFound, .authorizesNobody]),
    ("v=spf1 -a redirect=gone.example.com", [.nameNotFound]), ("v=spf1 moo", [.syntax]), ("words", [.noRecord]),
  ])
  func besideAProblem(_ record: String, _ codes: [Finding.Code]) async throws {
    let report = try await report(record)
    #expect(report.findings.map(\.code) == codes)
    #expect(report.verdict == .failed)
  }
}
