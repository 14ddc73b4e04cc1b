import DomainVerification
import MailModel
import Testing

@Suite struct DMARCRecordTests {
  @Test func everything() throws {
    let record = try #require(
      DMARCRecord(
        "v=DMARC1; p=quarantine; sp=reject; np=none; adkim=s; aspf=s; psd=n; t=y; pct=20; fo=1:d:s; ri=3600; rf=afrf;"
          + " rua=mailto:a@example.com!10m,mailto:b@example.net ; ruf=mailto:c@example.com; unknown=x"))
    #expect(record.policy == .quarantine && record.subdomainPolicy == .reject)
    #expect(record.nonexistentSubdomainPolicy == DMARCPolicy.none)
    #expect(record.dkimAlignment == .strict && record.spfAlignment == .strict)
    #expect(record.publicSuffixFlag == .no && record.isInTestMode && record.percentage == 20)
    #expect(record.failureOptions == [.anyFails, .dkimFails, .spfFails])
    #expect(record.reportInterval == 3600 && record.reportFormats == ["afrf"])
    #expect(record.aggregateReports.map(\.uri) == ["mailto:a@example.com", "mailto:b@example.net"])
    #expect(record.aggregateReports.first?.largestReport == 10 * 1024 * 1024)
    #expect(record.failureReports.first?.mailbox == Mailbox("c@example.com"))
    #expect(record.problems.isEmpty)
  }

  /// As it was published, in a sentence too.
  @Test func textOfARecord() throws {
    let text = "v=DMARC1;  p=reject; junk"
    let record = try #require(DMARCRecord(text))
    #expect("\(record)" == text)
  }

  @Test func defaults() throws {
    let record = try #require(DMARCRecord("v=DMARC1;p=reject"))
    #expect(record.dkimAlignment == .relaxed && record.spfAlignment == .relaxed)
    #expect(record.publicSuffixFlag == .unknown && !record.isInTestMode && record.percentage == 100)
    #expect(record.failureOptions == [.allFail] && record.reportInterval == 86_400)
    #expect(record.aggregateReports.isEmpty && record.failureReports.isEmpty)
    #expect(record.effectivePolicy == .reject)
    #expect(record.effectivePolicy(forSubdomainThatExists: true) == .reject)
    #expect(record.effectivePolicy(forSubdomainThatExists: false) == .reject)
  }

  @Test(arguments: [
    "v=DMARC1", "v=DMARC1;", "v = DMARC1 ; p=none", "V=DMARC1;p=none", "v=DMARC1\t;p=none", "v=DMARC1; ; p=none;;",
  ])
  func records(text: String) throws {
    let record = try #require(DMARCRecord(text))
    #expect(record.effectivePolicy == DMARCPolicy.none)
  }

  /// RFC 9989 §4.7: the tag must be the first, and its value exact.
  @Test(arguments: [
    "", "v", "v=", " v=DMARC1; p=none", "v=DMARC1p=none", "v=DMARC1 p=none", "v=dmarc1; p=none", "v=DMARC2; p=none",
    "v=DMARC10; p=none", "p=none; v=DMARC1", "v=spf1 -all", "\"v=DMARC1; p=none\"", "v=DMARC1, p=none",
    "\u{FEFF}v=DMARC1;",
  ])
  func otherTexts(text: String) { #expect(DMARCRecord(text) == nil) }

  @Test(arguments: [
    ("v=DMARC1; p=nothing", 13), ("v=DMARC1; p=", 11), ("v=DMARC1; p=none; adkim=x", 25),
    ("v=DMARC1; p=none; pct=101", 23), ("v=DMARC1; p=none; pct=-1", 23), ("v=DMARC1; p=none; pct=1e", 23),
    ("v=DMARC1; p=none; pct=99999999999999999999", 23), ("v=DMARC1; p=none; fo=0:1", 22),
    ("v=DMARC1; p=none; fo=d:d", 22), ("v=DMARC1; p=none; fo=", 19), ("v=DMARC1; p=none; ri=4294967296", 22),
    ("v=DMARC1; p=none; t=maybe", 21), ("v=DMARC1; p=none; psd=z", 23), ("v=DMARC1; p=none; junk", 19),
    ("v=DMARC1; p=none; =x", 19), ("v=DMARC1; p=none; p=reject", 19), ("v=DMARC1; p=none; v=DMARC1", 19),
    ("v=DMARC1; p=none; rua=me@example.com", 23), ("v=DMARC1; p=none; rua=mailto:a@b.com,,mailto:c@d.com", 38),
    ("v=DMARC1; p=none; rua=mailto:a@b.com!10x", 23), ("v=DMARC1; p=none; rua=mailto:%4", 23),
    ("v=DMARC1; p=none; rua=", 19), ("v=DMARC1; p=none; x=\u{7F}", 21), ("v=DMARC1; p=none; x=é", 21),
    ("v=DMARC1;", 10),
    ("v=DMARC1; p=none; rf=a::b", 22),
  ])
  func problems(text: String, column: Int) throws {
    let record = try #require(DMARCRecord(text))
    #expect(record.problems.map(\.column) == [column], "\(record.problems)")
  }

  /// What is invalid counts as if it were not there, and the first of two tags counts.
  @Test func problemsChangeNothingElse() throws {
    let record = try #require(
      DMARCRecord("v=DMARC1; p=reject; adkim=x; aspf=s; pct=200; p=none; junk; fo=9; rua=x,mailto:a@example.com"))
    #expect(record.policy == .reject && record.effectivePolicy == .reject)
    #expect(record.dkimAlignment == .relaxed && record.spfAlignment == .strict && record.percentage == 100)
    #expect(record.aggregateReports.map(\.uri) == ["mailto:a@example.com"])
    #expect(record.problems.count == 6)
  }

  /// RFC 9989 §4.7 for a missing p=, §4.10.1 for invalid ones.
  @Test(arguments: [
    ("v=DMARC1; rua=mailto:a@example.com", "none"), ("v=DMARC1; sp=reject", "none"),
    ("v=DMARC1; p=bad; rua=mailto:a@example.com", "none"), ("v=DMARC1; p=bad", nil), ("v=DMARC1; p=bad; rua=bad", nil),
    ("v=DMARC1; p=reject; sp=bad", nil), ("v=DMARC1; p=reject; sp=bad; rua=mailto:a@example.com", "none"),
    ("v=DMARC1; p=reject; np=bad", nil), ("v=DMARC1; p=re\u{1}ject", nil), ("v=DMARC1; P=Reject", "reject"),
  ])
  func effectivePolicy(text: String, policy: String?) throws {
    let record = try #require(DMARCRecord(text))
    #expect(record.effectivePolicy?.rawValue == policy)
    if policy == nil { #expect(record.effectivePolicy(forSubdomainThatExists: true) == nil) }
  }

  @Test(arguments: [
    ("p=reject", "reject", "reject"), ("p=reject; sp=quarantine", "quarantine", "quarantine"),
    ("p=none; sp=quarantine; np=reject", "quarantine", "reject"), ("p=none; np=reject", "none", "reject"),
    ("sp=reject", "reject", "reject"),
  ])
  func subdomains(tags: String, existing: String, missing: String) throws {
    let record = try #require(DMARCRecord("v=DMARC1; \(tags)"))
    #expect(record.effectivePolicy(forSubdomainThatExists: true)?.rawValue == existing)
    #expect(record.effectivePolicy(forSubdomainThatExists: false)?.rawValue == missing)
  }

  @Test(arguments: [-1, 0, 1])
  func tags(more: Int) throws {
    // The version and p= are tags too.
    let tags = (1...DMARCRecord.tagLimit - 2 + more).map { "x\($0)=1" }.joined(separator: ";")
    let record = try #require(DMARCRecord("v=DMARC1;\(tags);p=reject"))
    #expect((record.policy == .reject) == (more <= 0))
    #expect(record.problems.contains { $0.reason.contains("\(DMARCRecord.tagLimit) tags") } == (more > 0))
  }

  @Test(arguments: [-1, 0, 1])
  func uris(more: Int) throws {
    let uris = (1...DMARCRecord.uriLimit + more).map { "mailto:a\($0)@example.com" }.joined(separator: ",")
    let record = try #require(DMARCRecord("v=DMARC1;p=none;rua=\(uris)"))
    #expect(record.aggregateReports.count == DMARCRecord.uriLimit + min(more, 0))
    #expect(record.problems.count == (more > 0 ? 1 : 0))
  }

  @Test func bombsStaySmall() throws {
    let commas = try #require(DMARCRecord("v=DMARC1;p=none;rua=" + String(repeating: ",", count: 65_000)))
    #expect(commas.problems.count == DMARCRecord.uriLimit + 1)
    let equals = try #require(DMARCRecord("v=DMARC1;p=none;" + String(repeating: "=;", count: 30_000)))
    #expect(equals.policy == DMARCPolicy.none && equals.problems.count <= DMARCRecord.tagLimit + 1)
  }

  /// What a record's reader meets is any octets: never a trap, and a problem's column is within them.
  @Test func anyOctets() {
    var generator = SeededGenerator(seed: 7)
    let words = [
      "p=", "sp=", "none", "rua=", "mailto:a@b.c", ";", ",", "!", "%", "9", "k", ":", "=", " ", "\u{0}", "é", "fo=",
      "pct=",
    ]
    for _ in 0..<2_000 {
      let text = "v=DMARC1;" + (0..<20).map { _ in words.randomElement(using: &generator) ?? "" }.joined()
      let record = DMARCRecord(text)
      #expect(record != nil)
      for problem in record?.problems ?? [] {
        #expect((1...text.utf8.count + 1).contains(problem.column), "\(text)")
      }
    }
  }

  @Test(
    arguments: [
      ("mailto:a@example.com!1", 1), ("mailto:a@example.com!2k", 2048), ("mailto:a@example.com!1G", 1 << 30),
      ("mailto:a@example.com!1t", 1 << 40), ("mailto:a@example.com", nil),
      ("mailto:a@example.com!9999999t", 9_999_999 << 40),
    ] as [(String, UInt64?)])
  func sizes(uri: String, size: UInt64?) throws {
    let record = try #require(DMARCRecord("v=DMARC1;p=none;rua=\(uri)"))
    #expect(record.aggregateReports.map(\.largestReport) == [size])
  }

  @Test(arguments: [
    "mailto:a@b.c!", "mailto:a@b.c!k", "mailto:a@b.c!99999999t", "mailto:a@b.c!1!2", "mailto:", ":a", "1a:b", "a b:c",
  ])
  func noURI(uri: String) throws {
    let record = try #require(DMARCRecord("v=DMARC1;p=none;rua=\(uri)"))
    #expect(record.aggregateReports.isEmpty && record.problems.count == 1)
  }

  @Test(arguments: [
    ("mailto:a@example.com", "a@example.com"), ("MAILTO:a%2Bb@example.com?subject=x", "a+b@example.com"),
    ("mailto:a%2Cb", nil), ("https://example.com/report", nil), ("mailto:a%0D%0A@example.com", nil),
  ])
  func mailboxes(uri: String, mailbox: String?) throws {
    let record = try #require(DMARCRecord("v=DMARC1;p=none;rua=\(uri)"))
    let first = try #require(record.aggregateReports.first)
    #expect(first.mailbox?.description == mailbox)
    #expect(first.scheme == (uri.hasPrefix("h") ? "https" : "mailto"))
  }
}
