import COpenSSL

/// A private key that signs. Made once and never changed, so threads may share it.
@safe public final class SigningKey: @unchecked Sendable {
  /// The kind of a key.
  @nonexhaustive public enum Kind: Hashable, Sendable {
    /// RSA with a modulus of so many bits, 1,024 to 8,192.
    case rsa(bits: Int)
    /// Ed25519 (RFC 8032).
    case ed25519
    /// ECDSA on the curve P-256 (FIPS 186-5).
    case p256
  }

  /// What it is.
  public let kind: Kind
  private let key: OpaquePointer  // EVP_PKEY
  let template: SignatureTemplate?

  init(taking key: OpaquePointer, kind: Kind) {
    unsafe self.key = key
    self.kind = kind
    template = unsafe SignatureTemplate(key, kind)
  }

  deinit { unsafe EVP_PKEY_free(key) }

  /// A new key.
  ///
  /// - Throws: ``CryptoError`` with code ``CryptoError/Code/unsupportedKey`` for an RSA modulus that is not 1,024 to
  ///   8,192 bits. Making a large one takes seconds.
  public static func generate(_ kind: Kind) throws(CryptoError) -> SigningKey {
    guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, kind.algorithm, nil) else {
      throw .fromLibrary("no such kind of key")
    }
    defer { unsafe EVP_PKEY_CTX_free(context) }
    guard unsafe EVP_PKEY_keygen_init(context) == 1 else { throw .fromLibrary("no key could be made") }
    try unsafe kind.configure(context)
    var key: OpaquePointer?
    guard unsafe EVP_PKEY_generate(context, &key) == 1, let key = unsafe key else {
      throw .fromLibrary("no key could be made")
    }
    return unsafe SigningKey(taking: key, kind: kind)
  }

  /// Lends the EVP_PKEY, which lives as long as the call.
  @unsafe func withKey<Result>(_ body: (OpaquePointer) -> Result) -> Result { unsafe body(key) }
}

extension SigningKey.Kind {
  static let rsaBits = 1_024...8_192

  fileprivate var algorithm: String {
    switch self {
    case .rsa: "RSA"
    case .ed25519: "ED25519"
    case .p256: "EC"
    }
  }

  @unsafe fileprivate func configure(_ context: OpaquePointer) throws(CryptoError) {
    switch self {
    case .rsa(let bits):
      guard Self.rsaBits.contains(bits) else {
        throw CryptoError(.unsupportedKey, "an RSA key has 1,024 to 8,192 bits here")
      }
      guard unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(bits)) == 1 else {
        throw .fromLibrary("no RSA key of that size")
      }
    case .ed25519: break
    case .p256:
      guard unsafe EVP_PKEY_CTX_set_group_name(context, "P-256") == 1 else { throw .fromLibrary("no curve P-256") }
    }
  }

  /// The kind of a key that was read; `nil` where it is none of ours.
  @unsafe init?(of key: OpaquePointer) {
    if unsafe EVP_PKEY_is_a(key, "RSA") == 1 {
      let bits = Int(unsafe EVP_PKEY_get_bits(key))
      guard Self.rsaBits.contains(bits) else { return nil }
      self = .rsa(bits: bits)
    } else if unsafe EVP_PKEY_is_a(key, "ED25519") == 1 {
      self = .ed25519
    } else if unsafe EVP_PKEY_is_a(key, "EC") == 1 {
      var name = [CChar](repeating: 0, count: 64)
      guard unsafe EVP_PKEY_get_group_name(key, &name, name.count, nil) == 1,
        unsafe OBJ_txt2nid(name) == NID_X9_62_prime256v1
      else { return nil }
      self = .p256
    } else {
      return nil
    }
  }
}
