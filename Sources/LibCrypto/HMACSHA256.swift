import COpenSSL

/// HMAC with SHA-256 (RFC 2104, RFC 4231).
public enum HMACSHA256 {
  /// The authentication code of `octets` under `key`: 32 octets. A key of 32 octets is what the digest deserves; any
  /// length up to 2^31 - 1 is taken.
  public static func authenticationCode(
    of octets: Span<UInt8>, key: Span<UInt8>
  ) throws(CryptoError) -> [UInt8] {
    guard let keyCount = Int32(exactly: key.count) else {
      throw CryptoError(.invalidArgument, "the key is longer than 2^31 - 1 octets")
    }
    var code = [UInt8](repeating: 0, count: SHA256.digestCount)
    var codeCount: UInt32 = 0
    let isDone = unsafe key.withUnsafeBytes { key in
      unsafe octets.withUnsafeBufferPointer { octets in
        unsafe HMAC(EVP_sha256(), key.baseAddress, keyCount, octets.baseAddress, octets.count, &code, &codeCount) != nil
      }
    }
    guard isDone, codeCount == SHA256.digestCount else { throw .fromLibrary("HMAC-SHA-256 failed") }
    return code
  }
}
