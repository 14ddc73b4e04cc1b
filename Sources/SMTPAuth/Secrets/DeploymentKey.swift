public import LibCrypto

/// The key under which a deployment keeps the digests of secrets that it generated: 32 random octets.
///
/// It is no less secret than a password and belongs elsewhere than the verifiers: whoever has only one of both can
/// check no guess. If it is lost, every ``SecretVerifier/keyedDigest(of:under:)`` under it is void.
public struct DeploymentKey: Sendable, CustomStringConvertible, CustomReflectable {
  /// How many octets there are: 32.
  public static let octetCount = 32

  /// The key itself, to keep it where it is safe.
  public let octets: [UInt8]

  /// The key that `octets` are, `nil` unless there are 32 of them.
  public init?(_ octets: [UInt8]) {
    guard octets.count == Self.octetCount else { return nil }
    self.octets = octets
  }

  /// A new key.
  public static func generate() throws(CryptoError) -> DeploymentKey {
    DeploymentKey(trusted: try randomBytes(octetCount))
  }

  private init(trusted octets: [UInt8]) { self.octets = octets }

  /// Does not tell the key.
  public var description: String { "DeploymentKey" }
  /// Does not show the key.
  public var customMirror: Mirror { .concealing(self) }
}
