import COpenSSL

/// Octets that nobody can foretell, from libcrypto's generator.
///
/// - Parameter count: 0 to 2^31 - 1.
public func randomBytes(_ count: Int) throws(CryptoError) -> [UInt8] {
  guard count >= 0, let number = Int32(exactly: count) else {
    throw CryptoError(.invalidArgument, "random octets come 0 to 2^31 - 1 at a time")
  }
  var octets = [UInt8](repeating: 0, count: count)
  guard unsafe RAND_bytes(&octets, number) == 1 else { throw .fromLibrary("no randomness to be had") }
  return octets
}
