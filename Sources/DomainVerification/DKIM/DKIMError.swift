/// Why a message cannot be signed or its body not be hashed. What a check of a signature says is no error: see
/// ``DKIMSignatureEvaluation``.
public struct DKIMError: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The kind of an error. More may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Base: String { case configuration, headerFrom, headerFields, bodyHash, cryptography }
    private let base: Base

    /// The signer was given something that no signature can be made of.
    public static let configuration = Code(base: .configuration)
    /// The message has not exactly one header field From (RFC 5322 §3.6).
    public static let headerFrom = Code(base: .headerFrom)
    /// A header field stands more often than is signed.
    public static let headerFields = Code(base: .headerFields)
    /// The body was hashed in another form than the signer's.
    public static let bodyHash = Code(base: .bodyHash)
    /// libcrypto failed: memory, its configuration.
    public static let cryptography = Code(base: .cryptography)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// The kind.
  public var code: Code
  /// What went wrong, in words that may be shown to whoever sent the message.
  public var message: String
  /// The error behind it.
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
