public import LibCrypto
public import MailDNS
public import MailModel

/// A public key as a domain publishes it in a TXT record (RFC 6376 §3.6.1, RFC 8463 §4).
public struct DKIMKeyRecord: Hashable, Sendable, CustomStringConvertible {
  /// The type of the key (`k=`): `rsa`, which is the default, `ed25519`, or one that is unknown.
  public internal(set) var keyType: String
  /// The hash algorithms that may be used (`h=`), unknown ones too; `nil` where all may be.
  public internal(set) var hashes: [String]?
  /// What the key is for (`s=`): `*`, which is the default, stands for everything, `email` for mail.
  public internal(set) var services: [String]
  /// The flags (`t=`), unknown ones too: ``isTesting``, ``isStrict``.
  public internal(set) var flags: [String]
  /// What the administrator noted (`n=`), as it stands there, in quoted-printable; `nil` where there is no note.
  public internal(set) var notes: String?
  /// What `p=` spells; nothing where the key is revoked.
  public internal(set) var keyOctets: [UInt8]
  /// The key; `nil` where it is revoked or cannot be read, of which ``keyProblem`` tells.
  public internal(set) var key: VerifyingKey?
  /// Why there is no key; `nil` where there is one.
  public internal(set) var keyProblem: DKIMKeyProblem?
  /// What is lawful in the record, and yet makes some verifiers stumble, in order.
  public internal(set) var remarks: [DKIMKeyProblem]

  /// A record of a key for every use.
  ///
  /// - Parameter isTesting: sets `t=y`: verifiers shall treat mail with such a signature as mail without one.
  public init(_ key: VerifyingKey, isTesting: Bool = false) {
    switch key.kind {
    case .rsa: (keyType, keyOctets) = ("rsa", key.subjectPublicKeyInfo)
    default: (keyType, keyOctets) = ("ed25519", key.rawRepresentation)
    }
    (hashes, services, flags, remarks) = (nil, ["*"], isTesting ? ["y"] : [], [])
    self.key = key
  }

  /// The record that takes a key back: its `p=` is empty.
  public static let revoked: DKIMKeyRecord = {
    var record = DKIMKeyRecord(keyType: "rsa")
    record.keyProblem = DKIMKeyProblem(.revoked, "the key is revoked: p= is empty")
    return record
  }()

  init(keyType: String) {
    self.keyType = keyType
    (hashes, services, flags, keyOctets, remarks) = (nil, ["*"], [], [], [])
  }

  /// Whether the key was taken back: `p=` is empty.
  public var isRevoked: Bool { keyOctets.isEmpty }
  /// Whether the domain only tries DKIM (`t=y`).
  public var isTesting: Bool { flags.contains("y") }
  /// Whether the identity of a signature (`i=`) must be of the very domain, and of none below it (`t=s`).
  public var isStrict: Bool { flags.contains("s") }

  /// Whether this publishes `key`. Answered by the key itself: the order of tags, blanks, the splitting into strings and the
  /// encoding of the key do not matter.
  public func holds(_ key: VerifyingKey) -> Bool { self.key == key }

  /// The key, if it may verify signatures of mail by `algorithm`, in the order of RFC 6376 §6.1.2.
  ///
  /// - Throws: the problem that keeps it from that. None of them is of kind `syntax` or `spelling`.
  public func key(for algorithm: DKIMAlgorithm) throws(DKIMKeyProblem) -> VerifyingKey {
    guard services.contains(where: { $0 == "*" || $0 == "email" }) else {
      throw DKIMKeyProblem(.serviceType, "s= does not allow mail")
    }
    guard hashes?.contains("sha256") ?? true else {
      throw DKIMKeyProblem(.hashAlgorithm, "h= does not allow sha256")
    }
    guard let key else { throw keyProblem ?? DKIMKeyProblem(.keyData, "there is no key") }
    guard algorithm.isFor(key.kind) else {
      throw DKIMKeyProblem(.keyType, "the key is of type \(keyType), and the signature \(algorithm.rawValue)")
    }
    guard key.isUsable else { throw Self.problem(ofUnusable: key) }
    return key
  }

  private static func problem(ofUnusable key: VerifyingKey) -> DKIMKeyProblem {
    guard case .rsa(let bits) = key.kind else { return DKIMKeyProblem(.keyData, "the key cannot be used") }
    if bits < VerifyingKey.usableRSABits.lowerBound {
      return DKIMKeyProblem(.tooShort, "an RSA key of \(bits) bits can be broken")
    }
    if bits > VerifyingKey.usableRSABits.upperBound {
      return DKIMKeyProblem(.tooLong, "an RSA key of \(bits) bits takes too long to verify")
    }
    return DKIMKeyProblem(
      .keyData, "RSA takes an odd modulus and an odd exponent of 2 to 64 bits: others are unsafe or take too long")
  }
}

extension DKIMAlgorithm {
  /// The type of its keys as `k=` names it.
  var keyType: String {
    switch self {
    case .rsaSHA256: "rsa"
    case .ed25519SHA256: "ed25519"
    }
  }

  func isFor(_ kind: VerifyingKey.Kind) -> Bool {
    switch (self, kind) {
    case (.rsaSHA256, .rsa), (.ed25519SHA256, .ed25519): true
    default: false
    }
  }
}

extension DKIMKeyRecord {
  /// The value of the TXT record, `v=DKIM1; k=rsa; p=…`, without notes and tags that are unknown.
  public var description: String {
    var tags = ["v=DKIM1"]
    if let hashes { tags.append("h=\(hashes.joined(separator: ":"))") }
    tags.append("k=\(keyType)")
    if services != ["*"] { tags.append("s=\(services.joined(separator: ":"))") }
    if !flags.isEmpty { tags.append("t=\(flags.joined(separator: ":"))") }
    var value: [UInt8] = []
    Base64.encode(keyOctets.span, into: &value)
    tags.append("p=\(String(decoding: value, as: UTF8.self))")
    return tags.joined(separator: "; ")
  }

  /// The TXT record: ``description`` in strings of at most 255 octets.
  public var text: DNSText { DNSText(description) }

  /// The line of a master file (RFC 1035 §5.1) that publishes this, for an administrator to paste:
  /// `selector._domainkey.example.com. IN TXT ( "v=DKIM1; k=rsa; p=…" "…" )`. `nil` where the name is too long for the DNS.
  public func masterFileLine(_ selector: DKIMSelector, in domain: DomainName) -> String? {
    selector.name(in: domain).map { "\($0). IN TXT ( \(DNSRecord.text(text)) )" }
  }
}
