/// The mechanisms that there are, best first.
@nonexhaustive public enum SASLMechanism: String, Hashable, Sendable, CaseIterable {
  /// RFC 4616.
  case plain = "PLAIN"
  /// Never a standard, and what many clients speak: draft-murchison-sasl-login.
  case login = "LOGIN"

  /// A new exchange that asks `authenticator`.
  public func makeExchange(_ authenticator: Authenticator) -> any SASLExchange {
    switch self {
    case .plain: PlainExchange(authenticator)
    case .login: LoginExchange(authenticator)
    }
  }
}
