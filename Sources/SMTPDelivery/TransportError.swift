/// Why a transport could not be made, or changed. What goes wrong with a message is an outcome, never an error.
public struct TransportError: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The kind of an error. More may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Base: String { case unusableCertificates, unusableFolder, fewerExtensions }
    private let base: Base

    /// The trust roots cannot be read.
    public static let unusableCertificates = Code(base: .unusableCertificates)
    /// The folder cannot be made or is none.
    public static let unusableFolder = Code(base: .unusableFolder)
    /// A route's transport keeps less of what messages ask than was promised before.
    public static let fewerExtensions = Code(base: .fewerExtensions)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// The kind.
  public var code: Code
  /// What went wrong, without addresses or secrets.
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
