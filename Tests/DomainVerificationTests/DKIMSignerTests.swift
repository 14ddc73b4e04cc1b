import LibCrypto
import MailModel
import SMTPTesting
import Testing

@testable import DomainVerification

@Suite struct DKIMSignerTests {
  @Test(arguments: DKIMCanonicalization.allCases, DKIMAlgorithm.allCases)
  func `what is signed verifies`(_ form: DKIMCanonicalization, _ algorithm: DKIMAlgorithm) async throws {
    let domain = try DKIMTestDomain([algorithm]) { $0.canonicalization = form }
    let message = try await domain.sign(DKIMTest.plain)
    let evaluation = await DKIMTest.verify(message, domain.dns)
    #expect(evaluation.signatures.map(\.result) == [.pass])
    #expect(evaluation.signatures.first?.algorithm == algorithm.rawValue)
    #expect(evaluation.signatures.first?.findings == [])
    #expect(evaluation.report.verdict == .passed)
  }

  @Test func `two keys make two fields, which verify both`() async throws {
    let domain = try DKIMTestDomain()
    let evaluation = await DKIMTest.verify(try await domain.sign(DKIMTest.plain), domain.dns)
    #expect(evaluation.signatures.map(\.result) == [.pass, .pass])
    #expect(evaluation.signatures.map(\.selector) == ["rsa", "edwards"])
  }

  @Test func `the field is folded, and says what was chosen`() async throws {
    let domain = try DKIMTestDomain {
      $0.identity = "joe;=\u{FC}@mail.example.com"
      $0.lifetime = .seconds(3600)
    }
    let signed = try await domain.sign(DKIMTest.plain)
    let fields = String(decoding: signed.dropLast(DKIMTest.plain.count), as: UTF8.self)
    let lines = fields.utf8.split(separator: 10).map(Array.init)
    #expect(lines.allSatisfy { $0.count <= 79 && $0.last == 13 })
    #expect(fields.contains("v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=rsa;"))
    #expect(fields.contains(" t=1795359845; x=1795363445; i=joe=3B=3D=C3=BC@mail.example.com;"))
    #expect(!fields.contains("l="))
    let evaluation = await DKIMTest.verify(signed, domain.dns)
    #expect(evaluation.signatures.map(\.result) == [.pass, .pass])
    #expect(evaluation.signatures.first?.identity == "joe;=\u{FC}@mail.example.com")
  }

  @Test func `long names make long lines, and verify`() async throws {
    let name = Array(repeating: String(repeating: "d", count: 60), count: 3).joined(separator: ".")
    let key = try DKIMTestKey.of(.ed25519SHA256)
    let selector = try #require(DKIMSelector("edwards"))
    let signer = try DKIMSigner(domain: try #require(DomainName(name)), keys: [(selector: selector, key: key)])
    let (header, body) = DKIMTest.split(DKIMTest.plain)
    var hash = try signer.begin()
    hash.update(body.span)
    let field = try await signer.sign(header, try hash.finish(), at: DKIMTest.now)
    let domain = try DKIMTestDomain()
    domain.dns.set(try #require(selector.name(in: signer.domain)), texts: key.record)
    let evaluation = await DKIMTest.verify(field + DKIMTest.plain, domain.dns)
    #expect(evaluation.signatures.map(\.result) == [.pass])
  }

  /// RFC 5321 §4.5.3.1.1; no line is over 998 octets, however much quoted-printable makes of the identity.
  @Test(arguments: [63, 64, 65])
  func `so long is the local part of an identity`(_ count: Int) async throws {
    let labels = Array(repeating: String(repeating: "\u{FC}", count: 20), count: 5).joined(separator: ".")
    let identity = String(repeating: "=", count: count) + "@\(labels).example.com"
    guard count <= DKIMSigner.largestLocalPartCount else {
      let error = #expect(throws: DKIMError.self) { try DKIMTestDomain { $0.identity = identity } }
      #expect(error?.code == .configuration)
      return
    }
    let domain = try DKIMTestDomain([.ed25519SHA256]) { $0.identity = identity }
    let signed = try await domain.sign(DKIMTest.plain)
    #expect(signed.split(separator: 10).allSatisfy { $0.count <= 999 })
    let evaluation = await DKIMTest.verify(signed, domain.dns)
    #expect(evaluation.signatures.map(\.result) == [.pass])
    #expect(evaluation.signatures.first?.identity?.hasPrefix(String(repeating: "=", count: count) + "@xn--") == true)
  }

  /// A key kept elsewhere may err; a field that nobody can verify is not written.
  @Test(arguments: [
    (DKIMAlgorithm.rsaSHA256, [0, 1, 127, 1025], [128, 256, 1024]), (.ed25519SHA256, [0, 63, 65], [64]),
  ])
  func `octets that are no signature`(_ algorithm: DKIMAlgorithm, _ bad: [Int], _ good: [Int]) async throws {
    struct Vault: DKIMSigningKey {
      let algorithm: DKIMAlgorithm
      let count: Int
      func signature(ofDigest digest: [UInt8]) async throws -> [UInt8] { Array(repeating: 7, count: count) }
    }
    let selector = try #require(DKIMSelector("s"))
    func fields(_ count: Int) async throws -> [UInt8] {
      let key = Vault(algorithm: algorithm, count: count)
      let signer = try DKIMSigner(
        domain: try #require(DomainName("example.com")), keys: [(selector: selector, key: key)])
      let digest = try signer.begin().finish()
      return try await signer.sign(DKIMTest.split(DKIMTest.plain).header, digest, at: DKIMTest.now)
    }
    for count in bad {
      let error = await #expect(throws: DKIMError.self) { try await fields(count) }
      #expect(error?.code == .configuration, "\(count)")
      #expect(error?.message.contains("\(count) octets") == true)
    }
    for count in good { #expect(try await fields(count).count > count) }
  }

  /// Each field once more than it stands there; those that matter, where there are none.
  @Test func `what is named`() async throws {
    let domain = try DKIMTestDomain([.ed25519SHA256])
    let message = DKIMTest.message(
      """
      Return-Path: <joe@example.com>
      Received: from a by b; Fri, 11 Jul 2003 21:01:54 -0700
      From: joe@example.com
      List-Unsubscribe: <https://example.com/1>
      List-Unsubscribe-Post: List-Unsubscribe=One-Click
      Bcc: secret@example.com
      Comments: none
      X-Mailer: ours
      References: <1@example.com>
      References: <2@example.com>

      Text

      """)
    let evaluation = await DKIMTest.verify(try await domain.sign(message), domain.dns)
    let signature = try #require(evaluation.signatures.first)
    #expect(signature.result == .pass)
    let counts = Dictionary(grouping: signature.signedFields, by: \.self).mapValues(\.count)
    #expect(
      counts == [
        "from": 2, "to": 1, "cc": 1, "subject": 1, "date": 1, "message-id": 1, "reply-to": 1, "sender": 1,
        "mime-version": 1, "content-type": 1, "content-transfer-encoding": 1, "references": 3,
        "list-unsubscribe": 2, "list-unsubscribe-post": 2,
      ])
  }

  @Test(
    arguments: [
      "From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To", "Sender", "MIME-Version", "Content-Type",
      "Content-Transfer-Encoding", "List-Unsubscribe", "List-Unsubscribe-Post", "In-Reply-To", "References",
    ], [true, false])
  func `a field that is added breaks the signature`(_ name: String, _ isOnTop: Bool) async throws {
    let message =
      DKIMTest.message(
        "List-Unsubscribe: <https://example.com/1>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n"
          + "In-Reply-To: <1@example.com>\nReferences: <1@example.com>\n") + DKIMTest.plain
    let domain = try DKIMTestDomain([.ed25519SHA256])
    let signed = try await domain.sign(message)
    let added = DKIMTest.message("\(name): added\n")
    let (header, body) = DKIMTest.split(signed)
    let octets = (isOnTop ? added + header.octets : header.octets + added) + [13, 10] + body
    let evaluation = await DKIMTest.verify(octets, domain.dns)
    #expect(evaluation.signatures.map(\.result) == [.fail])
    #expect(evaluation.signatures.first?.problem?.code == .signatureMismatch)
  }

  @Test(arguments: [0, 1, 2])
  func `a message has one From`(_ count: Int) async throws {
    let domain = try DKIMTestDomain()
    let message = DKIMTest.message(
      String(repeating: "From: a@example.com\n", count: count) + "Subject: x\n\nText\n")
    if count == 1 {
      #expect(try await domain.sign(message).count > message.count)
    } else {
      let error = await #expect(throws: DKIMError.self) { try await domain.sign(message) }
      #expect(error?.code == .headerFrom)
      #expect(error?.message.contains("\(count) header fields From") == true)
    }
  }

  @Test(arguments: [19, 20, 21])
  func `so many fields of a name are signed`(_ count: Int) async throws {
    let domain = try DKIMTestDomain([.ed25519SHA256])
    let message = DKIMTest.message(
      "From: a@example.com\n" + String(repeating: "References: <a@b.example>\n", count: count) + "\nText\n")
    guard count <= DKIMSignedFields.largestCount else {
      let error = await #expect(throws: DKIMError.self) { try await domain.sign(message) }
      #expect(error?.code == .headerFields)
      return
    }
    let evaluation = await DKIMTest.verify(try await domain.sign(message), domain.dns)
    #expect(evaluation.signatures.map(\.result) == [.pass])
  }

  @Test func `what no signature can be made of`() throws {
    let key = (selector: try #require(DKIMSelector("s")), key: try DKIMTestKey.of(.ed25519SHA256))
    func code(_ domain: String, isKeyless: Bool = false, _ change: (inout DKIMSigner.Options) -> Void = { _ in }) throws
      -> DKIMError.Code?
    {
      var options = DKIMSigner.Options()
      change(&options)
      let domain = try #require(DomainName(domain))
      return #expect(throws: DKIMError.self) {
        try DKIMSigner(domain: domain, keys: isKeyless ? [] : [key], options: options)
      }?.code
    }
    #expect(try code("example.com", isKeyless: true) == .configuration)
    #expect(try code("localhost") == .configuration)
    #expect(try code("example.com") { $0.lifetime = .milliseconds(999) } == .configuration)
    for identity in ["", "example.com", "a@example.org", "a@badexample.com", "a\n@example.com", "a@"] {
      #expect(try code("example.com") { $0.identity = identity } == .configuration, "\(identity)")
    }
  }

  /// A name of 253 octets is the longest; nobody could ask for the key of a longer one.
  @Test(arguments: [49, 50, 51])
  func `the name of a key fits the DNS`(_ count: Int) throws {
    let domain = try #require(
      DomainName(Array(repeating: String(repeating: "d", count: 63), count: 3).joined(separator: ".")))
    let selector = try #require(DKIMSelector(String(repeating: "s", count: count)))
    let keys = [(selector: selector, key: try DKIMTestKey.of(.ed25519SHA256) as any DKIMSigningKey)]
    if count <= 50 {
      #expect(try DKIMSigner(domain: domain, keys: keys).domain == domain)
    } else {
      let error = #expect(throws: DKIMError.self) { try DKIMSigner(domain: domain, keys: keys) }
      #expect(error?.code == .configuration)
    }
  }

  @Test func `a body hashed in another form is not signed`() async throws {
    let domain = try DKIMTestDomain([.ed25519SHA256]) { $0.canonicalization = .simple }
    let digest = try DKIMBodyHash(.relaxed).finish()
    let error = await #expect(throws: DKIMError.self) {
      try await domain.signer.sign(DKIMTest.split(DKIMTest.plain).header, digest, at: DKIMTest.now)
    }
    #expect(error?.code == .bodyHash)
  }

  @Test func `an error of the key is the signer's`() async throws {
    struct Unavailable: Error {}
    struct Vault: DKIMSigningKey {
      let algorithm = DKIMAlgorithm.rsaSHA256
      func signature(ofDigest digest: [UInt8]) async throws -> [UInt8] { throw Unavailable() }
    }
    let selector = try #require(DKIMSelector("s"))
    let signer = try DKIMSigner(
      domain: try #require(DomainName("example.com")), keys: [(selector: selector, key: Vault())])
    let digest = try signer.begin().finish()
    await #expect(throws: Unavailable.self) {
      try await signer.sign(DKIMTest.split(DKIMTest.plain).header, digest, at: DKIMTest.now)
    }
  }
}
