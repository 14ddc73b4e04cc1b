import COpenSSL

/// What one derivation by ``scrypt(password:salt:parameters:count:)`` costs (RFC 7914 §2). Bounded, so that
/// parameters which come from storage or from strangers cannot ask for a machine's whole memory or an hour.
public struct ScryptParameters: Hashable, Sendable {
  /// The most memory, in octets, that a derivation may take: 128 MiB and the small change of RFC 7914 §5.
  public static let maximumMemory = 128 << 20
  /// The most work, as N × r × p: eight times ``standard``.
  public static let maximumWork = 1 << 20

  /// The cost N, as the exponent of two.
  public let costExponent: Int
  /// r.
  public let blockSize: Int
  /// p.
  public let parallelization: Int

  /// N = 16,384, r = 8, p = 1: 16 MiB and some 50 ms.
  public static let standard = ScryptParameters(trusted: 14, 8, 1)

  /// `nil` where a number is not positive, N is not below 2^(16 r) (RFC 7914 §2), or a maximum is passed.
  public init?(costExponent: Int, blockSize: Int, parallelization: Int) {
    let limit = Self.maximumWork
    guard (1...20).contains(costExponent), (1...limit).contains(blockSize), (1...limit).contains(parallelization),
      costExponent < 16 * blockSize
    else { return nil }
    let (cost, overflow) = (blockSize << costExponent).multipliedReportingOverflow(by: parallelization)
    guard !overflow, cost <= limit, 128 * (blockSize << costExponent) <= Self.maximumMemory else { return nil }
    self.init(trusted: costExponent, blockSize, parallelization)
  }

  private init(trusted costExponent: Int, _ blockSize: Int, _ parallelization: Int) {
    (self.costExponent, self.blockSize, self.parallelization) = (costExponent, blockSize, parallelization)
  }

  /// What libcrypto counts: V, two blocks beside it, and B.
  fileprivate var memory: Int { 128 * blockSize * ((1 << costExponent) + 2 + parallelization) }
}

/// A key derived from a password by scrypt (RFC 7914). Slow and large on purpose: never on an event loop, nor on a
/// thread that others wait for.
///
/// - Parameter count: octets of the key, 1 to 1,024.
public func scrypt(
  password: Span<UInt8>, salt: Span<UInt8>, parameters: ScryptParameters, count: Int = 32
) throws(CryptoError) -> [UInt8] {
  guard (1...1024).contains(count) else { throw CryptoError(.invalidArgument, "a key has 1 to 1,024 octets") }
  var key = [UInt8](repeating: 0, count: count)
  let result = unsafe password.withUnsafeBytes { password in
    unsafe salt.withUnsafeBufferPointer { salt in
      unsafe EVP_PBE_scrypt(
        password.baseAddress?.assumingMemoryBound(to: CChar.self), password.count, salt.baseAddress, salt.count,
        1 << UInt64(parameters.costExponent), UInt64(parameters.blockSize), UInt64(parameters.parallelization),
        UInt64(parameters.memory), &key, count)
    }
  }
  guard result == 1 else { throw .fromLibrary("scrypt failed") }
  return key
}
