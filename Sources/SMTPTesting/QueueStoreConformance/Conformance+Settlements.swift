import DeliveryQueue
import MailModel

extension QueueStoreConformance {
  func settlementIsMadeOnce(_ store: Store, _ probe: Probe) async throws {
    try await store.enqueue(probe.message())
    let claim = try await claimOne(store, probe)
    let settlement = probe.settlement(of: claim, .deferred, next: 100)
    try await store.settle(settlement)
    await probe.expectError(.claimLost, "the same settlement again") { try await store.settle(settlement) }
    let status = try await knownStatus(store, claim.id)
    probe.expectEqual(status.recipients.map(\.attempts), [1], "attempts")
    probe.expectEqual(status.recipients.map(\.state), [.deferred], "the state")
  }

  func deferral(_ store: Store, _ probe: Probe) async throws {
    try await store.enqueue(probe.message(to: ["one@example.org", "two@example.org", "three@example.org"]))
    var claim = try await claimOne(store, probe)
    let reply = DeliveryReply(code: 451, text: "451 4.7.1 Later")
    try await store.settle(
      Settlement(
        id: claim.id, token: claim.token, at: probe.after(1),
        changes: [
          Settlement.Change(index: 0, state: .delivered, reply: DeliveryReply(code: 250, text: "250 Ok")),
          Settlement.Change(index: 1, state: .deferred, nextAttempt: probe.after(100), reply: reply),
          Settlement.Change(index: 2, state: .deferred, nextAttempt: probe.after(200), reply: reply),
        ]))
    let early = try await store.claim(probe.request(at: 99))
    probe.expect(early.claims.isEmpty, "nothing is due before its time")
    probe.expectEqual(early.nextDue, probe.after(100), "the time of the next attempt")

    claim = try await claimOne(store, probe, at: 100)
    probe.expectEqual(claim.recipients.map(\.index), [1], "the recipients that are due")
    probe.expectEqual(claim.recipients.map(\.attempts), [1], "their attempts")
    try await store.settle(probe.settlement(of: claim, .bounced, at: 100))
    let later = try await store.claim(probe.request(at: 100))
    probe.expectEqual(later.nextDue, probe.after(200), "the time of the recipient left")
    claim = try await claimOne(store, probe, at: 200)
    probe.expectEqual(claim.recipients.map(\.index), [2], "the recipient left")
  }

  func settlementWithoutChanges(_ store: Store, _ probe: Probe) async throws {
    let message = probe.message(to: ["one@example.org", "two@example.org"])
    try await store.enqueue(message)
    let before = try await knownStatus(store, message.id)
    let claim = try await claimOne(store, probe)
    try await store.settle(Settlement(id: claim.id, token: claim.token, at: probe.after(5), changes: []))
    let after = try await knownStatus(store, message.id)
    probe.expectEqual(after, before, "the status of what went back")
    let again = try await claimOne(store, probe, at: 5)
    probe.expectEqual(again.recipients, claim.recipients, "recipients due again")
  }

  func finalStatesAreFinal(_ store: Store, _ probe: Probe) async throws {
    let finals = RecipientState.allCases.filter(\.isFinal)
    let message = probe.message(to: finals.map { "\($0.rawValue)@example.org" } + ["open@example.org"])
    try await store.enqueue(message)
    let claim = try await claimOne(store, probe)
    let changes = finals.enumerated().map {
      Settlement.Change(index: $0.offset, state: $0.element, reply: DeliveryReply(problem: "final"))
    }
    try await store.settle(Settlement(id: claim.id, token: claim.token, at: probe.after(1), changes: changes))

    let second = try await claimOne(store, probe, at: 2)
    probe.expectEqual(second.recipients.map(\.index), [finals.count], "recipients that are not final")
    let overwriting = finals.indices.map {
      Settlement.Change(index: $0, state: .deferred, nextAttempt: probe.after(9), reply: DeliveryReply(problem: "no"))
    }
    try await store.settle(Settlement(id: second.id, token: second.token, at: probe.after(3), changes: overwriting))
    let status = try await knownStatus(store, message.id)
    probe.expectEqual(status.recipients.map(\.state), finals + [.queued], "states")
    for recipient in status.recipients.dropLast() {
      probe.expectEqual(recipient.reply, DeliveryReply(problem: "final"), "the reply")
      probe.expectEqual(recipient.attempts, 1, "attempts")
      probe.expectEqual(recipient.nextAttempt, nil, "the next attempt")
    }
  }

  func newMessagesOfSettlement(_ store: Store, _ probe: Probe) async throws {
    let message = probe.message()
    try await store.enqueue(message)
    let claim = try await claimOne(store, probe)
    let report = probe.message(to: ["sender@example.com"], from: "")
    try await store.settle(probe.settlement(of: claim, .bounced, new: [report]))
    let status = try await knownStatus(store, message.id)
    probe.expectEqual(status.recipients.map(\.state), [.bounced], "the state")
    let next = try await claimOne(store, probe)
    probe.expectEqual(next.id, report.id, "what came of the settlement")
    probe.expectEqual(next.reversePath, .null, "its reverse path")
    let content = try await store.content(of: report.id).readAll()
    probe.expectEqual(content.count, report.size, "octets of its content")
  }

  func settlementIsAtomic(_ store: Store, _ probe: Probe) async throws {
    let message = probe.message()
    let other = probe.message(at: probe.after(1000))
    try await store.enqueue(message)
    try await store.enqueue(other)
    let before = try await knownStatus(store, message.id)
    let claim = try await claimOne(store, probe)
    let fresh = probe.message()
    let used = probe.message(id: other.id)
    await probe.expectError(.invalidMessage, "a new message under a name used before") {
      try await store.settle(probe.settlement(of: claim, .bounced, new: [fresh, used]))
    }
    let spoolID = probe.newID()
    let writer = try await store.makeBody(for: spoolID)
    try await writer.append([1, 2, 3])
    let body = MessageBody.spooled(try await writer.finish())
    await probe.expectError(.invalidMessage, "two new messages with one spooled body") {
      let both = [probe.message(id: spoolID, body: body), probe.message(body: body)]
      try await store.settle(probe.settlement(of: claim, .bounced, new: both))
    }
    let none = try await store.status(of: spoolID)
    probe.expect(none == nil, "neither of two messages with one spooled body is queued")
    let after = try await knownStatus(store, message.id)
    probe.expectEqual(after, before, "the status after a settlement that was not kept")
    let unknown = try await store.status(of: fresh.id)
    probe.expect(unknown == nil, "no message of a settlement that was not kept is queued")
    try await store.settle(probe.settlement(of: claim, .bounced, new: [fresh]))
    let kept = try await store.status(of: fresh.id)
    probe.expect(kept != nil, "the claim still held, and its settlement is kept")
  }

  func counts(_ store: Store, _ probe: Probe) async throws {
    let empty = try await store.recipientCounts()
    probe.expect(empty.values.allSatisfy { $0 == 0 }, "an empty store counts nothing")
    for _ in 0..<3 { try await store.enqueue(probe.message(to: ["one@example.org", "two@example.org"])) }
    let first = try await claimOne(store, probe)
    try await store.settle(probe.settlement(of: first, .delivered))
    let second = try await claimOne(store, probe)
    try await store.settle(probe.settlement(of: second, .deferred, next: 500))
    let counts = try await store.recipientCounts()
    probe.expectEqual(
      counts.filter { $0.value > 0 }, [.delivered: 2, .deferred: 2, .queued: 2], "recipients by state")
  }
}
