import DeliveryQueue
import GRDB

extension QueueError {
  /// What an error of SQLite means to a caller whose change was undone; other errors as they are.
  static func undone(_ error: any Error) -> any Error {
    guard let error = error as? DatabaseError else { return error }
    switch error.resultCode {
    case .SQLITE_FULL: return QueueError(.insufficientStorage, "the disk is full", cause: error)
    case .SQLITE_CORRUPT, .SQLITE_NOTADB: return QueueError(.damaged, "the database is damaged", cause: error)
    default: return QueueError(.cannotWrite, "the database could not be written", cause: error)
    }
  }

  /// What an error of SQLite means to a caller who reads the database of that path; other errors as they are.
  static func unread(_ error: any Error, in path: String) -> any Error {
    guard let error = error as? DatabaseError else { return error }
    return switch error.resultCode {
    case .SQLITE_MISUSE: QueueError(.closed, "the store was closed", cause: error)
    default: QueueError(.damaged, "the database \(path) could not be read. \(remedy(path))", cause: error)
    }
  }

  private static func remedy(_ path: String) -> String {
    StorageError.remedy(path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/"))
  }

  /// Whether after this error the database is not to be trusted with another change.
  static func isFatal(_ error: any Error) -> Bool {
    switch (error as? DatabaseError)?.resultCode {
    case .SQLITE_IOERR?, .SQLITE_CORRUPT?, .SQLITE_NOTADB?: true
    default: false
    }
  }
}
