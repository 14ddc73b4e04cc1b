/// Why a client was not authenticated. A value for a reply, and for the host's log; holds neither names nor secrets.
public struct AuthenticationFailure: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// What the client may know.
  @nonexhaustive public enum Reason: String, Hashable, Sendable {
    /// No such username, another password, or a wish to act for somebody else: always the same (535 5.7.8).
    case invalidCredentials
    /// The response is no sentence of the mechanism's grammar, or passes a limit (501 5.5.2).
    case malformedResponse
    /// It could not be found out now (454 4.7.0).
    case temporarilyUnavailable
  }

  /// What the client may know.
  public var reason: Reason
  /// What the host should know, if there is more.
  public var cause: (any Error)?

  /// A failure of these parts.
  public init(_ reason: Reason, cause: (any Error)? = nil) { (self.reason, self.cause) = (reason, cause) }

  /// No such username, another password, or a wish to act for somebody else.
  public static let invalidCredentials = AuthenticationFailure(.invalidCredentials)
  /// The response is no sentence of the mechanism's grammar, or passes a limit.
  public static let malformedResponse = AuthenticationFailure(.malformedResponse)

  /// The reason.
  public var description: String { reason.rawValue }
  /// Reason and cause.
  public var debugDescription: String { cause.map { "\(description) (\(String(reflecting: $0)))" } ?? description }
}
