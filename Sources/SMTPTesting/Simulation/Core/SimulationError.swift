/// Why a simulation could not go on, or could not be made.
public struct SimulationError: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The kind of an error. More may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Base: String {
      case deadlock, escape, livelock, tooLate, nested, invalidName
    }
    private let base: Base

    /// What was waited for has not come, and nothing can happen any more. Either everybody waits for somebody else, or
    /// something happens where the simulation does not see it: in a plain `Task { }`, a `Task.sleep`, on another executor.
    public static let deadlock = Code(base: .deadlock)
    /// Something outside the simulation woke something inside, so that the same seed need not give the same run.
    public static let escape = Code(base: .escape)
    /// Time stands still, since there is always something more to do at once.
    public static let livelock = Code(base: .livelock)
    /// What was waited for has not come in time.
    public static let tooLate = Code(base: .tooLate)
    /// The simulation was to run while it ran already.
    public static let nested = Code(base: .nested)
    /// What was to be the name of something in the simulation cannot be.
    public static let invalidName = Code(base: .invalidName)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// The kind.
  public var code: Code
  /// What went wrong, with the names of the tasks that were not finished.
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
