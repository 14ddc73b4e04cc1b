import DomainVerification
import LibCrypto
import MailDNS
import MailModel
import SMTPTesting
import Testing

struct DKIMKeyCheckTests {
  static let own = Result { try DKIMKeyPair.generate(.ed25519SHA256) }
  static let other = Result { try DKIMKeyPair.generate(.ed25519SHA256) }
  static let rsa = Result { try DKIMKeyPair.generate(.rsaSHA256) }

  private let dns = ScriptedDNS()
  private let own: DKIMKeyPair
  private let selector: DKIMSelector
  private let domain: DomainName
  private let name: DNSName

  init() throws {
    own = try Self.own.get()
    selector = try #require(DKIMSelector("s1"))
    domain = try #require(DomainName("example.com"))
    name = try #require(DNSName("s1._domainkey.example.com"))
  }

  private func check(_ keys: [VerifyingKey]? = nil) async -> DKIMKeyEvaluation {
    await DKIMKeyCheck(resolver: dns).evaluate(selector, of: domain, expecting: keys ?? [own.verifyingKey])
  }

  /// The report fails by one finding, whose subject is the place and which says what to do.
  private func expectFailure(
    _ evaluation: DKIMKeyEvaluation, _ code: Finding.Code, saying parts: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let report = evaluation.report
    #expect(report.verdict == .failed, sourceLocation: sourceLocation)
    #expect(report.evidence == evaluation.lookups, sourceLocation: sourceLocation)
    let finding = report.findings.first
    #expect(finding?.code == code, sourceLocation: sourceLocation)
    #expect(finding?.severity == .failure, sourceLocation: sourceLocation)
    #expect(finding?.subject == "s1._domainkey.example.com TXT", sourceLocation: sourceLocation)
    let text = "\(finding?.message ?? "") \(finding?.nextStep ?? "")"
    for part in parts { #expect(text.contains(part), "\(text)", sourceLocation: sourceLocation) }
  }

  @Test func findsOurs() async throws {
    dns.set(name, texts: own.keyRecord.description)
    let evaluation = await check()
    #expect(evaluation.outcome == .published)
    #expect(evaluation.record?.holds(own.verifyingKey) == true)
    #expect(evaluation.report.verdict == .passed)
    #expect(evaluation.report.findings.isEmpty)
    #expect(dns.questions == [DNSQuestion(name, .txt)])
    // One of several of ours, or anybody's.
    let other = try Self.other.get()
    #expect(await check([other.verifyingKey, own.verifyingKey]).outcome == .published)
    #expect(await check([]).outcome == .published)
  }

  @Test func findsNoName() async {
    let evaluation = await check()
    #expect(evaluation.outcome == .nameNotFound)
    expectFailure(
      evaluation, .keyMissing, saying: "does not exist", "Publish the record \"v=DKIM1; k=", "\(name)")
    #expect(dns.questions.map(\.name.description) == ["\(name)", "\(name).example.com"])
  }

  /// A zone file takes no string of more than 255 octets (RFC 1035 §3.3.14), so what is to be published is told in such.
  @Test func theRecordToPublishIsInStrings() async throws {
    let key = try DKIMKeyPair.generate(bits: 2048)
    dns.set(name, texts: "hello")
    for evaluation in [await check(), await check([key.verifyingKey])] {
      let expected = try #require(evaluation.expected.first)
      let line = "\(DNSRecord.text(DKIMKeyRecord(expected).text))"
      #expect(line.split(separator: "\" \"").allSatisfy { $0.utf8.count <= 256 })
      #expect(evaluation.report.nextStep == "Publish the record \(line) at \(name).")
    }
  }

  @Test func findsNoText() async throws {
    dns.set(name, .a, [.address(try #require(IPAddress("192.0.2.1")))])
    let evaluation = await check()
    #expect(evaluation.outcome == .noText)
    expectFailure(evaluation, .keyMissing, saying: "has no TXT record")
  }

  @Test(arguments: ["v=spf1 -all", "hello", "v=DMARC1; p=none", "", "google-site-verification=abc"])
  func findsTextThatIsNoKey(text: String) async {
    dns.set(name, texts: text)
    let evaluation = await check()
    #expect(evaluation.outcome == .noKeyRecord)
    expectFailure(evaluation, .keyMissing, saying: "is no key", text)
  }

  @Test func namesTheAlias() async throws {
    dns.set(name, .cname, [.alias(try #require(DNSName("s1.provider.example")))])
    expectFailure(await check(), .keyMissing, saying: "alias of s1.provider.example")
  }

  @Test func findsTheDoubledDomain() async throws {
    let doubled = try #require(DNSName("s1._domainkey.example.com.example.com"))
    dns.set(doubled, texts: own.keyRecord.description)
    let evaluation = await check()
    #expect(evaluation.doubledName == doubled)
    expectFailure(
      evaluation, .keyMissing, saying: "There is a key at \(doubled)", "stands twice", "without .example.com")
    #expect(evaluation.report.evidence.count == 2)
  }

  /// A wildcard answers for both names alike, and a failure there says nothing.
  @Test func doublingIsNotSeenWhereItIsNot() async throws {
    let doubled = try #require(DNSName("s1._domainkey.example.com.example.com"))
    dns.set(doubled, texts: "v=spf1 -all")
    #expect(await check().doubledName == nil)
    dns.set(DNSQuestion(doubled, .txt), .temporaryFailure("SERVFAIL"))
    let evaluation = await check()
    #expect(evaluation.doubledName == nil)
    #expect(evaluation.outcome == .nameNotFound)
  }

  @Test func findsSeveral() async throws {
    dns.set(name, texts: own.keyRecord.description, try Self.other.get().keyRecord.description)
    let evaluation = await check()
    #expect(evaluation.outcome == .severalRecords(2))
    expectFailure(evaluation, .severalRecords, saying: "2 TXT records", "ours is one of them")
    dns.set(name, texts: try Self.other.get().keyRecord.description, "junk")
    expectFailure(await check(), .severalRecords, saying: "ours is none of them")
  }

  @Test func saysHowAKeyDiffers() async throws {
    let other = try Self.other.get()
    dns.set(name, texts: other.keyRecord.description)
    let same = await check()
    #expect(same.outcome == .differs(published: other.verifyingKey))
    expectFailure(same, .keyDiffers, saying: "is Ed25519, SHA-256 ", "ours is Ed25519, SHA-256 ", "selector of its own")
    let rsa = try Self.rsa.get()
    dns.set(name, texts: rsa.keyRecord.description)
    expectFailure(await check(), .keyDiffers, saying: "is RSA of 2048 bits, SHA-256 ", "ours is Ed25519")
  }

  @Test func findsRevoked() async {
    dns.set(name, texts: "v=DKIM1; p=")
    let evaluation = await check()
    #expect(evaluation.outcome == .revoked)
    expectFailure(evaluation, .keyRevoked, saying: "p= is empty")
  }

  static let broken = [
    ("v=DKIM1; p=AA-A", "column 14"), ("v=DKIM1; k=rsa", "p= is missing"), ("\"v=DKIM1; p=AAAA\"", "quotation mark"),
    ("v=DKIM1\\; p=AAAA", "backslash"), ("v=DKIM1; p=AAAA; p=AAAA", "stands twice"),
    ("p=AAAA; v=DKIM1", "not the first"),
  ]

  @Test(arguments: broken)
  func findsBrokenSyntax(text: String, part: String) async {
    dns.set(name, texts: text)
    expectFailure(await check(), .syntax, saying: part, "Publish the record")
  }

  @Test func findsWhatIsNotUsable() async throws {
    let record = own.keyRecord.description.dropFirst("v=DKIM1; ".count)
    dns.set(name, texts: "v=DKIM1; s=other; \(record)")
    expectFailure(await check(), .keyNotUsable, saying: "s= does not allow mail")
    dns.set(name, texts: "v=DKIM1; h=sha1; \(record)")
    expectFailure(await check(), .keyNotUsable, saying: "h= does not allow sha256")
    dns.set(name, texts: "v=DKIM1; k=ed448; p=AAAA")
    expectFailure(await check(), .keyNotUsable, saying: "type ed448")
    dns.set(name, texts: "v=DKIM1; k=rsa; p=AAAA")
    expectFailure(await check(), .keyNotUsable, saying: "no RSA key", "Publish the record")
    dns.set(name, texts: "v=DKIM1; p=\(base64(own.verifyingKey.rawRepresentation))")
    expectFailure(
      await check(), .keyNotUsable, saying: "k=ed25519 is missing", "Publish the record \"\(own.keyRecord)\"")
  }

  @Test func findsShortKeys() async throws {
    dns.set(name, texts: "v=DKIM1; p=\(base64(rsaPublicKey(bits: 512)))")
    expectFailure(await check([]), .keyTooShort, saying: "512 bits", "Make an RSA key of 2048 bits")
    dns.set(name, texts: "v=DKIM1; p=\(base64(rsaPublicKey(bits: 16_384)))")
    expectFailure(await check([]), .keyTooLong, saying: "16384 bits")
    let key = try SigningKey.generate(.rsa(bits: 1_024)).verifyingKey
    dns.set(name, texts: DKIMKeyRecord(key).description)
    let report = await check([key]).report
    #expect(report.verdict == .passed)
    #expect(report.findings.map(\.code) == [.keyTooShort])
    #expect(report.findings.map(\.severity) == [.warning])
  }

  @Test func warns() async throws {
    dns.set(name, texts: DKIMKeyRecord(own.verifyingKey, isTesting: true).description)
    let testing = await check().report
    #expect(testing.verdict == .passed)
    #expect(testing.findings.map(\.code) == [.keyInTesting])
    dns.set(name, texts: String(own.keyRecord.description.dropLast()))
    let unpadded = await check().report
    #expect(unpadded.verdict == .passed)
    #expect(unpadded.findings.map(\.code) == [.syntax])
    #expect(unpadded.findings.map(\.severity) == [.warning])
  }

  @Test(arguments: [DNSAnswer.Outcome.temporaryFailure("SERVFAIL"), .malformed("cut short")])
  func isUndecidedWithoutTheDNS(outcome: DNSAnswer.Outcome) async {
    dns.set(DNSQuestion(name, .txt), outcome)
    let report = await check().report
    #expect(report.verdict == .undecided)
    #expect(report.findings.map(\.code) == [.dnsFailure])
    #expect(report.findings.map(\.severity) == [.undecided])
    #expect(dns.questions.count == 1)
  }

  /// The selector fits the DNS, and with the domain no longer; or only the doubled name does not.
  @Test func asksForNoNameThatIsTooLong() async throws {
    let label = String(repeating: "a", count: 63)
    let check = DKIMKeyCheck(resolver: dns)
    let long = await check.evaluate(
      try #require(DKIMSelector("\(label).\(label)")), of: try #require(DomainName("\(label).\(label)")))
    #expect(long.outcome == .nameNotFound)
    #expect(long.report.verdict == .failed)
    #expect(long.lookups.isEmpty)
    let once = await check.evaluate(selector, of: try #require(DomainName("\(label).\(label).example")))
    #expect(once.lookups.count == 1)
  }
}
