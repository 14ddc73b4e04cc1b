import DeliveryQueue
import Dispatch
import GRDB
import Logging
import MailModel
import Metrics
import MetricsTestKit
import SQLiteStorage
import Synchronization
import Testing

@Suite(.serialized) struct StorageMetricsTests {
  private let folders = TemporaryFolders()

  @Test func changesThatShareACommitAreCounted() async throws {
    let seen = Mutex<[Writer.Commit]>([])
    let writer = Writer(
      try DatabaseQueue(path: folders.newPath()), committed: { commit in seen.withLock { $0.append(commit) } })
    let start = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      let gate = DispatchSemaphore(value: 0)
      let (begun, begin) = AsyncStream.makeStream(of: Void.self)
      group.addTask {
        try await writer.perform { _ in
          begin.finish()
          gate.wait()
        }
      }
      for await _ in begun {}
      for _ in 0..<7 { group.addTask { try await writer.perform { _ in } } }
      while writer.waiting < 7 { await Task.yield() }
      gate.signal()
      try await group.waitForAll()
    }
    let commits = seen.withLock { $0 }
    #expect(commits.map(\.changes) == [1, 7])
    #expect(writer.commits == 2)
    #expect(commits.allSatisfy { $0.duration > .zero && $0.duration <= start.duration(to: .now) })
  }

  @Test func whatIsUndoneIsNotCounted() async throws {
    let seen = Mutex(0)
    let resources = try FolderResources(path: folders.newPath()) { commit in seen.withLock { $0 += commit.changes } }
    await #expect(throws: (any Error).self) {
      try await resources.writer.perform { try $0.execute(sql: "INSERT INTO nowhere VALUES (1)") }
    }
    #expect(seen.withLock { $0 } == 0)
    try await resources.writer.perform { _ in }
    #expect(seen.withLock { $0 } == 1)
    await resources.close()
  }

  @Test func aFolderTellsItsMetrics() async throws {
    let metrics = TestMetrics()
    let folder = try await StorageFolder(folders.newPath(), logger: .silent, metrics: metrics)
    let sizes = try metrics.expectRecorder("submission.storage.batch.size")
    let durations = try metrics.expectTimer("submission.storage.commit.duration")
    let before = sizes.values.reduce(0, +)
    let message = NewMessage(
      id: QueueIDGenerator().next(at: SystemTime().now()), tenant: nil,
      envelope: Envelope(reversePath: .null, recipients: [.postmaster]), acceptedAt: SystemTime().now(),
      prefix: Array("\r\n".utf8), body: .octets([]))
    try await folder.queue.enqueue(message)
    #expect(sizes.values.reduce(0, +) > before)
    await folder.close()
    #expect(sizes.values.count == durations.values.count)
    #expect(sizes.values.count == folder.resources.writer.commits)
    #expect(durations.values.allSatisfy { $0 > 0 })
  }
}
