import DeliveryQueue
import Foundation
import Logging
import MailModel
import SMTPTesting
import SQLiteStorage
import Testing

/// Who accepts and delivers dies at each of its operations on the queue in turn, and is started again over what is left.
/// What was accepted ends in exactly one final state each time.
@Suite(.serialized, .timeLimit(.minutes(5))) struct DeathSweepTests {
  @Test(arguments: [false, true]) func inMemory(afterwards: Bool) async throws {
    let deaths = try await sweep(afterwards: afterwards) {
      InMemoryQueueStore()
    } reopen: {
      $0
    }
    #expect(deaths >= Self.fewestOperations)
  }

  @Test(arguments: [false, true]) func inSQLite(afterwards: Bool) async throws {
    let folders = TemporaryFolders()
    let deaths = try await sweep(afterwards: afterwards) {
      try await folders.open().queue
    } reopen: { store in
      let (folder, path) = try #require(folders.folder(of: store))
      await folder.close()
      return try await folders.open(path).queue
    } end: { store in
      let (folder, path) = try #require(folders.folder(of: store))
      await folder.close()
      #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/spool") == [], "bodies that nobody names")
    }
    #expect(deaths >= Self.fewestOperations)
  }

  /// Twelve to accept four messages of which two are large, and at least a claim, a content, a read and a settlement for
  /// each of the attempts that they take: five for the first three, and two or more for the last, which goes to two sites.
  private static let fewestOperations = 4 + 2 * 4 + 4 * 7

  /// One run for each operation, until a run needs no more of them.
  ///
  /// - Parameters:
  ///   - reopen: what a process finds that is started after another one died.
  ///   - end: looks at what a run leaves.
  /// - Returns: how many runs there were in which it died.
  private func sweep<Store: QueueStore & QueueInspection>(
    afterwards: Bool, open: () async throws -> Store, reopen: (Store) async throws -> Store,
    end: (Store) async throws -> Void = { _ in }
  ) async throws -> Int {
    for operation in 0... {
      var mortal = Mortal()
      let store = FaultyStore(try await open())
      store.die(after: operation, afterwards: afterwards)
      try await mortal.live(over: store, accepting: true)
      guard store.isDead else { return operation }
      let left = try await reopen(store.base)
      mortal.time.advance(by: Mortal.lease + .seconds(1))
      try await mortal.live(over: FaultyStore(left), accepting: false)
      try await mortal.expectPromiseKept(by: left, "operation \(operation)", isAnswerLost: afterwards)
      try await end(left)
    }
    return .max
  }
}

/// Who accepts and delivers, and the world that outlives it: the calendar, the clients, the next host.
private struct Mortal {
  static let lease = DeliveryConfiguration().lease

  let time = ManualTime(SystemTime().now())
  /// Takes `taken`, refuses `refused`, and takes `late` the second time.
  let transport = RecordingTransport(sites: { DeliverySite($0) }) { claim in
    let reply = DeliveryReply(problem: "scripted")
    return DeliveryReport(
      outcomes: claim.recipients.map { recipient in
        let name = recipient.path.description
        if name.hasPrefix("refused") { return .failed(reply) }
        return name.hasPrefix("late") && recipient.attempts == 0 ? .deferred(reply) : .delivered(reply)
      })
  }
  private let ids = QueueIDGenerator()
  private var offered: [QueueID: [UInt8]] = [:]
  private var accepted: Set<QueueID> = []

  /// Accepts, if it is to, and delivers until nothing is left or it dies.
  mutating func live<Store: QueueStore & QueueInspection>(
    over store: FaultyStore<Store>, accepting: Bool
  ) async throws {
    if accepting {
      await accept(["taken@example.org", "late@example.org"], by: store)
      await accept(["taken@example.org", "refused@example.org"], isLarge: true, by: store)
      await accept(["late@example.org"], by: store)
      await accept(["taken@example.org", "late@example.net", "refused@example.net"], isLarge: true, by: store)
    }
    var configuration = DeliveryConfiguration()
    // One at a time, and the next one when its outcome is recorded.
    (configuration.workers, configuration.unrecordedOutcomes, configuration.chance) = (1, 1, { 0 })
    configuration.pollInterval = .seconds(86_400)
    let service = DeliveryService(
      store: store, transport: transport, time: time, configuration: configuration, logger: .silent)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await service.run() }
      try await untilAllIsFinal(store)
      group.cancelAll()
      try await group.waitForAll()
    }
  }

  private mutating func accept(
    _ recipients: [String], isLarge: Bool = false, by store: FaultyStore<some QueueStore>
  ) async {
    let id = ids.next(at: time.now())
    let (prefix, body) = (Array("Subject: \(id)\r\n\r\n".utf8), Array("Hello \(id)\r\n".utf8))
    offered[id] = prefix + body
    do {
      var message = NewMessage(
        id: id, tenant: nil,
        envelope: Envelope(reversePath: .null, recipients: recipients.compactMap { ForwardPath($0) }),
        acceptedAt: time.now(), prefix: prefix, body: .octets(body))
      if isLarge {
        let writer = try await store.makeBody(for: id)
        for part in [body.prefix(5), body.dropFirst(5)] { try await writer.append(Array(part)) }
        message.body = .spooled(try await writer.finish())
      }
      try await store.enqueue(message)
      accepted.insert(id)
    } catch {
      // Answered 451: the client keeps it.
    }
  }

  /// Returns when each message is final, moving the calendar to the next attempt where it waits for one; or when the
  /// store has died.
  private func untilAllIsFinal<Store: QueueStore & QueueInspection>(_ store: FaultyStore<Store>) async throws {
    var settled = 0
    while !store.isDead {
      let open = try await store.messages(after: nil, limit: 100).filter { !$0.isFinal }
      guard let next = open.flatMap({ $0.recipients.compactMap(\.nextAttempt) }).min() else { return }
      if next > time.now() { time.advance(to: next) }
      settled += 1
      await withTaskGroup(of: Void.self) { [settled] group in
        group.addTask { await store.ended(.settle, settled) }
        group.addTask { await store.died() }
        await group.next()
        group.cancelAll()
      }
    }
  }

  func expectPromiseKept(by store: some QueueInspection, _ when: String, isAnswerLost: Bool) async throws {
    let messages = try await store.messages(after: nil, limit: 100)
    let known = Set(messages.map(\.id))
    #expect(known.isSuperset(of: accepted), "\(when): what was accepted is lost")
    #expect(known.subtracting(accepted).count <= (isAnswerLost ? 1 : 0), "\(when): what was refused is kept")
    for recipient in messages.flatMap(\.recipients) {
      let expected = recipient.path.description.hasPrefix("refused") ? RecipientState.bounced : .delivered
      #expect(recipient.state == expected, "\(when): \(recipient.path)")
    }
    var taken: [QueueID: [ForwardPath: Int]] = [:]
    for attempt in transport.attempts {
      guard let content = attempt.content else { continue }
      #expect(content == offered[attempt.claim.id], "\(when): another content")
      for (recipient, outcome) in zip(attempt.claim.recipients, attempt.report.outcomes) {
        if case .delivered = outcome { taken[attempt.claim.id, default: [:]][recipient.path, default: 0] += 1 }
      }
    }
    for message in messages {
      let delivered = message.recipients.filter { $0.state == .delivered }.map(\.path)
      #expect(delivered.allSatisfy { taken[message.id]?[$0] ?? 0 > 0 }, "\(when): delivered to nobody")
    }
    let repeated = taken.filter { $0.value.values.contains { $0 > 1 } }
    // One that was attempted, and one whose outcome was about to be recorded.
    #expect(repeated.count <= 2, "\(when): more repeated than what was under way")
  }
}
