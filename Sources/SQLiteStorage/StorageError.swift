/// Why a storage folder could not be opened.
public struct StorageError: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The kind of an error. More may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Base: String { case notFound, unusableFolder, locked, newerSchema, olderSchema, damaged, cannotOpen }
    private let base: Base

    /// There is no folder of that name, or no database in it.
    public static let notFound = Code(base: .notFound)
    /// The folder cannot be made, is none, or others than its owner may enter it.
    public static let unusableFolder = Code(base: .unusableFolder)
    /// Another process holds the folder; the message names it.
    public static let locked = Code(base: .locked)
    /// A newer version of this library made the database. It was left as it is.
    public static let newerSchema = Code(base: .newerSchema)
    /// An older version made the database, and it is opened for reading alone. Opening it for writing brings it up.
    public static let olderSchema = Code(base: .olderSchema)
    /// The file is no database, or cannot be read.
    public static let damaged = Code(base: .damaged)
    /// The system or SQLite does not let us open it as it must be.
    public static let cannotOpen = Code(base: .cannotOpen)

    /// The code's name.
    public var description: String { base.rawValue }
  }

  /// The kind.
  public var code: Code
  /// What went wrong, and where.
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
