import DeliveryQueue
import MailModel
import Metrics
import MetricsTestKit
import SMTPProtocolTesting
import SMTPSubmission
import SMTPTesting
import Synchronization
import Testing

@Suite struct IntakeMetricsTests {
  private static let outcomes = ["accepted", "deferred", "refused", "aborted"]

  /// Messages and octets by outcome, in the order of ``outcomes``.
  private func tallies(_ deployment: Deployment) throws -> [[Int64]] {
    try Self.outcomes.map { outcome in
      try ["messages", "octets"].map {
        try deployment.metrics.expectCounter("submission.intake.\($0)", [("outcome", outcome)]).totalValue
      }
    }
  }

  private func latencies(_ deployment: Deployment) throws -> [Int64] {
    try deployment.metrics.expectTimer("submission.intake.latency").values
  }

  @Test func accepted() async throws {
    let deployment = try await Deployment()
    let driver = try await deployment.session()
    let large = "Subject: x\r\n\r\n" + String(repeating: "a line of text\r\n", count: 20_000)
    for content in ["x: y\r\n", large] { #expect(await deployment.send(content, by: driver).hasPrefix("250")) }
    #expect(try tallies(deployment) == [[2, Int64(6 + large.utf8.count)], [0, 0], [0, 0], [0, 0]])
    #expect(try latencies(deployment).count == 2)
  }

  @Test func refused() async throws {
    let deployment = try await Deployment()
    let content = String(repeating: "Received: by x\r\n", count: 51)
    #expect(await deployment.send(content, by: try await deployment.session()).hasPrefix("554"))
    #expect(try tallies(deployment) == [[0, 0], [0, 0], [1, 51 * 16], [0, 0]])
    #expect(try latencies(deployment).isEmpty)
  }

  @Test func deferred() async throws {
    let deployment = try await Deployment(queue: { store in
      let faulty = FaultyStore(store)
      faulty.fail(.enqueue)
      return faulty
    })
    #expect(await deployment.send("x: y\r\n", by: try await deployment.session()).hasPrefix("451"))
    #expect(try tallies(deployment) == [[0, 0], [1, 6], [0, 0], [0, 0]])
    #expect(try latencies(deployment).isEmpty)
  }

  @Test func whatIsRefusedEarlyCountsWhole() async throws {
    let deployment = try await Deployment(change: { $0.intake.headerSection = 100 })
    let content = "X: " + String(repeating: "x", count: 200) + "\r\n"
    let driver = try await deployment.session()
    _ = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
    for piece in [content.prefix(150), content.dropFirst(150)] { _ = await driver.send(String(piece)) }
    #expect(await driver.send(".\r\n").hasPrefix("552"))
    #expect(try tallies(deployment)[2] == [1, Int64(content.utf8.count)])
  }

  @Test func aborted() async throws {
    let deployment = try await Deployment()
    let driver = try await deployment.session()
    _ = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx: y\r\n")
    driver.disconnect()
    #expect(try tallies(deployment) == [[0, 0], [0, 0], [0, 0], [1, 6]])
  }

  /// What the store took is within what is measured, and that within what the client waited.
  @Test func theLatency() async throws {
    let inner = Mutex(Duration.zero)
    let deployment = try await Deployment(queue: { SlowStore(store: $0) { took in inner.withLock { $0 = took } } })
    let driver = try await deployment.session()
    let start = ContinuousClock.now
    #expect(await deployment.send("x: y\r\n", by: driver).hasPrefix("250"))
    let outer = start.duration(to: .now)
    let measured = try latencies(deployment).map { Duration.nanoseconds($0) }
    #expect(measured.count == 1)
    #expect(measured.allSatisfy { $0 >= inner.withLock { $0 } - .microseconds(1) && $0 <= outer })
  }

  @Test func noMessageMakesAHandle() async throws {
    let deployment = try await Deployment()
    func handles() -> Int { deployment.metrics.counters.count + deployment.metrics.timers.count }
    #expect(handles() == 9)
    #expect(await deployment.send("x: y\r\n", by: try await deployment.session()).hasPrefix("250"))
    #expect(handles() == 9)
  }
}

/// Says how long it took over a message.
private struct SlowStore: QueueStore {
  let store: InMemoryQueueStore
  let took: @Sendable (Duration) -> Void

  func enqueue(_ message: NewMessage) async throws {
    let start = ContinuousClock.now
    try await store.enqueue(message)
    await Task.yield()
    took(start.duration(to: .now))
  }
  func makeBody(for id: QueueID) async throws -> any MessageBodyWriter { try await store.makeBody(for: id) }
  func claim(_ request: ClaimRequest) async throws -> ClaimBatch { try await store.claim(request) }
  func extend(_ tokens: [Claim.Token], until leasedUntil: Timestamp) async throws -> [Claim.Token] { [] }
  func settle(_ settlement: Settlement) async throws { try await store.settle(settlement) }
  func content(of id: QueueID) async throws -> any MessageContent { try await store.content(of: id) }
}
