/// Why a tenant's data could not be changed.
public struct TenantError: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The kind of an error. More may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Base: String { case invalidValue, alreadyExists, notFound, limitReached, storageFailed }
    private let base: Base

    /// A value breaks its rule.
    public static let invalidValue = Code(base: .invalidValue)
    /// There is one already.
    public static let alreadyExists = Code(base: .alreadyExists)
    /// What the change names is not there.
    public static let notFound = Code(base: .notFound)
    /// There are as many as there may be.
    public static let limitReached = Code(base: .limitReached)
    /// It could not be stored.
    public static let storageFailed = Code(base: .storageFailed)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// The kind.
  public var code: Code
  /// What is wrong, and what to do.
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
