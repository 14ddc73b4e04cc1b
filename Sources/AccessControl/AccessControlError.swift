/// Why a zone, a rule or a policy cannot be as it was asked for.
public struct AccessControlError: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The kind of an error. More may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Base: String {
      case invalidIdentifier, invalidName, invalidDescription, invalidContext, unsupportedEnforcement, limitExceeded
      case duplicate
    }
    private let base: Base

    /// An identifier is empty, too long, or holds other characters than it may.
    public static let invalidIdentifier = Code(base: .invalidIdentifier)
    /// A zone's name is empty, too long, or holds other characters than it may.
    public static let invalidName = Code(base: .invalidName)
    /// A description is too long, or holds other characters than it may.
    public static let invalidDescription = Code(base: .invalidDescription)
    /// A context has no attribute, or an attribute no value: nobody can have meant that.
    public static let invalidContext = Code(base: .invalidContext)
    /// The mode of enforcement is unknown, or not supported for SMTP.
    public static let unsupportedEnforcement = Code(base: .unsupportedEnforcement)
    /// There is more of something than ``AccessControlLimits`` allows.
    public static let limitExceeded = Code(base: .limitExceeded)
    /// Two bear the same identifier, or two zones the same name.
    public static let duplicate = Code(base: .duplicate)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// The kind.
  public var code: Code
  /// What is wrong, without addresses.
  public var message: String
  /// Which zone or rule is at fault, by its identifier, where one is.
  public var subject: String?

  /// An error of these parts.
  public init(_ code: Code, _ message: String, subject: String? = nil) {
    (self.code, self.message, self.subject) = (code, message, subject)
  }

  /// Code and message.
  public var description: String { "\(code): \(message)" }
  /// Code, message and subject.
  public var debugDescription: String { subject.map { "\(description) (\($0))" } ?? description }
}
