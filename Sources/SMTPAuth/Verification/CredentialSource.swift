/// Knows the credentials of users. Read-only: who makes and revokes them is no business of authentication.
public protocol CredentialSource: Sendable {
  /// What is known of a username. Answers from the present state, so that what was revoked is revoked at once.
  ///
  /// Usernames are compared octet by octet, not as Swift compares strings. An unknown username is an answer without
  /// credentials, and takes no longer than another. May be called at once from many tasks.
  ///
  /// - Parameter username: 1 to 255 octets as the client sent them, without control characters.
  /// - Throws: where the source cannot be asked; the client is then told to try again later.
  func lookup(_ username: String) async throws -> CredentialLookup
}

/// What a source knows of a username.
public struct CredentialLookup: Sendable {
  /// Any of them suffices, but of those that are ``SecretVerifier/isSlow`` only the first is tried. Empty for a
  /// username that nobody has.
  public var credentials: [Credential]
  /// Whether the source holds, for any username, a verifier that ``SecretVerifier/isSlow``. If so, a username without
  /// one costs as much as a username with one, so that the time tells nothing.
  public var slowVerifiersExist: Bool

  /// An answer of these parts.
  public init(credentials: [Credential], slowVerifiersExist: Bool) {
    (self.credentials, self.slowVerifiersExist) = (credentials, slowVerifiersExist)
  }
}

/// What proves an identity.
public struct Credential: Hashable, Sendable {
  /// Whom it proves: a name of the host's own, for instance a user's ID.
  public var identity: String
  /// How a secret is recognised.
  public var verifier: SecretVerifier

  /// A credential of these parts.
  public init(identity: String, verifier: SecretVerifier) { (self.identity, self.verifier) = (identity, verifier) }
}
