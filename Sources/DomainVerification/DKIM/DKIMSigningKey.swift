/// How a DKIM signature is made (RFC 6376 §3.3, RFC 8463 §3). `rsa-sha1` is not among them: nobody may sign or accept it any more
/// (RFC 8301 §3.1).
@nonexhaustive public enum DKIMAlgorithm: String, Hashable, Sendable, CaseIterable {
  /// RSASSA-PKCS1-v1_5 over SHA-256.
  case rsaSHA256 = "rsa-sha256"
  /// Ed25519 over a SHA-256 digest.
  case ed25519SHA256 = "ed25519-sha256"
}

/// A private key that signs messages, wherever it is kept: in memory, in a security module, in a service.
public protocol DKIMSigningKey: Sendable {
  /// What kind of signature it makes.
  var algorithm: DKIMAlgorithm { get }

  /// The signature of a message whose header fields have this SHA-256 digest, of 32 octets: the octets that `b=` holds in base 64.
  ///
  /// Called once for each signature, by many tasks at once, and never on an event loop. An error of it becomes that of the signer:
  /// nothing is signed then.
  func signature(ofDigest digest: [UInt8]) async throws -> [UInt8]
}
