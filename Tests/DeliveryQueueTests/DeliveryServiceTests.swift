import DeliveryQueue
import Logging
import MailModel
import SMTPTesting
import Testing

@Suite(.timeLimit(.minutes(10))) struct DeliveryServiceTests {
  @Test func deliversWithContentAndRecordsTheReply() async throws {
    let rig = DeliveryRig()
    try await rig.run {
      let id = try await rig.enqueue("one@example.org", "two@example.org")
      let attempt = try #require(await rig.transport.ended(1).first)
      #expect(attempt.claim.id == id)
      #expect(attempt.content == Array("Subject: test\r\n\r\nHello\r\n".utf8))
      await rig.store.ended(.settle, 1)
      let status = try #require(try await rig.queue.status(of: id))
      #expect(status.recipients.map(\.state) == [.delivered, .delivered])
      #expect(status.recipients.map(\.reply?.text) == ["scripted", "scripted"])
    }
    #expect(rig.logs.lines.allSatisfy { $0.level <= .info })
    #expect(rig.logs.lines("Message sent").count == 1)
  }

  @Test func deliversWhatWasQueuedBeforeItRan() async throws {
    let rig = DeliveryRig()
    let ids = [try await rig.enqueue(), try await rig.enqueue()]
    try await rig.run {
      let attempts = await rig.transport.ended(2)
      #expect(Set(attempts.map(\.claim.id)) == Set(ids))
    }
  }

  @Test func defersThenDelivers() async throws {
    let rig = DeliveryRig { claim in
      claim.report { claim.recipients[0].attempts < 2 ? .deferred($0) : .delivered($0) }
    }
    try await rig.run {
      let id = try await rig.enqueue()
      await rig.time.sleeper(until: rig.after(.seconds(60)))
      #expect(try await rig.recipient(id).state == .deferred)
      rig.time.advance(by: .seconds(60))
      await rig.time.sleeper(until: rig.after(.seconds(180)))
      rig.time.advance(by: .seconds(120))
      await rig.store.ended(.settle, 3)
      let recipient = try await rig.recipient(id)
      #expect(recipient.state == .delivered)
      #expect(recipient.attempts == 3)
      #expect(recipient.lastAttempt == rig.after(.seconds(180)))
    }
  }

  @Test func expiresAtTheEndOfItsLife() async throws {
    let rig = DeliveryRig { claim in claim.report { .deferred($0) } }
    try await rig.run {
      let id = try await rig.enqueue()
      var attempts = 1
      while true {
        await rig.store.ended(.settle, attempts)
        let recipient = try await rig.recipient(id)
        guard let next = recipient.nextAttempt else { break }
        #expect(recipient.attempts == attempts)
        await rig.time.sleeper(until: next)
        rig.time.advance(to: next)
        attempts += 1
      }
      let recipient = try await rig.recipient(id)
      #expect(recipient.state == .expired)
      #expect(recipient.lastAttempt == rig.after(.seconds(4 * 86_400)))
      #expect(recipient.attempts == attempts)
    }
  }

  @Test func eachRecipientHasItsOwnOutcome() async throws {
    let rig = DeliveryRig { _ in
      let reply = DeliveryReply(code: 550, text: "550 5.1.1 Nobody")
      return DeliveryReport(outcomes: [.failed(reply), .delivered(reply), .deferred(reply)])
    }
    try await rig.run {
      let id = try await rig.enqueue("one@example.org", "two@example.org", "three@example.org")
      await rig.store.ended(.settle, 1)
      let status = try #require(try await rig.queue.status(of: id))
      #expect(status.recipients.map(\.state) == [.bounced, .delivered, .deferred])
      #expect(status.recipients[0].reply == DeliveryReply(code: 550, text: "550 5.1.1 Nobody"))
    }
  }

  @Test func missingOutcomesAreDeferrals() async throws {
    let rig = DeliveryRig { _ in DeliveryReport(outcomes: [.delivered(DeliveryReply(problem: "ok"))]) }
    try await rig.run {
      let id = try await rig.enqueue("one@example.org", "two@example.org")
      await rig.store.ended(.settle, 1)
      let status = try #require(try await rig.queue.status(of: id))
      #expect(status.recipients.map(\.state) == [.delivered, .deferred])
    }
    #expect(rig.logs.count(.error) == 1)
  }

  @Test func aHostProblemIsToldOnceAMinute() async throws {
    let rig = DeliveryRig { claim in claim.report(problem: "relay refuses us") { .deferred($0) } }
    try await rig.run {
      for _ in 0..<50 { try await rig.enqueue() }
      await rig.store.ended(.settle, 50)
      #expect(rig.logs.count(.warning) == 1)
      #expect(try await rig.queue.recipientCounts() == [.deferred: 50])
      await rig.time.sleeper(until: rig.after(.seconds(60)))
      rig.time.advance(by: .seconds(60))
      await rig.store.ended(.settle, 100)
      #expect(rig.logs.count(.warning) == 2)
    }
  }

  @Test func noMoreThanItsWorkersAtOnce() async throws {
    var configuration = DeliveryConfiguration.test
    configuration.workers = 3
    let gate = Gate()
    let rig = DeliveryRig(configuration: configuration) { claim in
      await gate.pass()
      return claim.report { .delivered($0) }
    }
    for _ in 0..<30 { try await rig.enqueue() }
    try await rig.run {
      await rig.transport.begun(3)
      rig.service.wake()
      gate.open()
      await rig.store.ended(.settle, 30)
    }
    #expect(rig.transport.mostAtOnce == 3)
    #expect(Set(rig.transport.attempts.map(\.claim.id)).count == 30)
  }

  @Test func unreadableContentIsDeferredWithAnError() async throws {
    let rig = DeliveryRig()
    rig.store.fail(.content, with: QueueError(.damaged, "a page is gone"))
    try await rig.run {
      let id = try await rig.enqueue()
      await rig.store.ended(.settle, 1)
      let recipient = try await rig.recipient(id)
      #expect(recipient.state == .deferred)
      #expect(recipient.attempts == 1)
      #expect(rig.logs.count(.error) == 1)
      #expect(rig.transport.attempts.isEmpty)
    }
  }
}
