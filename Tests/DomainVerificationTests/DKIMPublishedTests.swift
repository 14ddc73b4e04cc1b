import LibCrypto
import MailDNS
import MailModel
import SMTPTesting
import Testing

@testable import DomainVerification

/// What the DNS says of a key.
@Suite struct DKIMPublishedTests {
  /// The signature of the Ed25519 key when its selector publishes these TXT records.
  static func evaluate(
    _ records: [String], _ tags: String = "v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from"
  ) async throws -> DKIMSignatureEvaluation {
    let domain = try DKIMTestDomain()
    domain.dns.set(try DKIMTestDomain.name(.ed25519SHA256), .txt, records.map { .text(DNSText($0)) })
    let evaluation = await DKIMTest.verify(try await DKIMForgery(tags: tags).sign(DKIMTest.plain), domain.dns)
    return try #require(evaluation.signatures.first)
  }

  /// `p=` and the key.
  static func key() throws -> String {
    let record = try DKIMTestKey.of(.ed25519SHA256).record
    return "p=" + record.drop { $0 != "p" }.dropFirst(2)
  }

  @Test(
    arguments: [
      ("v=DKIM1; k=ed25519; KEY", DKIMResult.pass, nil),
      ("k=ed25519; KEY", .pass, nil),
      ("v=DKIM1; h=sha256:sha1; s=other:email; k=ed25519; n=note; KEY; t=s", .pass, nil),
      ("v=DKIM1; s=*; k=ed25519; KEY", .pass, nil),
      ("v=DKIM1; h=sha1; k=ed25519; KEY", .permerror, .keyNotUsable),
      ("v=DKIM1; s=tlsrpt; k=ed25519; KEY", .permerror, .keyNotUsable),
      ("v=DKIM1; k=ed25519; p=", .permerror, .keyRevoked),
      ("v=DKIM1; k=ed25519", .permerror, nil),
      ("v=DKIM1; k=ed25519; p=AAAA", .permerror, nil),
      ("v=DKIM1; KEY", .permerror, nil),
      ("v=DKIM1; k=ed448; KEY", .permerror, nil),
      ("v=DKIM2; k=ed25519; KEY", .permerror, nil),
      ("v=DKIM1; k=ed25519; KEY; KEY", .permerror, nil),
      ("v=spf1 -all", .permerror, nil),
      ("", .permerror, nil),
    ] as [(String, DKIMResult, Finding.Code?)])
  func `what a record says`(_ record: String, _ result: DKIMResult, _ code: Finding.Code?) async throws {
    let signature = try await Self.evaluate([record.replacing("KEY", with: try Self.key())])
    #expect(signature.result == result)
    if let code { #expect(signature.problem?.code == code) }
    #expect(signature.lookups.count == 1)
  }

  @Test func `an identity below the domain, and t=s`() async throws {
    let tags = "v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; i=a@sub.example.com"
    let strict = try await Self.evaluate(["v=DKIM1; k=ed25519; t=s; \(Self.key())"], tags)
    #expect(strict.result == .permerror)
    #expect(strict.problem?.code == .keyNotUsable)
    #expect(try await Self.evaluate(["v=DKIM1; k=ed25519; \(Self.key())"], tags).result == .pass)
  }

  @Test func `testing mode`() async throws {
    let signature = try await Self.evaluate(["v=DKIM1; k=ed25519; t=y:s; \(Self.key())"])
    #expect(signature.result == .pass)
    #expect(signature.isTesting)
    #expect(signature.findings.map(\.code) == [.keyInTesting])
    #expect(signature.problem == nil)
  }

  @Test func `another key`() async throws {
    let other = try DKIMTestKey(.ed25519)
    let signature = try await Self.evaluate([other.record])
    #expect(signature.result == .fail)
    #expect(signature.problem?.code == .signatureMismatch)
  }

  /// RFC 6376 §3.6.2.2 leaves several records undefined: one that verifies is enough here.
  @Test(arguments: [2, 3, 4, 5])
  func `several records`(_ count: Int) async throws {
    let others = try (1..<count).map { $0 == 1 ? "v=spf1 -all" : try DKIMTestKey(.ed25519).record }
    let signature = try await Self.evaluate(others + ["k=ed25519; \(Self.key())"])
    #expect(signature.result == (count <= 4 ? .pass : .permerror))
    #expect(signature.findings.map(\.code) == [.severalRecords])
    #expect(try await Self.evaluate(others).result == .permerror)
  }

  /// 16 key records are tried for a message, those of a signature all or none.
  @Test(arguments: [(10, 1, 10), (7, 2, 7), (8, 2, 8), (9, 2, 8), (4, 4, 4), (5, 4, 4), (6, 3, 5)])
  func `several records of several signatures`(_ signatures: Int, _ records: Int, _ looked: Int) async throws {
    let domain = try DKIMTestDomain()
    let texts = try (1..<records).map { _ in try DKIMTestKey(.ed25519).record } + ["k=ed25519; \(Self.key())"]
    domain.dns.set(try DKIMTestDomain.name(.ed25519SHA256), .txt, texts.map { .text(DNSText($0)) })
    let signed = try await DKIMForgery(tags: "v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from").sign(
      DKIMTest.plain)
    let (header, _) = DKIMTest.split(signed)
    let fields = Array(repeating: Array(header.octets[header.fields[0].whole]), count: signatures - 1).joined()
    let evaluation = await DKIMTest.verify(Array(fields) + signed, domain.dns)
    let results = evaluation.signatures.map(\.result)
    #expect(results == Array(repeating: .pass, count: looked) + Array(repeating: .neutral, count: signatures - looked))
    #expect(evaluation.signatures.dropFirst(looked).allSatisfy { $0.problem?.code == .limit })
  }

  @Test(arguments: [
    (DNSAnswer.Outcome.noSuchName, DKIMResult.permerror, Finding.Code.keyMissing, VerificationReport.Verdict.failed),
    (.noRecords, .permerror, .keyMissing, .failed),
    (.records([.alias(.root)]), .permerror, .keyMissing, .failed),
    (.temporaryFailure("SERVFAIL"), .temperror, .dnsFailure, .undecided),
    (.malformed("cut short"), .temperror, .dnsFailure, .undecided),
  ])
  func `answers of the DNS`(
    _ outcome: DNSAnswer.Outcome, _ result: DKIMResult, _ code: Finding.Code, _ verdict: VerificationReport.Verdict
  ) async throws {
    let domain = try DKIMTestDomain([.ed25519SHA256])
    domain.dns.set(DNSQuestion(try DKIMTestDomain.name(.ed25519SHA256), .txt), outcome)
    let evaluation = await DKIMTest.verify(try await domain.sign(DKIMTest.plain), domain.dns)
    #expect(evaluation.signatures.map(\.result) == [result])
    #expect(evaluation.report.verdict == verdict)
    #expect(evaluation.report.findings.first?.code == code)
    #expect(evaluation.report.evidence.map(\.answer.outcome) == [outcome])
  }

  /// RFC 8301 §3.2, and our cap; the signature is never tried.
  @Test(arguments: [512, 1023, 8193, 16_384])
  func `RSA keys too short and too long`(_ bits: Int) async throws {
    let domain = try DKIMTestDomain([.rsaSHA256])
    domain.dns.set(try DKIMTestDomain.name(.rsaSHA256), texts: "v=DKIM1; p=\(Self.rsaKey(bits: bits))")
    let evaluation = await DKIMTest.verify(try await domain.sign(DKIMTest.plain), domain.dns)
    let signature = try #require(evaluation.signatures.first)
    #expect(signature.result == .policy)
    #expect(signature.keyBits == bits)
    #expect(signature.problem?.code == (bits < 1024 ? .keyTooShort : .keyTooLong))
  }

  @Test(arguments: [1024, 8192])
  func `RSA keys just long enough`(_ bits: Int) async throws {
    let domain = try DKIMTestDomain([.rsaSHA256])
    domain.dns.set(try DKIMTestDomain.name(.rsaSHA256), texts: "v=DKIM1; p=\(Self.rsaKey(bits: bits))")
    let evaluation = await DKIMTest.verify(try await domain.sign(DKIMTest.plain), domain.dns)
    #expect(evaluation.signatures.map(\.result) == [.fail])
    #expect(evaluation.signatures.map(\.keyBits) == [bits])
  }

  /// RSAPublicKey in DER with a modulus of so many bits (RFC 8017 §A.1.1), in base 64.
  static func rsaKey(bits: Int) -> String {
    func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
      let length = [content.count >> 8, content.count & 255].map { UInt8($0) }
      let form: [UInt8] = content.count < 128 ? [] : content.count < 256 ? [0x81] : [0x82, length[0]]
      return [tag] + form + [length[1]] + content
    }
    var modulus = [UInt8](repeating: 0xA5, count: (bits + 7) / 8)
    modulus[0] = bits % 8 == 0 ? 0x80 : 1 << (UInt8(bits % 8) - 1)
    if bits % 8 == 0 { modulus.insert(0, at: 0) }
    return DKIMTest.base64(element(0x30, element(2, modulus) + element(2, [1, 0, 1])))
  }

  @Test func `no key within the time is a temporary error`() async throws {
    let domain = try DKIMTestDomain()
    let (header, body) = DKIMTest.split(try await domain.sign(DKIMTest.plain))
    let verifier = DKIMVerifier(resolver: DKIMSilentDNS(), clock: DKIMHastyClock())
    let evaluation = await verifier.verify(header, body: body, at: DKIMTest.now)
    #expect(evaluation.signatures.map(\.result) == [.temperror, .temperror])
    #expect(evaluation.signatures.first?.problem?.message.contains("no answer within 20.0 seconds") == true)
    #expect(evaluation.report.verdict == .undecided)
  }

  @Test func `a cancelled task does not wait`() async throws {
    let domain = try DKIMTestDomain([.rsaSHA256])
    let (header, body) = DKIMTest.split(try await domain.sign(DKIMTest.plain))
    let task = Task { await DKIMVerifier(resolver: DKIMSilentDNS()).verify(header, body: body, at: DKIMTest.now) }
    task.cancel()
    let evaluation = await task.value
    #expect(evaluation.result == .temperror)
    #expect(evaluation.signatures.first?.problem?.message.contains("cancelled") == true)
  }
}

/// A DNS that answers when the task is cancelled, and no sooner.
struct DKIMSilentDNS: DNSResolver {
  func resolve(_ question: DNSQuestion) async -> DNSAnswer {
    for await _ in AsyncStream<Void>.makeStream().stream {}
    return DNSAnswer(.temporaryFailure("cancelled"))
  }
}

/// A clock on which every sleep is over at once.
struct DKIMHastyClock: Clock {
  var now: ContinuousClock.Instant { .now }
  var minimumResolution: Duration { .zero }
  func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {}
}
