import LibCrypto
public import MailModel

/// Signs messages (RFC 6376, RFC 8301, RFC 8463).
///
/// The body is hashed while it comes in, the header section is given when it is complete:
///
///     var body = try signer.begin()
///     body.update(chunk)
///     let fields = try await signer.sign(header, try body.finish(), at: now)
///
/// What comes back goes in front of that very header section.
///
/// What is signed: From, To, Cc, Subject, Date, Message-ID, Reply-To, Sender, MIME-Version, Content-Type and
/// Content-Transfer-Encoding, whether or not the message has them; In-Reply-To, References, the fields of mailing lists,
/// List-Unsubscribe-Post (RFC 8058) and a few more where it has them; each once more than it stands there, so that nobody can add one.
/// And the whole body: never a part (`l=`).
public struct DKIMSigner: Sendable {
  /// What may be chosen.
  public struct Options: Hashable, Sendable {
    /// The forms in which header fields and body are hashed.
    public var canonicalization = DKIMCanonicalization.relaxed
    /// On whose behalf the message is signed (`i=`): `user@example.com` or `@example.com`, in the domain that signs or below it,
    /// with at most 64 octets before the `@` (RFC 5321 §4.5.3.1.1). `nil`: the field does not say.
    public var identity: String?
    /// How long after the signing the signature holds (`x=`), at least a second; `nil`: for ever.
    public var lifetime: Duration?

    /// The options above.
    public init() {}
  }

  /// Whose signature it is (`d=`).
  public let domain: DomainName
  private let keys: [(selector: DKIMSelector, key: any DKIMSigningKey)]
  private let options: Options

  /// A signer for a domain.
  ///
  /// - Parameter keys: one signature is made with each, in this order: an RSA key for everybody, and an Ed25519 key for those who
  ///   know it, for example (RFC 8463 §3).
  /// - Throws: ``DKIMError`` with code ``DKIMError/Code/configuration`` for no keys, a domain of one label (RFC 6376 §3.5), a
  ///   selector with which the key's name is too long for the DNS, an identity that is none, too long or elsewhere, and a
  ///   lifetime under a second.
  public init(
    domain: DomainName, keys: [(selector: DKIMSelector, key: any DKIMSigningKey)], options: Options = Options()
  ) throws(DKIMError) {
    func check(_ isGood: Bool, _ message: String) throws(DKIMError) {
      if !isGood { throw DKIMError(.configuration, message) }
    }
    try check(!keys.isEmpty, "there is no key to sign with")
    try check(domain.description.utf8.contains(UInt8(ascii: ".")), "\(domain) is a single label, and cannot sign")
    for (selector, _) in keys {
      try check(
        selector.name(in: domain) != nil, "the name of the key \(selector) of \(domain) is too long for the DNS")
    }
    try check(options.lifetime.map { $0 >= .seconds(1) } ?? true, "a signature holds for a second at least")
    try check(options.identity.map { Self.isIdentity($0, of: domain) } ?? true, "the identity is not one of \(domain)")
    (self.domain, self.keys, self.options) = (domain, keys, options)
  }

  /// Octets before the `@` of an identity. With each octet in quoted-printable it fits a line of 998 then (RFC 5322 §2.1.1).
  static let largestLocalPartCount = 64

  private static func isIdentity(_ text: String, of domain: DomainName) -> Bool {
    guard let at = text.lastIndex(of: "@"), text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }),
      text[..<at].utf8.count <= largestLocalPartCount
    else { return false }
    return DomainName(String(text[text.index(after: at)...]))?.isWithin(domain) ?? false
  }

  /// Begins to hash a body, in the form that this signer signs.
  ///
  /// - Throws: ``DKIMError`` with code ``DKIMError/Code/cryptography`` where libcrypto has no memory for it.
  public func begin() throws(DKIMError) -> DKIMBodyHash { try DKIMBodyHash(options.canonicalization.body) }

  /// The DKIM-Signature fields of a message, one for each key, in lines of at most 78 octets where names allow it, each with its CRLF.
  ///
  /// - Parameters:
  ///   - header: the complete header section.
  ///   - body: what ``begin()`` came to.
  ///   - now: what the calendar says (`t=`).
  /// - Throws: ``DKIMError`` with code ``DKIMError/Code/headerFrom`` unless there is exactly one From, with
  ///   ``DKIMError/Code/headerFields`` for over 20 fields of a name that is signed, with ``DKIMError/Code/bodyHash`` for a body
  ///   hashed in another form, with ``DKIMError/Code/configuration`` for a key whose octets cannot be a signature; and whatever a
  ///   key throws.
  public func sign(_ header: HeaderSection, _ body: DKIMBodyDigest, at now: Timestamp) async throws -> [UInt8] {
    guard body.canonicalization == options.canonicalization.body else {
      throw DKIMError(.bodyHash, "the body is hashed \(body.canonicalization.rawValue); begin() says how")
    }
    let fields = DKIMHeaderFields(header)
    let names = try DKIMSignedFields.names(in: fields)
    let signed = fields.canonical(names, options.canonicalization.header)
    var output: [UInt8] = []
    for (selector, key) in keys {
      var field = DKIMFieldWriter()
      field.write("v=1;", "a=\(key.algorithm.rawValue);", "c=\(options.canonicalization);")
      field.write("d=\(domain);", "s=\(selector);")
      writeTimes(now, to: &field)
      if let identity = options.identity { field.write("i=\(QuotedPrintable.encode(identity));") }
      field.write(list: names, of: "h=")
      field.write("bh=\(Self.base64(body.octets));", "b=")
      let signature = try await key.signature(ofDigest: try digest(signed, field.octets))
      guard key.algorithm.signatureCounts.contains(signature.count) else {
        throw DKIMError(
          .configuration,
          "the key of \(selector) gave \(signature.count) octets, which are no \(key.algorithm.rawValue)")
      }
      field.write(base64: Self.base64(signature))
      output += field.octets
      output += "\r\n".utf8
    }
    return output
  }

  private func writeTimes(_ now: Timestamp, to field: inout DKIMFieldWriter) {
    func seconds(_ instant: Timestamp) -> Int64 { max(0, instant.milliseconds / 1000) }
    field.write("t=\(seconds(now));")
    if let lifetime = options.lifetime { field.write("x=\(seconds(now + lifetime));") }
  }

  /// The digest of the header fields and of the signature's own field, whose `b=` is empty yet (RFC 6376 §3.7).
  private func digest(_ signed: [UInt8], _ field: [UInt8]) throws(DKIMError) -> [UInt8] {
    var octets = signed
    octets.reserveCapacity(signed.count + field.count)
    field.span.appendCanonicalField(
      options.canonicalization.header, nameCount: DKIMFieldWriter.name.utf8.count,
      valueStart: DKIMFieldWriter.name.utf8.count + 1, to: &octets)
    do {
      return try SHA256.digest(of: octets.span)
    } catch {
      throw DKIMError(.cryptography, "the header fields could not be hashed", cause: error)
    }
  }

  private static func base64(_ octets: [UInt8]) -> String {
    var text: [UInt8] = []
    Base64.encode(octets.span, into: &text)
    return String(decoding: text, as: UTF8.self)
  }
}

extension DKIMAlgorithm {
  /// How many octets a signature has: those of a modulus that verifiers take, or 64 (RFC 8032 §5.1.6).
  fileprivate var signatureCounts: ClosedRange<Int> {
    switch self {
    case .rsaSHA256: (VerifyingKey.usableRSABits.lowerBound / 8)...(VerifyingKey.usableRSABits.upperBound / 8)
    case .ed25519SHA256: 64...64
    }
  }
}
