import Metrics

/// What the storage measures: how many changes share a commit, and how long it takes.
struct StorageMetrics: Sendable {
  private let batchSize: Recorder
  private let commitDuration: Timer

  init(_ factory: any MetricsFactory) {
    batchSize = Recorder(label: "submission.storage.batch.size", factory: factory)
    commitDuration = Timer(label: "submission.storage.commit.duration", factory: factory)
  }

  /// A transaction is on stable storage.
  func committed(_ commit: Writer.Commit) {
    batchSize.record(commit.changes)
    commitDuration.record(duration: commit.duration)
  }
}
