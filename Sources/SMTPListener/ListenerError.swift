/// Why a server could not begin or go on, or a certificate could not be used.
public struct ListenerError: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The kind of an error. More may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Base: String {
      case invalidConfiguration, addressInUse, cannotListen, listenerFailed, stopped, invalidCertificate
    }
    private let base: Base

    /// What the server was given does not fit together.
    public static let invalidConfiguration = Code(base: .invalidConfiguration)
    /// Another socket listens on an endpoint's address and port.
    public static let addressInUse = Code(base: .addressInUse)
    /// An endpoint's address cannot be listened on for another reason.
    public static let cannotListen = Code(base: .cannotListen)
    /// A listening socket was closed by the system.
    public static let listenerFailed = Code(base: .listenerFailed)
    /// The server has stopped, or was started before.
    public static let stopped = Code(base: .stopped)
    /// A certificate or its key cannot be read, or they do not belong together.
    public static let invalidCertificate = Code(base: .invalidCertificate)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// The kind.
  public var code: Code
  /// What went wrong: names the endpoint or the file.
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
