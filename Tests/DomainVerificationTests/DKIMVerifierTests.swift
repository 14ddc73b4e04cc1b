import LibCrypto
import MailDNS
import MailModel
import SMTPTesting
import Testing

@testable import DomainVerification

@Suite struct DKIMVerifierTests {
  @Test func `an unsigned message`() async throws {
    let evaluation = await DKIMTest.verify(DKIMTest.plain, ScriptedDNS())
    #expect(evaluation.result == .none)
    #expect(evaluation.report.verdict == .failed)
    #expect(evaluation.report.findings.map(\.code) == [.noSignature])
  }

  @Test(arguments: DKIMCanonicalization.allCases)
  func `no cut of the body changes the verdict`(_ form: DKIMCanonicalization) async throws {
    let domain = try DKIMTestDomain { $0.canonicalization = form }
    let (header, body) = DKIMTest.split(try await domain.sign(DKIMTest.plain))
    let verifier = DKIMVerifier(resolver: domain.dns)
    for cut in 0...body.count {
      var verification = verifier.begin(header, at: DKIMTest.now)
      for part in [Array(body[..<cut]), Array(body[cut...])] { verification.update(part.span) }
      #expect(await verification.finish().signatures.map(\.result) == [.pass, .pass], "cut at \(cut)")
    }
  }

  /// What tags come to when the signature behind them is right as it stands.
  @Test(
    arguments: [
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from", DKIMResult.pass, nil),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; c=relaxed", .pass, nil),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h= From : to:cc ; unknown=1; z=x", .pass, nil),
      ("v=1; a=ed25519-sha256; d=EXAMPLE.com; s=Edwards; h=from; q=new/way:dns/txt", .pass, nil),
      ("a=ed25519-sha256 ; v = 1; d=example.com; s=edwards; h=from; i=a=40@sub.example.com", .pass, nil),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; t=1795360145; x=1795360146", .pass, nil),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; t=1795360146", .policy, .signatureTime),
      (
        "v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; t=99999999999999999999999999", .policy, .signatureTime
      ),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; x=1795359845", .pass, nil),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; x=1795359844", .policy, .signatureTime),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; t=2; x=2", .permerror, .signatureTime),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; t=-1", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; l=", .neutral, .syntax),
      ("v=2; a=ed25519-sha256; d=example.com; s=edwards; h=from", .permerror, .syntax),
      ("v=1.0; a=ed25519-sha256; d=example.com; s=edwards; h=from", .permerror, .syntax),
      ("a=ed25519-sha256; d=example.com; s=edwards; h=from", .neutral, .syntax),
      ("v=1; d=example.com; s=edwards; h=from", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; s=edwards; h=from", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; h=from", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; d=example.com; s=edwards; h=from", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from;; t=1", .neutral, .syntax),
      ("v=1; a=rsa-sha1; d=example.com; s=rsa; h=from", .permerror, .algorithm),
      ("v=1; a=ED25519-sha256; d=example.com; s=edwards; h=from", .permerror, .algorithm),
      ("v=1; a=rsa-sha256; d=example.com; s=edwards; h=from", .permerror, .keyNotUsable),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=to:subject", .permerror, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from::to", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; c=nofws", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; q=dns/other", .permerror, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; i=a@example.org", .permerror, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; i=a@badexample.com", .permerror, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; i=a", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; i=a=4", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; i=a=00@example.com", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=com; s=edwards; h=from", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com.; s=edwards; h=from", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com\0.example.org; s=edwards; h=from", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=\"example.com\"; s=edwards; h=from", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com(.example.org); s=edwards; h=from", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=exa mple.com; s=edwards; h=from", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; s=edwards.; h=from", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; s=a..b; h=from", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; s=edw(ards; h=from", .neutral, .syntax),
      ("v=1; a=ed25519-sha256; d=example.com; s=none; h=from", .permerror, .keyMissing),
    ] as [(String, DKIMResult, Finding.Code?)])
  func `what tags say`(_ tags: String, _ result: DKIMResult, _ code: Finding.Code?) async throws {
    let domain = try DKIMTestDomain()
    // A header section cannot hold a NUL here as a test's text, so the tags are written into the field as they are.
    let message = try await DKIMForgery(tags: "v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from").sign(
      DKIMTest.plain)
    let signed: [UInt8]
    if (try? TagList(Array(tags.utf8))) != nil {
      signed = try await DKIMForgery(tags: tags).sign(DKIMTest.plain)
    } else {
      let (header, _) = DKIMTest.split(message)
      signed = Array("DKIM-Signature: \(tags); bh=; b=\r\n".utf8) + message[(header.fields[0].whole.upperBound)...]
    }
    let evaluation = await DKIMTest.verify(signed, domain.dns)
    let signature = try #require(evaluation.signatures.first)
    #expect(signature.result == result)
    #expect(signature.problem?.code == code)
    let mayAsk = result == .pass || code == .keyMissing || code == .keyNotUsable
    #expect(domain.dns.questions.count == (mayAsk ? 1 : 0))
  }

  /// What a message says is shown on one line, and shortened.
  @Test(arguments: [
    "v=1\r\n\tpass", "v=1; a=x\r\n\tpass", "v=1; a=x\u{85}\u{202E}", "v=1; a=rsa-sha256; c=x\r\n pass",
    "v=1; a=rsa-sha256; s=x\r\n\tpass", "v=1; a=\(String(repeating: "x", count: 9_000))",
  ])
  func `a finding is a line`(_ tags: String) async {
    let rest = ["a=rsa-sha256", "d=example.com", "s=rsa", "h=from", "bh=AAAA", "b=AAAA"].filter {
      !tags.contains("; \($0.prefix(2))")
    }
    let text = "DKIM-Signature: \(([tags] + rest).joined(separator: "; "))\r\n"
    let evaluation = await DKIMTest.verify(Array(text.utf8) + DKIMTest.plain, ScriptedDNS())
    #expect(evaluation.report.findings.count == 1)
    for finding in evaluation.report.findings {
      #expect(finding.code == .syntax || finding.code == .algorithm)
      #expect(
        finding.description.unicodeScalars.allSatisfy { (0x20...0x7E).contains($0.value) || "§…".contains("\($0)") })
      #expect(finding.description.utf8.count < 1_000)
    }
  }

  @Test func `a limit of less than none is none`() async throws {
    var limits = DKIMLimits()
    limits.signatures = -1
    let domain = try DKIMTestDomain()
    let evaluation = await DKIMTest.verify(try await domain.sign(DKIMTest.plain), domain.dns, limits: limits)
    #expect(evaluation.signatures == [])
    #expect(evaluation.ignoredCount == 2)
  }

  @Test(arguments: ["b", "bh"], ["", "====", "AAA", "AAAA?AAA", "AAAB=", "AA=A", "AAE=\u{80}"])
  func `base 64 with dirt`(_ tag: String, _ value: String) async throws {
    let domain = try DKIMTestDomain([.ed25519SHA256])
    let signed = try await domain.sign(DKIMTest.plain)
    let other = tag == "b" ? "bh" : "b"
    let text = "v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; \(other)=AAAA; \(tag)=\(value)"
    let (header, _) = DKIMTest.split(signed)
    let octets = Array("DKIM-Signature: \(text)\r\n".utf8) + signed[header.fields[0].whole.upperBound...]
    let evaluation = await DKIMTest.verify(octets, domain.dns)
    #expect(evaluation.signatures.map(\.result) == [.neutral])
    #expect(domain.dns.questions == [])
  }

  /// `b=` is emptied where it is a tag, not where a value looks so; blanks round it go too, folds elsewhere stay.
  @Test func `where b= is`() async throws {
    let domain = try DKIMTestDomain()
    let message = try await DKIMForgery(
      tags: "v=1; a=ed25519-sha256; d=example.com; s=edwards; z=b=abc|x:b=; h=from;\r\n\tt=1;\r\n \tb2=b=1"
    ).sign(DKIMTest.plain)
    #expect(await DKIMTest.verify(message, domain.dns).result == .pass)
    let folded = String(decoding: message, as: UTF8.self).replacing(
      "; b=", with: "; b=\r\n \t\r\n ", maxReplacements: 1)
    #expect(folded.utf8.count > message.count)
    #expect(await DKIMTest.verify(Array(folded.utf8), domain.dns).result == .pass)
  }

  @Test func `a changed body asks nothing`() async throws {
    let domain = try DKIMTestDomain()
    let signed = try await domain.sign(DKIMTest.plain)
    let evaluation = await DKIMTest.verify(signed + DKIMTest.message("PS\n"), domain.dns)
    #expect(evaluation.signatures.map(\.result) == [.fail, .fail])
    #expect(evaluation.signatures.map(\.problem?.code) == [.bodyChanged, .bodyChanged])
    #expect(evaluation.signatures.first?.problem?.message.contains("not asked for") == true)
    #expect(domain.dns.questions == [])
  }

  /// l= (RFC 6376 §8.2): what is appended is told; a body that is too short fails.
  @Test(arguments: [3, 4, 5, 9])
  func `a part of the body`(_ length: Int) async throws {
    let domain = try DKIMTestDomain()
    let forgery = DKIMForgery(
      tags: "v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; l=\(length)", body: Array("1234\r\n".utf8))
    let header = DKIMTest.message("From: a@example.com\n\n")
    let evaluation = await DKIMTest.verify(try await forgery.sign(header + Array("1234more".utf8)), domain.dns)
    let signature = try #require(evaluation.signatures.first)
    #expect(signature.bodyLength == UInt64(length))
    #expect(signature.unsignedBodyCount == UInt64(10 - length))
    #expect(signature.isBodyPartlySigned)
    #expect(signature.result == (length <= 4 ? .pass : .fail))
    if length <= 4 {
      #expect(evaluation.report.verdict == .passed)
      #expect(evaluation.report.findings.map(\.code) == [.bodyPartlySigned])
    }
    let short = await DKIMTest.verify(try await forgery.sign(header + Array("1".utf8)), domain.dns)
    #expect(short.result == (length <= 3 ? .fail : .permerror))
  }

  @Test func `two From are flagged`() async throws {
    let domain = try DKIMTestDomain()
    let signed = try await DKIMForgery().sign(DKIMTest.plain)
    let evaluation = await DKIMTest.verify(DKIMTest.message("From: eve@example.org\n") + signed, domain.dns)
    #expect(evaluation.signatures.map(\.result) == [.pass])
    #expect(evaluation.fromCount == 2)
    #expect(evaluation.report.verdict == .failed)
    #expect(evaluation.report.findings.first?.code == .headerFrom)
  }

  @Test(arguments: [9, 10, 11, 50])
  func `so many signatures are looked at`(_ count: Int) async throws {
    let domain = try DKIMTestDomain()
    let signed = try await DKIMForgery(tags: "v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from").sign(
      DKIMTest.plain)
    let (header, _) = DKIMTest.split(signed)
    let field = Array(header.octets[header.fields[0].whole])
    let message = Array(Array(repeating: field, count: count - 1).joined()) + signed
    let evaluation = await DKIMTest.verify(message, domain.dns)
    #expect(evaluation.signatures.map(\.result) == Array(repeating: .pass, count: min(count, 10)))
    #expect(evaluation.ignoredCount == max(0, count - 10))
    #expect(evaluation.report.findings.contains { $0.code == .tooManySignatures } == (count > 10))
    #expect(domain.dns.questions.count == 1)
  }

  @Test(arguments: [-1, 0, 1])
  func `limits of the header section`(_ over: Int) async throws {
    let domain = try DKIMTestDomain([.ed25519SHA256])
    let signed = try await domain.sign(DKIMTest.plain)
    let (header, _) = DKIMTest.split(signed)
    for limit in [\DKIMLimits.headerOctets, \.headerFields, \.signatureOctets] {
      var limits = DKIMLimits()
      let size =
        switch limit {
        case \.headerOctets: header.octets.count
        case \.headerFields: header.fields.count
        default: header.fields[0].whole.count
        }
      limits[keyPath: limit] = size - over
      let evaluation = await DKIMTest.verify(signed, domain.dns, limits: limits)
      #expect(evaluation.signatures.map(\.result) == [over > 0 ? .neutral : .pass])
      if over > 0 { #expect(evaluation.signatures.first?.problem?.code == .limit) }
    }
  }

  @Test func `a field of 64 KiB`() async throws {
    let names = String(repeating: "from:", count: 13_000) + "from"
    let field = Array("DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=rsa; h=\(names); bh=AAAA; b=AAAA\r\n".utf8)
    let evaluation = await DKIMTest.verify(field + DKIMTest.plain, ScriptedDNS())
    #expect(evaluation.signatures.map(\.result) == [.neutral])
  }

  /// The signature that is looked at is not among those it names (RFC 6376 §3.5).
  @Test func `a signature of other signatures`() async throws {
    let domain = try DKIMTestDomain()
    let first = try await DKIMForgery().sign(DKIMTest.plain)
    let tags = "v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from:dkim-signature:dkim-signature"
    let second = try await DKIMForgery(tags: tags).sign(first)
    #expect(await DKIMTest.verify(second, domain.dns).signatures.map(\.result) == [.pass, .pass])
    let third = try await DKIMForgery().sign(second)
    #expect(await DKIMTest.verify(third, domain.dns).signatures.map(\.result) == [.pass, .fail, .pass])
  }

  /// Any octets, torn from a signed message and put together anew: a verdict, and no trap.
  @Test func `whatever comes`() async throws {
    let domain = try DKIMTestDomain()
    let signed = try await domain.sign(DKIMTest.plain)
    var random = DKIMRandom(8463)
    for _ in 0..<1500 {
      var message: [UInt8] = Array("DKIM-Signature:".utf8)
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        let start = Int.random(in: 0..<signed.count, using: &random)
        message += signed[start..<min(signed.count, start + Int.random(in: 0...90, using: &random))]
        if Bool.random(using: &random) { message.append(UInt8.random(in: 0...255, using: &random)) }
      }
      let evaluation = await DKIMTest.verify(message, domain.dns)
      #expect(evaluation.result != .pass)
      #expect(evaluation.report.findings.isEmpty == false)
    }
  }
}
