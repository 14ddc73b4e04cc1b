public import LibCrypto

/// A private key that signs mail, kept in memory, with its public half.
public struct DKIMKeyPair: DKIMSigningKey, Sendable {
  /// The sizes of an RSA key that is made. RFC 8301 §3.2 lets 1,024 bits live, and tells signers to use 2,048, which nobody can
  /// break; every verifier takes up to 4,096. With twice the bits a signature takes seven times as long, and the record
  /// grows beyond what some DNS panels take.
  public static let rsaBits = 2_048...4_096

  /// The kind of signature it makes.
  public let algorithm: DKIMAlgorithm
  /// Its public half.
  public let verifyingKey: VerifyingKey
  private let signingKey: SigningKey

  /// The pair of a private key.
  ///
  /// - Throws: ``LibCrypto/CryptoError`` with code `unsupportedKey` for a key that is neither RSA nor Ed25519.
  public init(_ key: SigningKey) throws(CryptoError) {
    verifyingKey = try key.verifyingKey
    algorithm = if case .ed25519 = key.kind { .ed25519SHA256 } else { .rsaSHA256 }
    signingKey = key
  }

  /// The private key in `pem`, PKCS#8 or an older form, without a passphrase. An RSA key has 1,024 to 8,192 bits: one that is
  /// in use already may be shorter than one that is made.
  ///
  /// - Throws: ``LibCrypto/CryptoError`` as ``LibCrypto/SigningKey/init(pem:)`` does, with code `unsupportedKey` for a key that
  ///   is neither RSA nor Ed25519.
  public init(pem: [UInt8]) throws(CryptoError) { try self.init(SigningKey(pem: pem.span)) }

  /// A new pair.
  ///
  /// Making an RSA key takes a tenth of a second and more of computing: not on an event loop.
  ///
  /// - Parameters:
  ///   - algorithm: RSA by default, which all verifiers know; Ed25519 (RFC 8463) may sign beside it, and not yet instead.
  ///   - bits: of the RSA modulus, ``rsaBits``; by default 2,048. Of no meaning to Ed25519.
  /// - Throws: ``LibCrypto/CryptoError`` with code `unsupportedKey` for another number of bits.
  public static func generate(
    _ algorithm: DKIMAlgorithm = .rsaSHA256, bits: Int = 2_048
  ) throws(CryptoError) -> DKIMKeyPair {
    switch algorithm {
    case .rsaSHA256:
      guard rsaBits.contains(bits) else {
        throw CryptoError(.unsupportedKey, "an RSA key that is made for DKIM has 2,048 to 4,096 bits")
      }
      return try DKIMKeyPair(.generate(.rsa(bits: bits)))
    case .ed25519SHA256: return try DKIMKeyPair(.generate(.ed25519))
    }
  }

  /// The private key as PKCS#8 in PEM, without a passphrase. Whoever has it can sign.
  public func pem() throws(CryptoError) -> [UInt8] { try signingKey.pem() }

  /// The record to publish at the selector.
  public var keyRecord: DKIMKeyRecord { DKIMKeyRecord(verifyingKey) }

  /// ``DKIMSigningKey``.
  ///
  /// - Throws: ``LibCrypto/CryptoError`` with code `invalidArgument` for a digest that has not 32 octets.
  public func signature(ofDigest digest: [UInt8]) async throws -> [UInt8] {
    guard digest.count == SHA256.digestCount else {
      throw CryptoError(.invalidArgument, "a SHA-256 digest has 32 octets")
    }
    return try signingKey.sign(digest: digest.span)
  }
}
