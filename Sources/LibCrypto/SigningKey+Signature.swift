import COpenSSL

extension SigningKey {
  /// The signature for a digest: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2), as long as the modulus, or 64 octets of Ed25519
  /// (RFC 8032) over the digest as its message.
  ///
  /// Takes a quarter of a millisecond with an RSA key of 2,048 bits, and seven times as long with each doubling of them: never
  /// call it on an event loop.
  ///
  /// - Parameter digest: 32 octets, SHA-256. An Ed25519 key signs octets of any count.
  /// - Throws: ``CryptoError`` with code ``CryptoError/Code/invalidArgument`` for a digest of another count,
  ///   ``CryptoError/Code/unsupportedKey`` for a key on P-256.
  public func sign(digest: Span<UInt8>) throws(CryptoError) -> [UInt8] {
    var signature: [UInt8]
    switch kind {
    case .rsa(let bits):
      guard digest.count == SHA256.digestCount else {
        throw CryptoError(.invalidArgument, "a SHA-256 digest has 32 octets")
      }
      signature = [UInt8](repeating: 0, count: (bits + 7) / 8)
    case .ed25519: signature = [UInt8](repeating: 0, count: Self.edwardsSignatureCount)
    case .p256: throw .noDigestsSigned
    }
    let count = template?.sign(digest, into: &signature)
    guard count == signature.count else { throw .fromLibrary("the digest could not be signed") }
    return signature
  }

  private static let edwardsSignatureCount = 64  // RFC 8032 §5.1.6

  /// The public half.
  ///
  /// - Throws: ``CryptoError`` with code ``CryptoError/Code/unsupportedKey`` for a key on P-256.
  public var verifyingKey: VerifyingKey {
    get throws(CryptoError) {
      switch kind {
      case .rsa:
        let octets = try publicKey()
        return try VerifyingKey(rsaPublicKey: octets.span)
      case .ed25519:
        let octets = try rawPublicKey()
        return try VerifyingKey(ed25519: octets.span)
      case .p256: throw .noDigestsSigned
      }
    }
  }

  /// RSAPublicKey in DER.
  private func publicKey() throws(CryptoError) -> [UInt8] {
    let count = unsafe withKey { unsafe i2d_PublicKey($0, nil) }
    guard count > 0 else { throw .fromLibrary("the public key could not be written") }
    var octets = [UInt8](repeating: 0, count: Int(count))
    let written = unsafe octets.withUnsafeMutableBufferPointer { octets -> Int32 in
      var cursor = octets.baseAddress
      return unsafe withKey { unsafe i2d_PublicKey($0, &cursor) }
    }
    guard written == count else { throw .fromLibrary("the public key could not be written") }
    return octets
  }

  private func rawPublicKey() throws(CryptoError) -> [UInt8] {
    var octets = [UInt8](repeating: 0, count: PublicKeyMaterial.ed25519Count)
    var count = octets.count
    guard unsafe withKey({ unsafe EVP_PKEY_get_raw_public_key($0, &octets, &count) }) == 1, count == octets.count else {
      throw .fromLibrary("the public key could not be written")
    }
    return octets
  }
}

extension CryptoError {
  fileprivate static var noDigestsSigned: CryptoError {
    CryptoError(.unsupportedKey, "a key on P-256 signs certificates here, and no digests")
  }
}
