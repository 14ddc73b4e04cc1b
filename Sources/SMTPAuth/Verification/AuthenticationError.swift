/// Why an ``Authenticator`` could not do its work: the cause of a failure that is
/// ``AuthenticationFailure/Reason/temporarilyUnavailable`` and comes from no ``CredentialSource``.
public struct AuthenticationError: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The kind of an error. More may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Base: String { case overloaded, cancelled, cannotCompute }
    private let base: Base

    /// As many slow verifications wait as may.
    public static let overloaded = Code(base: .overloaded)
    /// The task that asked was cancelled.
    public static let cancelled = Code(base: .cancelled)
    /// The cryptographic library failed.
    public static let cannotCompute = Code(base: .cannotCompute)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// The kind.
  public var code: Code
  /// What went wrong, without names and secrets.
  public var message: String
  /// What brought it about, if another error did.
  public var cause: (any Error)?

  /// An error of these parts.
  public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    (self.code, self.message, self.cause) = (code, message, cause)
  }

  /// Code and message.
  public var description: String { "\(code): \(message)" }
  /// Code, message and cause.
  public var debugDescription: String { cause.map { "\(description) (\(String(reflecting: $0)))" } ?? description }
}
