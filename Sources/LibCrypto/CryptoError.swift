import COpenSSL

/// Why a cryptographic operation could not be done. Never holds secrets.
public struct CryptoError: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The kind of an error. More may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Base: String { case invalidArgument, unreadableKey, unsupportedKey, operationFailed }
    private let base: Base

    /// A value that the caller gave is out of bounds.
    public static let invalidArgument = Code(base: .invalidArgument)
    /// The octets hold no key that can be read: for a private one, without a passphrase.
    public static let unreadableKey = Code(base: .unreadableKey)
    /// It is a key, but of a kind or strength that is not used here.
    public static let unsupportedKey = Code(base: .unsupportedKey)
    /// The library refused: memory, entropy, its own configuration.
    public static let operationFailed = Code(base: .operationFailed)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// The kind.
  public var code: Code
  /// What went wrong, without secrets.
  public var message: String
  /// What libcrypto says of it, if it says anything.
  public var reason: String?

  /// An error of these parts.
  public init(_ code: Code, _ message: String, reason: String? = nil) {
    (self.code, self.message, self.reason) = (code, message, reason)
  }

  /// Code and message.
  public var description: String { "\(code): \(message)" }
  /// Code, message and libcrypto's reason.
  public var debugDescription: String { reason.map { "\(description) (\($0))" } ?? description }
}

extension CryptoError {
  /// An error with libcrypto's latest reason. Empties the thread's error queue, which outlives this call and would
  /// otherwise be blamed on whatever runs on the thread next, TLS included.
  static func fromLibrary(_ message: String, code: Code = .operationFailed) -> CryptoError {
    let number = ERR_peek_last_error()
    ERR_clear_error()
    guard number != 0, let text = unsafe ERR_reason_error_string(number) else { return CryptoError(code, message) }
    return CryptoError(code, message, reason: unsafe String(cString: text))
  }
}
