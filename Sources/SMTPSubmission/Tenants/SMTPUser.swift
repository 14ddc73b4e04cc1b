public import SMTPAuth

/// Who may send from a configuration's domain.
public struct SMTPUser: Hashable, Sendable {
  /// Its name in the deployment: the identity that AUTH proves.
  public var id: Identifier<SMTPUser>
  /// What it may use.
  public var configuration: Identifier<SMTPConfiguration>
  /// What the client says in AUTH: 3 to 250 octets without control characters.
  public var username: String
  /// Knows the password when it sees it.
  public var verifier: SecretVerifier

  /// A user of these parts.
  public init(
    id: Identifier<SMTPUser> = .random(), configuration: Identifier<SMTPConfiguration>, username: String,
    verifier: SecretVerifier
  ) {
    (self.id, self.configuration, self.username, self.verifier) = (id, configuration, username, verifier)
  }
}
