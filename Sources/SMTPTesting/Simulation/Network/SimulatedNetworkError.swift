public import SMTPProtocol

/// Why there is no connection, or none that is of use.
public struct SimulatedNetworkError: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The kind of an error. More may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Base: String {
      case refused, timeout, sessionFailed
    }
    private let base: Base

    /// Nobody listens there.
    public static let refused = Code(base: .refused)
    /// No answer came in time.
    public static let timeout = Code(base: .timeout)
    /// The connection stood, and the session failed before it was ready: ``SimulatedNetworkError/failure`` says why.
    public static let sessionFailed = Code(base: .sessionFailed)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// The kind.
  public var code: Code
  /// What went wrong, without its subject, which is the host.
  public var message: String
  /// What brought it about, if another error did.
  public var cause: (any Error)?
  /// Why the session failed, if it did.
  public var failure: ClientFailure?

  /// An error of these parts.
  public init(_ code: Code, _ message: String, cause: (any Error)? = nil, failure: ClientFailure? = nil) {
    (self.code, self.message, self.cause, self.failure) = (code, message, cause, failure)
  }

  /// Code and message.
  public var description: String { "\(code): \(message)" }
  /// Code, message and cause.
  public var debugDescription: String { cause.map { "\(description) (\(String(reflecting: $0)))" } ?? description }
}
