import DomainVerification
import MailDNS
import MailModel
import SMTPTesting
import Testing

private func domain(_ text: String) throws -> DomainName { try #require(DomainName(text)) }

/// A DNS with these records, each at `_dmarc.` its domain.
func dmarcDNS(_ records: [(String, String)]) throws -> ScriptedDNS {
  let dns = ScriptedDNS()
  for (name, text) in records { dns.set(try #require(DNSName("_dmarc.\(name)")), texts: text) }
  return dns
}

/// What DMARC says where SPF and DKIM passed for these domains.
func evaluateDMARC(
  _ dns: ScriptedDNS, from: String, spf: String? = nil, dkim: [String] = [], discovery: DMARCDiscovery = .treeWalk
) async throws -> DMARCEvaluation {
  let identifiers =
    try (spf.map { [DMARCIdentifier(.spf, "pass", try domain($0))] } ?? [])
    + dkim.map { DMARCIdentifier(.dkim, "pass", try domain($0)) }
  return await DMARCEvaluator(resolver: dns, discovery: discovery)
    .evaluate(DMARCRequest(from: try domain(from), identifiers: identifiers))
}

private let suffixes = "com\nnet\norg\nuk\nco.uk\nexample"

private func asked(_ dns: ScriptedDNS) -> [String] { dns.questions.map { $0.name.description } }

@Suite struct DMARCEvaluatorTests {
  /// RFC 7489 §B.1 and RFC 9989 §B.1: by the walk, and by a list.
  @Test(
    arguments: [false, true],
    [
      (from: "example.com", spf: "example.com", dkim: nil, strict: "pass", relaxed: "pass"),
      (from: "example.com", spf: "child.example.com", dkim: nil, strict: "fail", relaxed: "pass"),
      (from: "child.example.com", spf: "example.net", dkim: nil, strict: "fail", relaxed: "fail"),
      (from: "example.com", spf: nil, dkim: "example.com", strict: "pass", relaxed: "pass"),
      (from: "child.example.com", spf: nil, dkim: "example.com", strict: "fail", relaxed: "pass"),
      (from: "child.example.com", spf: nil, dkim: "sample.net", strict: "fail", relaxed: "fail"),
      (from: "a.example.com", spf: "b.example.com", dkim: nil, strict: "fail", relaxed: "pass"),
      (from: "example.com", spf: "notexample.com", dkim: nil, strict: "fail", relaxed: "fail"),
      (from: "example.com", spf: nil, dkim: nil, strict: "fail", relaxed: "fail"),
    ] as [(from: String, spf: String?, dkim: String?, strict: String, relaxed: String)])
  func alignment(
    byList: Bool, example: (from: String, spf: String?, dkim: String?, strict: String, relaxed: String)
  ) async throws {
    let discovery: DMARCDiscovery = byList ? .publicSuffixList(try PublicSuffixList(suffixes)) : .treeWalk
    for (tags, expected) in [("adkim=s; aspf=s", example.strict), ("p=none", example.relaxed)] {
      let dns = try dmarcDNS([("example.com", "v=DMARC1; p=reject; \(tags)")])
      let evaluation = try await evaluateDMARC(
        dns, from: example.from, spf: example.spf, dkim: example.dkim.map { [$0] } ?? [], discovery: discovery)
      #expect(evaluation.result.rawValue == expected, "\(tags)")
      #expect(evaluation.policyDomain == DomainName("example.com"))
      #expect(evaluation.alignedBy.isEmpty == (expected == "fail"))
      #expect(evaluation.problem == (expected == "fail" ? .notAligned : nil))
    }
  }

  /// Each way of alignment has a mode of its own.
  @Test func modesAreApart() async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=reject; adkim=s")])
    #expect(try await evaluateDMARC(dns, from: "example.com", spf: "a.example.com").result == .pass)
    #expect(try await evaluateDMARC(dns, from: "example.com", dkim: ["a.example.com"]).result == .fail)
    let both = try await evaluateDMARC(
      dns, from: "example.com", spf: "a.example.com", dkim: ["a.example.com", "example.com"])
    #expect(both.alignedBy.map(\.method) == [.spf, .dkim])
  }

  // MARK: The walk

  /// RFC 9989 §B.4.1.
  @Test func simpleOrganization() async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=none"), ("signing.example.com", "v=DMARC1; p=none")])
    let evaluation = try await evaluateDMARC(
      dns, from: "example.com", spf: "example.com", dkim: ["signing.example.com"])
    #expect(evaluation.alignedBy.count == 2)
    #expect(evaluation.organizationalDomain == DomainName("example.com"))
    #expect(asked(dns) == ["_dmarc.example.com", "_dmarc.com", "_dmarc.signing.example.com"])
    #expect(evaluation.lookups.map(\.question) == dns.questions)
  }

  /// RFC 9989 §B.4.2.
  @Test func deepWalk() async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=reject"), ("signing.example.com", "v=DMARC1; p=none")])
    let evaluation = try await evaluateDMARC(
      dns, from: "a.b.c.d.e.f.g.h.i.j.k.example.com", spf: "example.com", dkim: ["signing.example.com"])
    #expect(evaluation.result == .pass && evaluation.alignedBy.count == 2)
    #expect(evaluation.policyDomain == DomainName("example.com") && evaluation.policyTag == .sp)
    #expect(
      asked(dns).prefix(8) == [
        "_dmarc.a.b.c.d.e.f.g.h.i.j.k.example.com", "_dmarc.g.h.i.j.k.example.com", "_dmarc.h.i.j.k.example.com",
        "_dmarc.i.j.k.example.com", "_dmarc.j.k.example.com", "_dmarc.k.example.com", "_dmarc.example.com",
        "_dmarc.com",
      ])
  }

  /// RFC 9989 §B.4.3.
  @Test func publicSuffixWithARecord() async throws {
    let dns = try dmarcDNS([("bank.example", "v=DMARC1; p=reject; psd=y"), ("giant.bank.example", "v=DMARC1; p=none")])
    let evaluation = try await evaluateDMARC(
      dns, from: "giant.bank.example", spf: "mail.giant.bank.example", dkim: ["mail.mega.bank.example"])
    #expect(evaluation.result == .pass && evaluation.alignedBy.map(\.method) == [.spf])
    #expect(evaluation.policyDomain == DomainName("giant.bank.example") && evaluation.policy == DMARCPolicy.none)
    #expect(evaluation.organizationalDomain == DomainName("giant.bank.example"))
    #expect(!asked(dns).contains("_dmarc.example"))
    // Without a record of its own, the policy is that of the suffix; what is registered there is an organisation each.
    let mega = try await evaluateDMARC(
      dns, from: "mail.mega.bank.example", spf: "mega.bank.example", dkim: ["giant.bank.example"])
    #expect(mega.policyDomain == DomainName("bank.example") && mega.publishedPolicy == .reject && mega.policyTag == .sp)
    #expect(mega.organizationalDomain == DomainName("mega.bank.example"))
    #expect(mega.alignedBy.map(\.method) == [.spf])
  }

  /// RFC 9989 §4.10.2: psd=y where the walk begins says nothing of it.
  @Test func publicSuffixAsAuthor() async throws {
    let dns = try dmarcDNS([("bank.example", "v=DMARC1; p=reject; psd=y")])
    let evaluation = try await evaluateDMARC(dns, from: "bank.example", dkim: ["giant.bank.example", "bank.example"])
    #expect(evaluation.policyTag == .p && evaluation.alignedBy.map(\.domain) == [DomainName("bank.example")])
  }

  /// RFC 9989 §4.10.2: `psd=n` ends the walk below a record that stands higher.
  @Test func noPublicSuffix() async throws {
    let dns = try dmarcDNS([("mail.example.com", "v=DMARC1; p=reject; psd=n"), ("example.com", "v=DMARC1; p=none")])
    let evaluation = try await evaluateDMARC(
      dns, from: "a.mail.example.com", spf: "example.com", dkim: ["b.mail.example.com"])
    #expect(evaluation.organizationalDomain == DomainName("mail.example.com"))
    #expect(evaluation.policyDomain == DomainName("mail.example.com"))
    #expect(evaluation.alignedBy.map(\.method) == [.dkim])
    #expect(!asked(dns).contains("_dmarc.com"))
  }

  /// RFC 9989 §4.10.2, the first example: the record with the fewest labels.
  @Test func fewestLabels() async throws {
    let dns = try dmarcDNS([("mail.example.com", "v=DMARC1; p=none"), ("example.com", "v=DMARC1; p=reject")])
    let evaluation = try await evaluateDMARC(dns, from: "a.mail.example.com", spf: "example.com")
    #expect(evaluation.organizationalDomain == DomainName("example.com"))
    // The policy is the organisation's, not that of the name between.
    #expect(evaluation.policyDomain == DomainName("example.com") && evaluation.result == .pass)
  }

  @Test(arguments: [7, 8, 9, 124])
  func noWalkIsOverEightQuestions(labels: Int) async throws {
    let dns = ScriptedDNS()
    let name = (Array(repeating: "a", count: labels - 1) + ["example"]).joined(separator: ".")
    let evaluation = try await evaluateDMARC(dns, from: name, dkim: ["other.example"])
    #expect(evaluation.result == .none && evaluation.problem == .noRecord)
    // `_dmarc.` before 253 octets is no name any more.
    #expect(dns.questions.count == (labels == 124 ? 7 : min(labels, 8)))
  }

  @Test func aSuffixThatLiesDeepIsFoundBehindTheJump() async throws {
    let dns = try dmarcDNS([("4.5.6.7.8.9.example", "v=DMARC1; p=reject; psd=y")])
    let evaluation = try await evaluateDMARC(dns, from: "0.1.2.3.4.5.6.7.8.9.example", dkim: ["3.4.5.6.7.8.9.example"])
    #expect(evaluation.organizationalDomain == DomainName("3.4.5.6.7.8.9.example") && evaluation.result == .pass)
  }

  /// Whoever forges the author can name any domains: the questions stay few.
  @Test(arguments: [-1, 0, 1, 50])
  func identifiers(more: Int) async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=reject")])
    let count = DMARCEvaluator.identifierLimit + more
    for other in ["org", "com"] {
      let names = (1..<count).map { "a.b.c.d.e.f.g.h.x\($0).1.2.3.4.5.6.example2.\(other)" } + ["a.example.com"]
      let evaluation = try await evaluateDMARC(dns, from: "example.com", dkim: names)
      // What is asked of nobody pushes out nobody.
      #expect(evaluation.result == .pass)
    }
    let below = (1...count).map { "a.b.c.d.x\($0).example.com" }
    _ = try await evaluateDMARC(dns, from: "1.2.3.4.5.6.7.example.com", dkim: below)
    #expect(dns.questions.count <= 105)
  }

  @Test(arguments: [-1, 0, 1, 50])
  func identifiersOfTheOrganization(more: Int) async throws {
    let others = (1..<DMARCEvaluator.identifierLimit + more).map { "x\($0).example.com" }
    let dns = try dmarcDNS(
      [("example.com", "v=DMARC1; p=reject")] + others.map { ($0, "v=DMARC1; p=none; psd=n") })
    let evaluation = try await evaluateDMARC(
      dns, from: "example.com", dkim: others.flatMap { [$0, $0] } + ["mail.example.com"])
    #expect(evaluation.result == (more <= 0 ? .pass : .fail))
    // Twice the domains that are over, and the one that would be aligned.
    #expect(evaluation.problem == (more <= 0 ? nil : .tooManyIdentifiers(2 * more - 1)))
    #expect(evaluation.report.findings.contains { $0.code == .limit } == (more > 0))
    #expect(dns.questions.count <= 105)
  }

  /// RFC 9989 §4.10.2, to the letter: a public suffix that publishes a record without `psd=y` is the organisation of all below it.
  @Test func aSuffixThatForgetsItsFlag() async throws {
    let dns = try dmarcDNS([("example", "v=DMARC1; p=none"), ("giant.example", "v=DMARC1; p=reject")])
    let evaluation = try await evaluateDMARC(dns, from: "giant.example", dkim: ["mega.example"])
    #expect(evaluation.organizationalDomain == DomainName("example"))
    #expect(evaluation.result == .pass && evaluation.policyDomain == DomainName("giant.example"))
    let flagged = try dmarcDNS([("example", "v=DMARC1; p=none; psd=y"), ("giant.example", "v=DMARC1; p=reject")])
    #expect(try await evaluateDMARC(flagged, from: "giant.example", dkim: ["mega.example"]).result == .fail)
  }

  // MARK: The list

  @Test func listFindsTheOrganization() async throws {
    let dns = try dmarcDNS([("example.co.uk", "v=DMARC1; p=reject; sp=quarantine")])
    let list = DMARCDiscovery.publicSuffixList(try PublicSuffixList(suffixes))
    let evaluation = try await evaluateDMARC(dns, from: "a.b.example.co.uk", spf: "c.example.co.uk", discovery: list)
    #expect(evaluation.result == .pass && evaluation.policy == .quarantine)
    #expect(evaluation.organizationalDomain == DomainName("example.co.uk"))
    #expect(asked(dns) == ["_dmarc.a.b.example.co.uk", "_dmarc.example.co.uk"])
  }

  @Test func belowASuffixAreStrangers() async throws {
    let dns = try dmarcDNS([("a.co.uk", "v=DMARC1; p=reject"), ("co.uk", "v=DMARC1; p=reject")])
    let list = DMARCDiscovery.publicSuffixList(try PublicSuffixList(suffixes))
    #expect(try await evaluateDMARC(dns, from: "a.co.uk", spf: "b.co.uk", discovery: list).result == .fail)
    #expect(try await evaluateDMARC(dns, from: "a.co.uk", spf: "co.uk", discovery: list).result == .fail)
    #expect(try await evaluateDMARC(dns, from: "co.uk", spf: "a.co.uk", discovery: list).result == .fail)
    #expect(try await evaluateDMARC(dns, from: "c.co.uk", spf: "c.co.uk", discovery: list).result == .none)
  }

  // MARK: Records

  @Test func severalRecords() async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=reject")])
    let name = try #require(DNSName("_dmarc.a.example.com"))
    dns.set(name, texts: "v=DMARC1; p=none", "v=DMARC1; p=none", "something else")
    // RFC 9989 §4.10: discarded, and the walk goes on. RFC 7489 §6.6.3: DMARC ends.
    let walk = try await evaluateDMARC(dns, from: "a.example.com")
    #expect(walk.result == .fail && walk.policyDomain == DomainName("example.com"))
    #expect(walk.report.findings.contains { $0.code == .severalRecords })
    let list = DMARCDiscovery.publicSuffixList(try PublicSuffixList(suffixes))
    let listed = try await evaluateDMARC(dns, from: "a.example.com", spf: "a.example.com", discovery: list)
    #expect(try listed.result == .none && listed.problem == .severalRecords(domain("a.example.com")))
    #expect(listed.policy == nil && listed.report.findings.map(\.code) == [.severalRecords])
    // Only one of two is a DMARC record.
    dns.set(name, texts: "v=spf1 -all", "v=DMARC1; p=none")
    #expect(try await evaluateDMARC(dns, from: "a.example.com").policyDomain == DomainName("a.example.com"))
  }

  @Test func stringsAreJoined() async throws {
    let dns = ScriptedDNS()
    let strings = ["v=DM", "ARC1; p=rej", "ect"].map { Array($0.utf8) }
    dns.set(try #require(DNSName("_dmarc.example.com")), .txt, [.text(DNSText(strings: strings))])
    #expect(try await evaluateDMARC(dns, from: "example.com").policy == .reject)
  }

  @Test func unusableRecord() async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=deny")])
    let evaluation = try await evaluateDMARC(dns, from: "example.com", dkim: ["example.com"])
    #expect(try evaluation.result == .permerror && evaluation.problem == .unusableRecord(domain("example.com")))
    #expect(evaluation.policy == nil)
    dns.set(try #require(DNSName("_dmarc.example.com")), texts: "v=DMARC1; p=deny; rua=mailto:a@example.com")
    let reported = try await evaluateDMARC(dns, from: "example.com")
    #expect(reported.result == .fail && reported.policy == DMARCPolicy.none)
  }

  /// RFC 9989 §3.2.13 and §4.7: np= for names that do not exist, sp= for those that do.
  @Test func nonexistentSubdomains() async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=none; sp=quarantine; np=reject")])
    let missing = try await evaluateDMARC(dns, from: "missing.example.com")
    #expect(missing.policyTag == .np && missing.policy == .reject)
    dns.set(try #require(DNSName("there.example.com")), .mx, [.mailExchanger(preference: 1, host: .root)])
    let there = try await evaluateDMARC(dns, from: "there.example.com")
    #expect(there.policyTag == .sp && there.policy == .quarantine)
    // A name that has only names below it exists too, and an alias to nowhere.
    dns.set(try #require(DNSName("a.b.example.com")), texts: "x")
    #expect(try await evaluateDMARC(dns, from: "b.example.com").policyTag == .sp)
    dns.set(try #require(DNSName("alias.example.com")), .cname, [.alias(try #require(DNSName("nowhere.example.org")))])
    #expect(try await evaluateDMARC(dns, from: "alias.example.com").policyTag == .sp)
    #expect(try await evaluateDMARC(dns, from: "example.com").policyTag == .p)
  }

  @Test func existenceIsAskedOnlyWhereItMatters() async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=reject; np=reject")])
    #expect(try await evaluateDMARC(dns, from: "missing.example.com").policy == .reject)
    #expect(!dns.questions.contains { $0.type == .a })
    dns.set(try #require(DNSName("_dmarc.example.com")), texts: "v=DMARC1; p=none; np=reject")
    let from = try #require(DNSName("missing.example.com"))
    dns.set(DNSQuestion(from, .a), .temporaryFailure("timeout"))
    #expect(try await evaluateDMARC(dns, from: "missing.example.com").result == .temperror)
    #expect(try await evaluateDMARC(dns, from: "missing.example.com", dkim: ["example.com"]).result == .pass)
  }

  @Test(arguments: [("reject", "quarantine"), ("quarantine", "none"), ("none", "none")])
  func testMode(published: String, applied: String) async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=\(published); t=y; pct=30")])
    let evaluation = try await evaluateDMARC(dns, from: "example.com")
    #expect(evaluation.publishedPolicy?.rawValue == published && evaluation.policy?.rawValue == applied)
    #expect(evaluation.record?.percentage == 30)
    #expect(evaluation.report.findings.contains { $0.code == .policyInTesting })
  }

  // MARK: The DNS

  @Test func failures() async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=reject")])
    let question = DNSQuestion(try #require(DNSName("_dmarc.example.com")), .txt)
    dns.set(question, .temporaryFailure("SERVFAIL"))
    let temporary = try await evaluateDMARC(dns, from: "example.com", dkim: ["example.com"])
    #expect(temporary.result == .temperror && temporary.problem == .lookupFailed(question, "SERVFAIL"))
    #expect(temporary.report.verdict == .undecided && temporary.report.findings.map(\.code) == [.dnsFailure])
    dns.set(question, .malformed("cut short"))
    let malformed = try await evaluateDMARC(dns, from: "example.com")
    #expect(malformed.result == .permerror && malformed.report.verdict == .failed)
  }

  /// A name server above that is silent takes nothing away from what is decided without it.
  @Test func failuresThatDoNotMatter() async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=reject")])
    dns.set(DNSQuestion(try #require(DNSName("_dmarc.com")), .txt), .temporaryFailure("timeout"))
    #expect(try await evaluateDMARC(dns, from: "example.com", dkim: ["a.example.com", "example.com"]).result == .pass)
    #expect(try await evaluateDMARC(dns, from: "example.com", dkim: ["example.org"]).result == .fail)
    #expect(try await evaluateDMARC(dns, from: "example.com", dkim: ["a.example.com"]).result == .temperror)
  }

  /// A forger signs as a domain of his own whose name servers are silent: that is no excuse for his author's domain.
  @Test func undecidedIdentifiersCountOnlyWhereAligned() async throws {
    let dns = try dmarcDNS([("example.com", "v=DMARC1; p=reject")])
    func result(_ word: String, _ name: String) async throws -> DMARCEvaluation {
      await DMARCEvaluator(resolver: dns)
        .evaluate(DMARCRequest(from: try domain("example.com"), identifiers: [.init(.dkim, word, try domain(name))]))
    }
    #expect(try await result("temperror", "evil.example.org").result == .fail)
    #expect(try await result("temperror", "evil.com").result == .fail)
    let undecided = try await result("temperror", "a.example.com")
    #expect(undecided.result == .temperror && undecided.report.findings.map(\.code) == [.dnsFailure])
    for word in ["fail", "neutral", "policy", "permerror", "none", "PASS", ""] {
      #expect(try await result(word, "example.com").result == .fail, "\(word)")
    }
  }
}
