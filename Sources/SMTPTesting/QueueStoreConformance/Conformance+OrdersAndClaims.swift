import DeliveryQueue
import MailModel

extension QueueStoreConformance {
  func holds(_ store: ControlledStore, _ probe: Probe) async throws {
    let message = probe.message(to: ["one@one.example", "two@two.example", "three@three.example"])
    try await store.enqueue(message)
    func order(_ action: QueueOrder.Action, _ destination: String?, at seconds: Int) async throws {
      let selection = QueueSelection(ids: [message.id], destination: destination.flatMap(probe.destination))
      _ = try await store.apply(probe.order(action, at: seconds), to: selection)
    }
    try await order(.hold, "one.example", at: 0)
    var claim = try await claimOne(store, probe)
    probe.expectEqual(claim.recipients.map(\.index), [1, 2], "recipients that are not held")
    // It is not settled: at the end of its lease, the next claim gives no more than it did.
    claim = try await claimOne(store, probe, at: 60)
    probe.expectEqual(claim.recipients.map(\.index), [1, 2], "recipients that are not held, after a lease has ended")
    try await store.settle(probe.settlement(of: claim, .deferred, at: 60, next: 200))
    let mixed = try await knownStatus(store, message.id)
    probe.expectEqual(mixed.recipients.map(\.state), [.held, .deferred, .deferred], "states after a deferral")
    probe.expectEqual(mixed.recipients.map(\.nextAttempt), [nil, probe.after(200), probe.after(200)], "next attempts")

    try await order(.hold, "two.example", at: 70)
    claim = try await claimOne(store, probe, at: 200)
    probe.expectEqual(claim.recipients.map(\.index), [2], "the recipient that is not held")
    try await store.settle(probe.settlement(of: claim, .delivered, at: 200))
    let none = try await store.claim(probe.request(at: 1_000_000))
    probe.expect(none.claims.isEmpty && none.nextDue == nil, "where all that is left is held, nothing falls due")
    let content = try await store.content(of: message.id).readAll()
    probe.expectEqual(content.count, message.size, "octets of what is held")

    try await order(.release, "two.example", at: 300)
    claim = try await claimOne(store, probe, at: 300)
    probe.expectEqual(claim.recipients.map(\.index), [1], "the recipient released")
    probe.expectEqual(claim.recipients.map(\.attempts), [1], "its attempts")
    try await store.settle(probe.settlement(of: claim, .delivered, at: 300))
    try await order(.release, nil, at: 400)
    claim = try await claimOne(store, probe, at: 400)
    probe.expectEqual(claim.recipients.map(\.index), [0], "the last recipient released")
    try await store.settle(probe.settlement(of: claim, .delivered, at: 400))
    let status = try await knownStatus(store, message.id)
    probe.expectEqual(status.recipients.map(\.state), [.delivered, .delivered, .delivered], "states at the end")
  }

  func ordersMakeDue(_ store: ControlledStore, _ probe: Probe) async throws {
    let messages = (0..<3).map { _ in probe.message() }
    for message in messages { try await store.enqueue(message) }
    for claim in try await store.claim(probe.request()).claims {
      try await store.settle(probe.settlement(of: claim, .deferred, next: 5000))
    }
    let early = try await store.claim(probe.request(at: 10))
    probe.expect(early.claims.isEmpty, "nothing is due before its time")
    _ = try await store.apply(probe.order(.retry, at: 20), to: QueueSelection(ids: [messages[1].id]))
    let next = try await store.claim(probe.request(at: 19))
    probe.expectEqual(next.nextDue, probe.after(20), "when what is to be retried is due")
    let retried = try await store.claim(probe.request(at: 20))
    probe.expectEqual(retried.claims.map(\.id), [messages[1].id], "what is to be retried")
    probe.expectEqual(retried.claims.first?.recipients.map(\.attempts), [1], "its attempts")

    _ = try await store.apply(probe.order(.hold, at: 21), to: QueueSelection(ids: [messages[2].id]))
    _ = try await store.apply(probe.order(.release, at: 22), to: QueueSelection(ids: [messages[2].id]))
    let released = try await store.claim(probe.request(at: 22))
    probe.expectEqual(released.claims.map(\.id), [messages[2].id], "what was released is due at once")
    probe.expectEqual(released.nextDue, probe.after(80), "when the next lease ends")
    let last = try await store.claim(probe.request(at: 5000))
    probe.expect(last.claims.contains { $0.id == messages[0].id }, "what no order concerned is due when it was")
  }

  func ordersLeaveClaimsAlone(_ store: ControlledStore, _ probe: Probe) async throws {
    let messages = (0..<6).map { _ in probe.message() }
    for message in messages { try await store.enqueue(message) }
    let claims = try await store.claim(probe.request(limit: 3)).claims
    let before = try await store.messages(QueueSelection(ids: Set(claims.map(\.id))), after: nil, limit: 10)
    let release = try await store.apply(probe.order(.release, at: 1), to: .everything)
    probe.expectEqual(release, QueueOrderResult(), "the result of an order that concerns nothing")
    for action in [QueueOrder.Action.retry, .hold, .remove] {
      let result = try await store.apply(probe.order(action, at: 1), to: .everything)
      probe.expectEqual(
        result, .changed(messages: 3, recipients: 3, underAttempt: claims.map(\.id).sorted()), "the result of \(action)"
      )
    }
    let after = try await store.messages(QueueSelection(ids: Set(claims.map(\.id))), after: nil, limit: 10)
    probe.expectEqual(after, before, "what is claimed")
    let held = try await store.extend(claims.map(\.token), until: probe.after(100))
    probe.expectEqual(held, claims.map(\.token), "the claims still hold")
    for claim in claims.dropLast() { try await store.settle(probe.settlement(of: claim, .delivered, at: 2)) }
    let named = try await store.apply(
      probe.order(.bounce, at: 3), to: QueueSelection(ids: Set(messages.map(\.id)), states: [.queued]))
    probe.expectEqual(
      named, .changed(messages: 0, recipients: 0, underAttempt: [claims[2].id]), "the last one's result")
    // Where the delivery gives up, the order can be given again.
    try await store.settle(probe.settlement(of: claims[2], .deferred, at: 4, next: 50))
    let again = try await store.apply(probe.order(.remove, at: 5), to: QueueSelection(ids: [claims[2].id]))
    probe.expectEqual(again, .changed(messages: 1, recipients: 1), "the result when nothing is claimed any more")
    let counts = try await store.recipientCounts()
    probe.expectEqual(counts.filter { $0.value > 0 }, [.delivered: 2, .removed: 4], "recipients")
  }

  func largeOrders(_ store: ControlledStore, _ probe: Probe) async throws {
    let tenants = ["even", "odd"]
    let messages = (0..<700).map { probe.message(tenant: tenants[$0 % 2]) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for message in messages { group.addTask { try await store.enqueue(message) } }
      try await group.waitForAll()
    }
    func counts() async throws -> [RecipientState: Int] { try await store.recipientCounts().filter { $0.value > 0 } }
    let held = try await store.apply(probe.order(.hold, at: 1), to: .everything)
    probe.expectEqual(held, .changed(messages: 700, recipients: 700), "the result of a large hold")
    let none = try await store.claim(probe.request(at: 2, limit: 1000))
    probe.expectEqual(none.claims.count, 0, "claims while all is held")
    let released = try await store.apply(probe.order(.release, at: 3), to: QueueSelection(tenant: "even"))
    probe.expectEqual(released, .changed(messages: 350, recipients: 350), "the result of a large release")
    let some = try await counts()
    probe.expectEqual(some, [.queued: 350, .held: 350], "recipients after it")
    let claims = try await store.claim(probe.request(at: 3, limit: 1000)).claims
    let even = messages.enumerated().filter { $0.offset % 2 == 0 }.map(\.element.id)
    probe.expectEqual(Set(claims.map(\.id)), Set(even), "what was released")
    probe.expectEqual(claims.count, 350, "claims of what was released")
    let removed = try await store.apply(probe.order(.remove, at: 4), to: .everything)
    probe.expectEqual(removed, .changed(messages: 350, recipients: 350, underAttempt: even.sorted()), "a large removal")
    let left = try await counts()
    probe.expectEqual(left, [.queued: 350, .removed: 350], "recipients at the end")
  }
}
