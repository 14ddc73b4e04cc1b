import DeliveryQueue
import MailModel
import Synchronization

/// Messages on their way through a store, so many at once. Each of the tasks enqueues a message, claims one, which may
/// be another's, reads it and settles it.
struct Lives {
  private let mail: Mail
  private let store: any QueueStore
  private let inFlight: Int
  private let delivers: Bool
  private let reply = DeliveryReply(code: 250, text: "250 2.0.0 Ok: queued as 4fXyZ12345")

  init(of mail: Mail, in store: any QueueStore, inFlight: Int, delivers: Bool) {
    (self.mail, self.store, self.inFlight, self.delivers) = (mail, store, inFlight, delivers)
  }

  /// Puts messages into the queue.
  func fill(_ count: Int, isDue: Bool) async throws {
    let instant = SystemTime().now() + (isDue ? .zero : .seconds(7 * 86_400))
    _ = try await inParallel(count, tasks: 500) { try await store.enqueue(mail.message(at: instant)) }
  }

  /// Runs so many lives, and tells how long each enqueue took.
  @discardableResult func run(_ count: Int) async throws -> LivesResult {
    let start = ContinuousClock.now
    let delays = try await inParallel(count, tasks: inFlight) {
      let message = mail.message(at: SystemTime().now())
      let start = ContinuousClock.now
      try await store.enqueue(message)
      let delay = ContinuousClock.now - start
      if delivers { try await deliver() }
      return delay
    }
    return LivesResult(wall: ContinuousClock.now - start, delays: delays.sorted())
  }

  private func deliver() async throws {
    while true {
      let now = SystemTime().now()
      let batch = try await store.claim(ClaimRequest(limit: 1, now: now, leasedUntil: now + .seconds(600)))
      guard let claim = batch.claims.first else {
        await Task.yield()  // ours is with somebody whose own comes at once
        continue
      }
      let content = try await store.content(of: claim.id)
      guard try await content.read(from: 0, limit: 64 << 10).count == min(content.count, 64 << 10) else {
        throw QueueError(.damaged, "a message is shorter than it should be")
      }
      let changes = claim.recipients.map { Settlement.Change(index: $0.index, state: .delivered, reply: reply) }
      return try await store.settle(Settlement(id: claim.id, token: claim.token, at: now, changes: changes))
    }
  }

  private func inParallel<Value: Sendable>(
    _ count: Int, tasks: Int, _ work: @escaping @Sendable () async throws -> Value
  ) async throws -> [Value] {
    let left = Counter(count)
    return try await withThrowingTaskGroup(of: [Value].self) { group in
      for _ in 0..<tasks {
        group.addTask {
          var values: [Value] = []
          while left.take() { values.append(try await work()) }
          return values
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
  }
}

/// What is left to do.
private final class Counter: Sendable {
  private let left: Atomic<Int>

  init(_ count: Int) { left = Atomic(count) }

  func take() -> Bool { left.subtract(1, ordering: .relaxed).oldValue > 0 }
}

/// What came of a run.
struct LivesResult {
  var wall: Duration
  /// Of the enqueues, the shortest first.
  var delays: [Duration]

  func print(used: Usage, commits: Int, changes: Int) {
    let count = Double(delays.count)
    let perMessage = { (time: Duration) in rounded(time.inSeconds * 1e6 / count, 10) }
    Swift.print(
      """
      \(Int(count / wall.inSeconds)) messages/s, \
      CPU \(perMessage(used.user)) + \(perMessage(used.system)) = \(perMessage(used.user + used.system)) µs a message, \
      \(commits) commits of \(commits > 0 ? rounded(Double(changes) / Double(commits), 10) : "0") changes
      enqueue p50 \(at(0.5)) p99 \(at(0.99)) p99.9 \(at(0.999)) ms
      """)
  }

  private func at(_ part: Double) -> String {
    delays.isEmpty ? "-" : delays[min(delays.count - 1, Int(Double(delays.count) * part))].milliseconds
  }
}
