import DomainVerification
import MailDNS
import MailModel
import SMTPTesting
import Testing

/// What somebody is told of his domain, before mail may be sent in its name.
@Suite struct DomainCheckerTests {
  private func check(
    _ zone: String, failing: DNSQuestion? = nil, senders: [String] = ["192.0.2.1"], selectors: [String] = [],
    requiresDMARC: Bool = false
  ) async throws -> DomainReport {
    let dns = try ScriptedDNS(zone: zone)
    if let failing { dns.set(failing, .temporaryFailure("SERVFAIL")) }
    var requirements = DomainRequirements()
    requirements.senders = try senders.map { try #require(IPAddress($0)) }
    requirements.keys = try selectors.map { DomainRequirements.Key(try #require(DKIMSelector($0))) }
    requirements.requiresDMARC = requiresDMARC
    return await DomainChecker(resolver: dns).check(try #require(DomainName("example.com")), requirements)
  }

  private static let address = "example.com. A 192.0.2.80\n"
  private static let policy = "example.com. TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n"

  @Test(arguments: [address, "example.com. AAAA 2001:db8::80\n"])
  func everythingIsThere(_ address: String) async throws {
    let whole = try await check(address + Self.policy + "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"")
    #expect(whole.nextStep == "There is nothing to do.")
    let report = try await check(address + Self.policy)
    #expect(report.verdict == .passed)
    #expect(report.decisive.allSatisfy { $0.findings.isEmpty && !$0.evidence.isEmpty })
  }

  /// The mistakes that people make, and the code that each is told by.
  @Test(arguments: [
    ("", [Finding.Code.nameNotFound, .nameNotFound]), (policy, [.noAddress]), (address, [.noRecord]),
    (address + "example.com. TXT \"v=spf1; a -all\"", [.noRecord]),
    (address + policy + "example.com. TXT \"v=spf1 include:other.example -all\"", [.severalRecords]),
    (address + "example.com. TXT \"v=spf1 ipv4:192.0.2.1 -all\"", [.syntax]),
    (address + "example.com. TXT \"v=spf1 ip4: 192.0.2.1 -all\"", [.syntax]),
    (address + "example.com. TXT \"v=spf1 a:192.0.2.1 -all\"", [.syntax]),
    (address + "example.com. TXT \"v=spf1 mx -all;\"", [.syntax]),
    (address + "example.com. TXT \"v=spf1 a:example.com\" \"include:other.example -all\"", [.notAuthorized]),
    (address + "example.com. TXT \"v=spf1 -all ip4:192.0.2.1\"", [.notAuthorized, .unreachableTerm]),
    (address + "example.com. TXT \"v=spf1 ~all\"", [.notAuthorized]),
    (address + "example.com. TXT \"v=spf1 a\"", [.noStatement]),
    (address + "example.com. TXT \"v=spf1 include:other.example -all\"", [.nameNotFound]),
    (address + "example.com. TXT \"v=spf1 include:example.com ip4:192.0.2.1 -all\"", [.loop]),
  ])
  func mistakes(_ zone: String, _ codes: [Finding.Code]) async throws {
    let report = try await check(zone)
    #expect(report.verdict == .failed)
    #expect(report.decisive.flatMap(\.findings).map(\.code) == codes)
    #expect(report.nextStep == report.decisive.first { $0.verdict == .failed }?.nextStep)
    #expect(report.nextStep != "There is nothing to do.")
  }

  /// What passes and is not as it should be is told all the same.
  @Test func aWarningIsTheNextStep() async throws {
    let report = try await check(Self.address + "example.com. TXT \"v=spf1 +all\"")
    #expect(report.verdict == .passed)
    #expect(report.nextStep == "Replace it by -all or ~all.")
  }

  @Test func eachSenderIsChecked() async throws {
    let report = try await check(Self.address + Self.policy, senders: ["192.0.2.1", "198.51.100.1", "192.0.2.2"])
    #expect(report.spf.map(\.verdict) == [.passed, .failed, .passed])
    #expect(report.verdict == .failed)
    #expect(report.nextStep.hasPrefix("Add ip4:198.51.100.1"))
  }

  /// Who is named early passes; that the record is an error to others is told all the same, before smaller things.
  @Test(arguments: [
    (String(repeating: "a:h.example.com ", count: 10), nil),
    (String(repeating: "a:h.example.com ", count: 11), Finding.Code.tooManyLookups),
    ("include:gone.example.com ", .nameNotFound), ("include:broken.example.com ", .syntax),
  ])
  func whatOthersMeet(_ terms: String, _ code: Finding.Code?) async throws {
    let zone =
      Self.address + "example.com. TXT \"v=spf1 ip4:192.0.2.1 \(terms)ip4:198.0.0.0/8 -all\"\n"
      + "h.example.com. A 203.0.113.9\nbroken.example.com. TXT \"v=spf1 moo\""
    let early = try await check(zone)
    #expect(early.verdict == .passed)
    #expect(early.spf.flatMap(\.findings).map(\.code) == [code, .wideNetwork].compactMap(\.self))
    #expect(early.spf.flatMap(\.findings).allSatisfy { $0.severity == .warning })
    let evidence = try #require(early.spf.first).evidence.map(\.question)
    #expect(Set(evidence).count == evidence.count)
    // Who meets it is told once, that it fails.
    let late = try await check(zone, senders: ["192.0.2.2"])
    #expect(late.spf.flatMap(\.findings).map(\.code) == [code ?? .notAuthorized, .wideNetwork])
    #expect(late.verdict == .failed)
  }

  /// Where nobody is named who sends, the record is looked at, and no address asked for.
  @Test func withoutSenders() async throws {
    let report = try await check(Self.address + "example.com. TXT \"v=spf1 a mx -all\"", senders: [])
    #expect(report.verdict == .passed)
    #expect(report.spf.map(\.evidence.count) == [1])
  }

  @Test(arguments: [DNSRecordType.a, .txt])
  func theDNSDoesNotSay(_ type: DNSRecordType) async throws {
    let failing = try question("example.com", type)
    let report = try await check(Self.address + Self.policy, failing: failing)
    #expect(report.verdict == .undecided)
    #expect(report.decisive.flatMap(\.findings).map(\.code) == [.dnsFailure])
    // What has failed for good outweighs it.
    let failed = try await check(Self.address + Self.policy, failing: failing, selectors: ["gone"])
    #expect(failed.verdict == .failed)
    #expect(failed.nextStep == failed.keys.first?.nextStep)
  }

  /// IPv6 is asked for where IPv4 is not there, and may fail too.
  @Test func theOtherFamilyFails() async throws {
    let report = try await check(Self.policy, failing: try question("example.com", .aaaa))
    #expect(report.address.verdict == .undecided)
    #expect(report.address.evidence.map(\.question.type) == [.a, .aaaa])
    #expect(report.address.findings.map(\.subject) == ["example.com AAAA"])
  }

  @Test(arguments: [(false, VerificationReport.Verdict.passed), (true, .failed)])
  func aPolicyIsRequiredOrNot(isRequired: Bool, _ verdict: VerificationReport.Verdict) async throws {
    let report = try await check(Self.address + Self.policy, requiresDMARC: isRequired)
    #expect(report.verdict == verdict)
    #expect(report.dmarc.findings.map(\.code) == [.noRecord])
    #expect(report.dmarc.findings.map(\.severity) == [isRequired ? .failure : .warning])
    #expect(report.dmarc.verdict == verdict)
    #expect(report.nextStep.hasPrefix("Publish \"v=DMARC1"))
    // What fails comes before it.
    let failing = try await check(Self.address + "example.com. TXT \"v=spf1 -all\"", requiresDMARC: isRequired)
    #expect(failing.nextStep.hasPrefix("Add ip4:192.0.2.1"))
  }

  /// No part waits for another.
  @Test(.timeLimit(.minutes(10))) func sideBySide() async throws {
    let dns = try ScriptedDNS(zone: Self.address + Self.policy)
    dns.holdAll()
    let domain = try #require(DomainName("example.com"))
    var requirements = DomainRequirements()
    requirements.keys = [.init(try #require(DKIMSelector("s1")))]
    async let report = DomainChecker(resolver: dns).check(domain, requirements)
    let first = try [
      question("example.com", .a), question("example.com", .txt), question("s1._domainkey.example.com", .txt),
      question("_dmarc.example.com", .txt),
    ]
    for question in first { await dns.asked(question) }
    dns.releaseAll()
    #expect(await report.keys.map(\.verdict) == [.failed])
  }

  /// Nobody can tell whether it is our resolver that is silent: it is named first, in the same words by every part.
  @Test func whereNothingAnswers() async throws {
    let dns = ScriptedDNS()
    let domain = try #require(DomainName("example.com"))
    for (name, type) in [
      ("example.com", DNSRecordType.a), ("example.com", .txt), ("s1._domainkey.example.com", .txt),
      ("_dmarc.example.com", .txt),
    ] {
      dns.set(try question(name, type), .temporaryFailure("no name server could be reached"))
    }
    var requirements = DomainRequirements()
    requirements.keys = [.init(try #require(DKIMSelector("s1")))]
    requirements.requiresDMARC = true
    let report = await DomainChecker(resolver: dns).check(domain, requirements)
    let findings = report.decisive.flatMap(\.findings)
    #expect(findings.count == 4 && findings.allSatisfy { $0.code == .dnsFailure && $0.severity == .undecided })
    #expect(Set(findings.map(\.nextStep)).count == 1)
    #expect(report.nextStep.contains("the name server which is asked"))
    for finding in findings {
      #expect(finding.message == "There is no usable answer for \(finding.subject): no name server could be reached.")
    }
  }
}
