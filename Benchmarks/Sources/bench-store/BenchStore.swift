import ArgumentParser
import DeliveryQueue
import Foundation
import Logging
import MailModel
import SQLiteStorage

/// Measures a queue's store alone: what a message costs for its whole life, and how long a start takes.
@main struct BenchStore: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench-store",
    abstract: "Runs messages through a queue's store: enqueue, claim, content, settle as delivered.")

  enum Store: String, ExpressibleByArgument { case sqlite, memory }
  enum Due: String, ExpressibleByArgument { case now, later }

  @Option(help: "The folder of the queue; made where it is not there.") var data: String?
  @Option(help: "Which store.") var store = Store.sqlite
  @Option(help: "Lives that are measured.") var messages = 20_000
  @Option(help: "Lives under way at once.") var inFlight = 100
  @Option(help: "Octets of a body.") var size = 4096
  @Option(help: "Messages that are in the queue before, and stay in it.") var queued = 0
  @Option(help: "When those are due: later, or now, and then they are what is claimed, oldest first.")
  var due = Due.later
  @Option(help: "Milliseconds for which an accepted message may wait for others.") var commitDelay = 0
  @Option(help: "Milliseconds for which an outcome may wait for others.") var settlementDelay = 5
  @Flag(help: "Enqueue alone; nothing is delivered.") var enqueueOnly = false
  @Flag(help: "Measure a start with what is in the folder: until the first claim with its content.") var start = false

  func validate() throws {
    if store == .sqlite, data == nil { throw ValidationError("--data is needed for a queue on disk") }
  }

  func run() async throws {
    if start { return try await measureStart() }
    let queue = try await open()
    let mail = Mail(size: size, after: queue.greatestSequence)
    let lives = Lives(of: mail, in: queue.store, inFlight: inFlight, delivers: !enqueueOnly)
    if queued > 0 { try await lives.fill(queued, isDue: due == .now) }
    try await lives.run(min(messages, 10 * inFlight))
    let commits = queue.commits()
    let before = Usage()
    let result = try await lives.run(messages)
    let used = Usage() - before
    result.print(used: used, commits: queue.commits() - commits, changes: enqueueOnly ? messages : 2 * messages)
    await queue.close()
  }

  private func measureStart() async throws {
    let before = Usage()
    let queue = try await open()
    // What is due later is due by then as well.
    let now = SystemTime().now() + .seconds(30 * 86_400)
    let batch = try await queue.store.claim(ClaimRequest(limit: 1, now: now, leasedUntil: now + .seconds(60)))
    guard let claim = batch.claims.first else { return print("the queue is empty") }
    let content = try await queue.store.content(of: claim.id)
    let octets = try await content.read(from: 0, limit: content.count).count
    let used = Usage() - before
    print(
      """
      first claim with its \(octets) octets of content after \(used.wall.seconds) s, \
      CPU \(used.user.seconds) + \(used.system.seconds) s, at most \(Usage.peakMemory >> 20) MiB
      """)
    await queue.close()
  }
}

/// A store, with what only one on disk has.
struct OpenQueue {
  var store: any QueueStore
  var greatestSequence: Int64 = 0
  var commits: () -> Int = { 0 }
  var close: () async -> Void = {}
}

extension BenchStore {
  private func open() async throws -> OpenQueue {
    guard store == .sqlite, let data else { return OpenQueue(store: InMemoryQueueStore()) }
    var configuration = StorageConfiguration()
    configuration.commitDelay = .milliseconds(commitDelay)
    configuration.settlementDelay = .milliseconds(settlementDelay)
    let logger = Logger(label: "bench-store") { StreamLogHandler.standardError(label: $0) }
    let folder = try await StorageFolder(data, configuration: configuration, logger: logger)
    return OpenQueue(
      store: folder.queue, greatestSequence: folder.queue.greatestSequence,
      commits: { folder.queue.commits }, close: { await folder.close() })
  }
}
