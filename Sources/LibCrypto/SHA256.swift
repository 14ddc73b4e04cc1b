import COpenSSL

/// SHA-256 (FIPS 180-4), of octets that come in pieces.
@safe public struct SHA256: ~Copyable {
  /// Octets of a digest: 32.
  public static let digestCount = 32

  private let context: OpaquePointer
  private var hasFailed = false

  /// A digest of nothing yet.
  public init() throws(CryptoError) {
    guard let context = unsafe EVP_MD_CTX_new() else { throw .fromLibrary("no memory for a digest") }
    guard unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      unsafe EVP_MD_CTX_free(context)
      throw .fromLibrary("SHA-256 is not available")
    }
    unsafe self.context = context
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  /// Adds octets at the end. A failure, which libcrypto allows for, is told by ``finish()``.
  public mutating func update(_ octets: Span<UInt8>) {
    let result = unsafe octets.withUnsafeBytes { unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    if result != 1 { hasFailed = true }
  }

  /// The digest of everything added: 32 octets.
  public consuming func finish() throws(CryptoError) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: Self.digestCount)
    guard !hasFailed, unsafe EVP_DigestFinal_ex(context, &digest, nil) == 1 else {
      throw .fromLibrary("SHA-256 failed")
    }
    return digest
  }

  /// The digest of `octets`: 32 octets.
  public static func digest(of octets: Span<UInt8>) throws(CryptoError) -> [UInt8] {
    var digest = try SHA256()
    digest.update(octets)
    return try digest.finish()
  }
}

// The context has one owner, and only mutating methods change it.
extension SHA256: @unchecked Sendable {}
