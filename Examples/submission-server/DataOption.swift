import ArgumentParser
import Logging
import SQLiteStorage

/// Where the data is; the same for all commands.
struct DataOption: ParsableArguments {
  @Option(name: .customLong("data"), help: "The data folder.")
  var folder = "submission-demo"

  /// The folder, to change what is in it: for this process alone.
  func open() async throws -> StorageFolder {
    do {
      // A folder that is not there would be made: nobody wants that who mistyped its name.
      _ = try await SQLiteQueueReader(folder: folder)
    } catch let error as StorageError where error.code == .olderSchema {
      // Opening it for changes brings it up.
    }
    return try await StorageFolder(folder, logger: .errors)
  }
}

extension Logger {
  /// For commands that print what they did themselves.
  static var errors: Logger {
    var logger = Logger(label: "submission-server", factory: { StreamLogHandler.standardError(label: $0) })
    logger.logLevel = .warning
    return logger
  }
}
