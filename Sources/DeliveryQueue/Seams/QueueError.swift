/// Why a queue could not do what it was asked.
public struct QueueError: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The kind of an error. More may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Base: String {
      case insufficientStorage, cannotWrite, unknownOutcome, claimLost, noSuchMessage, damaged, invalidMessage, locked
      case closed
    }
    private let base: Base

    /// The disk or the queue is full. Nothing was kept; try again later.
    public static let insufficientStorage = Code(base: .insufficientStorage)
    /// Writing failed. Nothing was kept.
    public static let cannotWrite = Code(base: .cannotWrite)
    /// Making it durable failed half-way: it may have been kept or not. The store accepts nothing more.
    public static let unknownOutcome = Code(base: .unknownOutcome)
    /// The claim ran out or was settled before.
    public static let claimLost = Code(base: .claimLost)
    /// No message bears that name, or its content is gone since all its recipients are final.
    public static let noSuchMessage = Code(base: .noSuchMessage)
    /// What is stored cannot be read.
    public static let damaged = Code(base: .damaged)
    /// The message breaks a rule of the queue: no recipient, or a queue ID used before.
    public static let invalidMessage = Code(base: .invalidMessage)
    /// Another process holds the store.
    public static let locked = Code(base: .locked)
    /// The store was closed.
    public static let closed = Code(base: .closed)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// The kind.
  public var code: Code
  /// What went wrong, without addresses, secrets or content.
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
