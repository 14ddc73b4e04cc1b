public import Logging
import Synchronization

/// Keeps what is logged, so that a test can read what an operator would.
public final class RecordingLog: Sendable {
  /// One line of the log.
  public struct Line: Sendable {
    /// How much it matters.
    public var level: Logger.Level
    /// Its text. That of a library's line never varies, so that tests and operators can look for it.
    public var message: String
    /// What varies: the line's own metadata, over that of the logger.
    public var metadata: Logger.Metadata

    /// All that a reader sees.
    public var text: String { "\(message) \(metadata)" }

    /// The metadata value of that key, as text; `nil` where there is none.
    public subscript(key: String) -> String? { metadata[key].map { "\($0)" } }
  }

  private let kept = Mutex<[Line]>([])
  private let level: Logger.Level

  /// An empty log.
  ///
  /// - Parameter level: what is below it is not kept; by default, everything is.
  public init(level: Logger.Level = .trace) { self.level = level }

  /// A new logger that writes here.
  public var logger: Logger { Logger(label: "recording", factory: { _ in Handler(log: self) }) }

  /// What was logged, in its order.
  public var lines: [Line] { kept.withLock { $0 } }

  /// What was logged with that text, in its order.
  public func lines(_ message: String) -> [Line] { lines.filter { $0.message == message } }

  /// How many lines were logged at exactly that level.
  public func count(_ level: Logger.Level) -> Int { lines.count { $0.level == level } }

  private struct Handler: LogHandler {
    let log: RecordingLog
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level

    init(log: RecordingLog) { (self.log, logLevel) = (log, log.level) }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      var all = metadata
      all.merge(metadataProvider?.get() ?? [:]) { $1 }
      all.merge(event.metadata ?? [:]) { $1 }
      let line = Line(level: event.level, message: event.message.description, metadata: all)
      log.kept.withLock { $0.append(line) }
    }
  }
}
