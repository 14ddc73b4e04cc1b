import COpenSSL

/// A public key that tells whether a signature was made by its private half. Never changed, so threads may share it. Two are
/// equal where their key material is, however they were encoded.
@safe public final class VerifyingKey: @unchecked Sendable {
  /// The kind of a key.
  @nonexhaustive public enum Kind: Hashable, Sendable {
    /// RSA with a modulus of so many bits, 512 to 16,384.
    case rsa(bits: Int)
    /// Ed25519 (RFC 8032).
    case ed25519
  }

  /// The sizes of an RSA modulus that can be read, so that one can say what is wrong with a key.
  public static let readableRSABits = 512...16_384
  /// The sizes of an RSA modulus that signatures are verified with: below, keys can be broken (RFC 8301 §3.2); above, a
  /// verification costs us milliseconds, and whoever publishes such a key nothing.
  public static let usableRSABits = 1_024...8_192

  /// What it is.
  public let kind: Kind
  private let material: PublicKeyMaterial
  private let key: OpaquePointer  // EVP_PKEY

  private init(_ material: PublicKeyMaterial) throws(CryptoError) {
    let encoded = material.encoded
    let key = unsafe encoded.withUnsafeBufferPointer { octets -> OpaquePointer? in
      switch material {
      case .rsa:
        var cursor = octets.baseAddress
        return unsafe d2i_PublicKey(EVP_PKEY_RSA, nil, &cursor, octets.count)
      case .ed25519:
        return unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, octets.baseAddress, octets.count)
      }
    }
    guard let key = unsafe key else { throw .fromLibrary("no public key", code: .unreadableKey) }
    unsafe self.key = key
    self.material = material
    kind = if case .rsa = material { .rsa(bits: material.rsaBits) } else { .ed25519 }
  }

  deinit { unsafe EVP_PKEY_free(key) }

  /// A key from SubjectPublicKeyInfo in DER (RFC 5280 §4.1.2.7).
  ///
  /// - Throws: ``CryptoError`` with code ``CryptoError/Code/unreadableKey`` for octets that are none or more than one, with
  ///   ``CryptoError/Code/unsupportedKey`` for a key of another kind, or of a size beyond ``readableRSABits``.
  public convenience init(subjectPublicKeyInfo octets: Span<UInt8>) throws(CryptoError) {
    try self.init(PublicKeyMaterial(subjectPublicKeyInfo: octets.array()))
  }

  /// A key from RSAPublicKey in DER (PKCS#1, RFC 8017 §A.1.1). Throws as ``init(subjectPublicKeyInfo:)`` does.
  public convenience init(rsaPublicKey octets: Span<UInt8>) throws(CryptoError) {
    try self.init(PublicKeyMaterial(rsaPublicKey: octets.array()[...]))
  }

  /// A key from the 32 octets of an Ed25519 key (RFC 8032 §5.1.5).
  ///
  /// - Throws: ``CryptoError`` with code ``CryptoError/Code/unreadableKey`` for any other count.
  public convenience init(ed25519 octets: Span<UInt8>) throws(CryptoError) {
    guard octets.count == PublicKeyMaterial.ed25519Count else {
      throw CryptoError(.unreadableKey, "an Ed25519 key has 32 octets")
    }
    try self.init(.ed25519(octets.array()))
  }

  /// Whether signatures are verified with it: always with Ed25519, with RSA for an odd modulus in ``usableRSABits`` and an odd
  /// exponent of 2 to 64 bits. By an exponent of 1 anybody signs; one as long as the modulus makes verifying as dear as signing
  /// without the primes, 5 ms at 3,072 bits (libcrypto itself refuses it above); 65,537 is what all use.
  public var isUsable: Bool {
    guard case .rsa(let modulus, let exponent) = material else { return true }
    func isOdd(_ number: [UInt8]) -> Bool { number.last.map { $0 & 1 == 1 } ?? false }
    return Self.usableRSABits.contains(material.rsaBits) && isOdd(modulus)
      && exponent.count <= 8 && exponent != [1] && isOdd(exponent)
  }

  /// The key as SubjectPublicKeyInfo in DER: what `openssl pkey -pubout` writes, and what a fingerprint is made of.
  public var subjectPublicKeyInfo: [UInt8] { material.subjectPublicKeyInfo }

  /// The 32 octets of an Ed25519 key, or RSAPublicKey in DER.
  public var rawRepresentation: [UInt8] { material.encoded }

  /// Whether `signature` is the one of this key for a digest: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2) over a digest of
  /// 32 octets, or Ed25519 (RFC 8032) over the digest as its message.
  ///
  /// Octets of any count may be given; those that cannot be a signature are none. A key that is not ``isUsable`` accepts none.
  public func isSignature(_ signature: Span<UInt8>, ofDigest digest: Span<UInt8>) -> Bool {
    guard isUsable else { return false }
    let result = unsafe signature.withUnsafeBufferPointer { signature in
      unsafe digest.withUnsafeBufferPointer { digest in
        kind == .ed25519 ? unsafe verifyEdwards(signature, digest) : unsafe verifyRSA(signature, digest)
      }
    }
    // A signature that is wrong leaves its reason behind.
    if result != 1 { ERR_clear_error() }
    return result == 1
  }

  @unsafe private func verifyRSA(
    _ signature: UnsafeBufferPointer<UInt8>, _ digest: UnsafeBufferPointer<UInt8>
  ) -> Int32 {
    guard digest.count == SHA256.digestCount, let context = unsafe EVP_PKEY_CTX_new_from_pkey(nil, key, nil) else {
      return 0
    }
    defer { unsafe EVP_PKEY_CTX_free(context) }
    guard unsafe EVP_PKEY_verify_init(context) == 1,
      unsafe EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1,
      unsafe EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1
    else { return 0 }
    return unsafe EVP_PKEY_verify(context, signature.baseAddress, signature.count, digest.baseAddress, digest.count)
  }

  @unsafe private func verifyEdwards(
    _ signature: UnsafeBufferPointer<UInt8>, _ digest: UnsafeBufferPointer<UInt8>
  ) -> Int32 {
    guard let context = unsafe EVP_MD_CTX_new() else { return 0 }
    defer { unsafe EVP_MD_CTX_free(context) }
    guard unsafe EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else { return 0 }
    return unsafe EVP_DigestVerify(context, signature.baseAddress, signature.count, digest.baseAddress, digest.count)
  }
}

extension VerifyingKey: Hashable {
  /// By key material.
  public static func == (left: VerifyingKey, right: VerifyingKey) -> Bool { left.material == right.material }
  /// By key material.
  public func hash(into hasher: inout Hasher) { hasher.combine(material) }
}

extension Span<UInt8> {
  fileprivate func array() -> [UInt8] { unsafe withUnsafeBufferPointer { unsafe Array($0) } }
}
