import DeliveryQueue
import MailModel

extension QueueStoreConformance {
  /// Operators and deliveries at once.
  func ordersAndDeliveries(_ store: ControlledStore, _ probe: Probe) async throws {
    let messages = (0..<200).map { _ in probe.message(to: ["one@one.example", "two@two.example"]) }
    for message in messages { try await store.enqueue(message) }
    let record = Watched(Record())
    try await withThrowingTaskGroup(of: Void.self) { group in
      for turn in 0..<4 { group.addTask { try await deliver(turn, from: store, record, probe) } }
      for turn in 0..<3 { group.addTask { try await command(turn, messages.map(\.id), in: store, record, probe) } }
      group.addTask { for _ in 0..<20 { try await lookAround(store, probe) } }
      try await group.waitForAll()
    }
    // What is left is let go, and delivered.
    _ = try await store.apply(probe.order(.release, at: 0), to: .everything)
    _ = try await store.apply(probe.order(.retry, at: 0), to: .everything)
    while case let claims = try await store.claim(probe.request(limit: 50)).claims, !claims.isEmpty {
      try await settle(claims, .delivered, in: store, record, probe)
    }
    for message in messages {
      let states = try await knownStatus(store, message.id).recipients.map(\.state)
      let expected = record.value.expectedStates(of: message.id)
      probe.expectEqual(states, expected, "the states in which a message ended")
    }
    let summary = try await store.summary()
    probe.expectEqual(summary, QueueSummary(), "nothing is left")
  }

  /// What the store said.
  private struct Record: Sendable {
    var removed: Set<QueueID> = []
    /// How often each recipient of a message was delivered.
    var delivered: [QueueID: [Int: Int]] = [:]

    func expectedStates(of id: QueueID) -> [RecipientState] {
      (0...1).map { delivered[id]?[$0] == 1 ? .delivered : removed.contains(id) ? .removed : .queued }
    }
  }

  /// Claims and settles: what is removed before a claim is not in it, and no settlement comes too late.
  private func deliver(
    _ turn: Int, from store: ControlledStore, _ record: Watched<Record>, _ probe: Probe
  ) async throws {
    for round in 0..<40 {
      let removed = record.value.removed
      let claims = try await store.claim(probe.request(limit: 3)).claims
      probe.expect(!claims.contains { removed.contains($0.id) }, "what was removed is not claimed")
      await Task.yield()
      try await settle(claims, (turn + round) % 3 == 0 ? .delivered : .deferred, in: store, record, probe)
    }
  }

  private func settle(
    _ claims: [Claim], _ state: RecipientState, in store: ControlledStore, _ record: Watched<Record>,
    _ probe: Probe
  ) async throws {
    for claim in claims {
      probe.expect(!claim.recipients.isEmpty, "a claim has recipients")
      try await store.settle(probe.settlement(of: claim, state, next: state == .deferred ? 0 : nil))
      guard state == .delivered else { continue }
      record.change { record in
        for recipient in claim.recipients { record.delivered[claim.id, default: [:]][recipient.index, default: 0] += 1 }
      }
    }
  }

  /// Gives orders for some messages at a time, and for all of one destination.
  private func command(
    _ turn: Int, _ ids: [QueueID], in store: ControlledStore, _ record: Watched<Record>, _ probe: Probe
  ) async throws {
    for round in 0..<20 {
      let some = Set((0..<5).map { ids[(turn * 61 + round * 5 + $0) % ids.count] })
      switch (turn + round) % 4 {
      case 0: _ = try await store.apply(probe.order(.hold), to: QueueSelection(ids: some))
      case 1:
        let one = QueueSelection(destination: probe.destination("one.example"))
        _ = try await store.apply(probe.order(.hold), to: one)
        _ = try await store.apply(probe.order(.release), to: one)
      case 2: _ = try await store.apply(probe.order(.retry), to: QueueSelection(ids: some))
      default:
        let result = try await store.apply(probe.order(.remove), to: QueueSelection(ids: some))
        let changed = some.subtracting(result.underAttempt)
        record.change { $0.removed.formUnion(changed) }
      }
    }
  }

  /// Looks while others change: what a list shows is whole.
  private func lookAround(_ store: ControlledStore, _ probe: Probe) async throws {
    let messages = try await store.messages(.everything, after: nil, limit: 1000)
    probe.expectEqual(messages.count, 200, "messages of a list")
    probe.expect(messages.allSatisfy { $0.recipients.count == 2 }, "each with its recipients")
    let counts = try await store.recipientCounts().values.reduce(0, +)
    // Looked at a little at a time, each recipient is counted once all the same.
    probe.expectEqual(counts, 400, "recipients counted")
  }
}
