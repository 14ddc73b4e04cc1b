import LibCrypto
import MailDNS
import MailModel
import SMTPTesting
import Testing

@testable import DomainVerification

/// What the tests of DKIM share.
enum DKIMTest {
  /// 2026-11-22T15:04:05Z
  static let now = Timestamp(milliseconds: 1_795_359_845_000)
  static let domain = "example.com"

  static func base64(_ octets: [UInt8]) -> String {
    var text: [UInt8] = []
    Base64.encode(octets.span, into: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Every line of `text` with CRLF.
  static func message(_ text: String) -> [UInt8] { text.utf8.flatMap { $0 == 10 ? [13, 10] : [$0] } }

  /// Header section and body of a message.
  static func split(_ message: [UInt8]) -> (header: HeaderSection, body: [UInt8]) {
    var scanner = HeaderScanner()
    let end = scanner.scan(message.span) ?? scanner.end(ofMessage: message.count)
    return (HeaderSection(Array(message[..<end.header])), Array(message[end.body...]))
  }

  static func verify(
    _ message: [UInt8], _ dns: any DNSResolver, limits: DKIMLimits = DKIMLimits(), at now: Timestamp = now
  ) async -> DKIMEvaluation {
    let (header, body) = split(message)
    return await DKIMVerifier(resolver: dns, limits: limits).verify(header, body: body, at: now)
  }

  /// A message of which every octet is signed.
  static let plain = message(
    """
    From: Joe SixPack <joe@example.com>
    To: Suzie Q <suzie@shopping.example.net>,
    \tsomebody  else <else@example.org>\u{20}
    Subject: Is   dinner\tready?
    Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
    Message-ID: <20030712040037.46341.5F8J@example.com>
    MIME-Version: 1.0
    Content-Type: text/plain; charset=utf-8

    Hi.

    We lost the game.  Are you \t hungry yet?\u{20}
    \t
    Joe.

    """)
}

/// A private key in memory, and what is published of it.
struct DKIMTestKey: DKIMSigningKey {
  let key: SigningKey
  let algorithm: DKIMAlgorithm
  let record: String

  init(_ kind: SigningKey.Kind) throws {
    key = try SigningKey.generate(kind)
    let isEdwards = kind == .ed25519
    algorithm = isEdwards ? .ed25519SHA256 : .rsaSHA256
    let published = try key.verifyingKey
    record =
      "v=DKIM1; k=\(isEdwards ? "ed25519" : "rsa"); p="
      + DKIMTest.base64(isEdwards ? published.rawRepresentation : published.subjectPublicKeyInfo)
  }

  func signature(ofDigest digest: [UInt8]) async throws -> [UInt8] { try key.sign(digest: digest.span) }

  static let rsa = Result { try DKIMTestKey(.rsa(bits: 2048)) }
  static let edwards = Result { try DKIMTestKey(.ed25519) }

  static func of(_ algorithm: DKIMAlgorithm) throws -> DKIMTestKey {
    try algorithm == .rsaSHA256 ? rsa.get() : edwards.get()
  }
}

/// A domain that signs with both keys, and the DNS that publishes them.
struct DKIMTestDomain {
  let dns = ScriptedDNS()
  let signer: DKIMSigner

  /// The selector of a key.
  static func selector(_ algorithm: DKIMAlgorithm) -> String { algorithm == .rsaSHA256 ? "rsa" : "edwards" }

  init(
    _ algorithms: [DKIMAlgorithm] = DKIMAlgorithm.allCases, _ change: (inout DKIMSigner.Options) -> Void = { _ in }
  ) throws {
    var options = DKIMSigner.Options()
    change(&options)
    for algorithm in DKIMAlgorithm.allCases {
      try dns.set(Self.name(algorithm), texts: DKIMTestKey.of(algorithm).record)
    }
    signer = try DKIMSigner(
      domain: try #require(DomainName(DKIMTest.domain)),
      keys: try algorithms.map {
        (selector: try #require(DKIMSelector(Self.selector($0))), key: try DKIMTestKey.of($0))
      },
      options: options)
  }

  /// Where a key is published.
  static func name(_ algorithm: DKIMAlgorithm) throws -> DNSName {
    try #require(DNSName("\(selector(algorithm))._domainkey.\(DKIMTest.domain)"))
  }

  /// A message with its signatures in front.
  func sign(_ message: [UInt8]) async throws -> [UInt8] {
    let (header, body) = DKIMTest.split(message)
    var hash = try signer.begin()
    hash.update(body.span)
    return try await signer.sign(header, try hash.finish(), at: DKIMTest.now) + message
  }
}

/// A signature whose tags a test writes itself, right or wrong, signed as they stand.
struct DKIMForgery {
  var tags = "v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from:to:subject:date"
  /// What `bh=` is made of.
  var body: [UInt8]?
  var algorithm = DKIMAlgorithm.ed25519SHA256

  /// `message` behind that signature, whose `c=` and `l=` are followed.
  func sign(_ message: [UInt8]) async throws -> [UInt8] {
    let (header, body) = DKIMTest.split(message)
    let list = try TagList(Array(tags.utf8))
    let form = list["c"].flatMap { DKIMCanonicalization($0) } ?? .simple
    var hash = try DKIMBodyHash(form.body, limit: list["l"].flatMap { UInt64($0) } ?? .max)
    let covered = self.body ?? body
    hash.update(covered.span)
    let field = Array("DKIM-Signature: \(tags); bh=\(DKIMTest.base64(try hash.finish().octets)); b=".utf8)
    let names = (list.compact("h") ?? []).split(separator: UInt8(ascii: ":"))
    var signed = DKIMHeaderFields(header).canonical(
      names.map { String(decoding: $0, as: UTF8.self).lowercased() }, form.header)
    field.span.appendCanonicalField(form.header, nameCount: 14, valueStart: 15, to: &signed)
    let digest = try SHA256.digest(of: signed.span)
    let signature = try await DKIMTestKey.of(algorithm).signature(ofDigest: digest)
    return field + DKIMTest.base64(signature).utf8 + "\r\n".utf8 + message
  }
}

/// SplitMix64: the same numbers in every run.
struct DKIMRandom: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
