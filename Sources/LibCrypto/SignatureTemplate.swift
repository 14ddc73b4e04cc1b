import COpenSSL

/// A context that is ready to sign with a key, of which each signature takes a copy: libcrypto spends a tenth of an Ed25519
/// signature on making one. Never changed, so threads may copy it at once.
@safe final class SignatureTemplate: @unchecked Sendable {
  @safe private enum Context {
    case rsa(OpaquePointer)  // EVP_PKEY_CTX
    case edwards(OpaquePointer)  // EVP_MD_CTX
  }
  private let context: Context

  /// `nil` for a kind that signs no digests, and where libcrypto refuses.
  @unsafe init?(_ key: OpaquePointer, _ kind: SigningKey.Kind) {
    switch kind {
    case .rsa:
      guard let context = unsafe EVP_PKEY_CTX_new_from_pkey(nil, key, nil) else { return nil }
      unsafe self.context = .rsa(context)
      guard unsafe EVP_PKEY_sign_init(context) == 1,
        unsafe EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1,
        unsafe EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1
      else {
        ERR_clear_error()
        return nil
      }
    case .ed25519:
      guard let context = unsafe EVP_MD_CTX_new() else { return nil }
      unsafe self.context = .edwards(context)
      guard unsafe EVP_DigestSignInit(context, nil, nil, nil, key) == 1 else {
        ERR_clear_error()
        return nil
      }
    case .p256: return nil
    }
  }

  deinit {
    switch context {
    case .rsa(let context): unsafe EVP_PKEY_CTX_free(context)
    case .edwards(let context): unsafe EVP_MD_CTX_free(context)
    }
  }

  /// Signs `digest` into `signature`. Octets that were written; none where there was an error.
  func sign(_ digest: Span<UInt8>, into signature: inout [UInt8]) -> Int {
    var count = signature.count
    let result = unsafe digest.withUnsafeBufferPointer { digest -> Int32 in
      switch context {
      case .rsa(let context):
        guard let copy = unsafe EVP_PKEY_CTX_dup(context) else { return 0 }
        defer { unsafe EVP_PKEY_CTX_free(copy) }
        return unsafe EVP_PKEY_sign(copy, &signature, &count, digest.baseAddress, digest.count)
      case .edwards(let context):
        guard let copy = unsafe EVP_MD_CTX_new() else { return 0 }
        defer { unsafe EVP_MD_CTX_free(copy) }
        guard unsafe EVP_MD_CTX_copy_ex(copy, context) == 1 else { return 0 }
        return unsafe EVP_DigestSign(copy, &signature, &count, digest.baseAddress, digest.count)
      }
    }
    return result == 1 ? count : 0
  }
}
