/// What is wrong with a key record, or keeps its key from a use.
public struct DKIMKeyProblem: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kinds of problems.
  @nonexhaustive public enum Kind: Hashable, Sendable {
    /// The record breaks its grammar (RFC 6376 §3.6.1): verifiers ignore it.
    case syntax
    /// The text is well-formed, yet some verifiers stumble over it.
    case spelling
    /// `p=` is empty.
    case revoked
    /// `k=` names a type that is unknown, or not the one of the signature.
    case keyType
    /// `h=` does not allow SHA-256.
    case hashAlgorithm
    /// `s=` does not allow mail.
    case serviceType
    /// What `p=` spells is no key of that type, or none that can be used.
    case keyData
    /// RSA of less than 1,024 bits (RFC 8301 §3.2).
    case tooShort
    /// RSA of more bits than are verified: ``LibCrypto/VerifyingKey/usableRSABits``.
    case tooLong
  }

  /// What kind of problem.
  public var kind: Kind
  /// Where: 1 for the first octet of the record, its strings joined; `nil` where it is no matter of a place.
  public var column: Int?
  /// What is wrong, in a clause without a full stop.
  public var message: String

  init(_ kind: Kind, at index: Int? = nil, _ message: String) {
    (self.kind, self.message) = (kind, message)
    column = index.map { $0 + 1 }
  }

  /// `column 12: p= is missing`
  public var description: String { column.map { "column \($0): \(message)" } ?? message }
}
