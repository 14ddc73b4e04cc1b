import DeliveryQueue
import MailModel

extension QueueStoreConformance {
  /// One action on recipients in every state.
  func orders(_ action: QueueOrder.Action, _ store: ControlledStore, _ probe: Probe) async throws {
    let id = try await queueEveryState(store, probe)
    let before = try await knownStatus(store, id)
    let order = QueueOrder(action, by: "Ada", because: "a test of \(action.rawValue)", at: probe.after(7))
    var expected = before
    var changed = 0
    for index in expected.recipients.indices {
      guard let state = action.outcome(of: before.recipients[index]) else { continue }
      changed += 1
      expected.recipients[index].state = state
      expected.recipients[index].nextAttempt = state == .queued || state == .deferred ? probe.after(7) : nil
      if action == .bounce { expected.recipients[index].reply = DeliveryReply(problem: order.reason) }
      expected.recipients[index].order = order
    }
    let result = try await store.apply(order, to: QueueSelection(ids: [id]))
    probe.expectEqual(result, .changed(messages: 1, recipients: changed), "the result of \(action)")
    let after = try await knownStatus(store, id)
    probe.expectEqual(after.recipients, expected.recipients, "recipients after \(action)")
    guard action != .retry else { return }
    let again = try await store.apply(probe.order(action, at: 99), to: QueueSelection(ids: [id]))
    probe.expectEqual(again, QueueOrderResult(), "the result of \(action) where nothing is left to do")
    let unchanged = try await knownStatus(store, id)
    probe.expectEqual(unchanged, after, "the status after \(action) where nothing was left to do")
  }

  /// A message with recipients in every state, two of them held: one before any attempt, one after.
  private func queueEveryState(_ store: ControlledStore, _ probe: Probe) async throws -> QueueID {
    let states = RecipientState.allCases
    let addresses = states.map { "\($0.rawValue)@\($0 == .held ? "held" : "open").example" } + ["later@held.example"]
    let message = probe.message(to: addresses)
    try await store.enqueue(message)
    let claim = try await claimOne(store, probe)
    let changes = claim.recipients.compactMap { recipient -> Settlement.Change? in
      let state = recipient.index < states.count ? states[recipient.index] : .deferred
      guard state != .queued, state != .held else { return nil }
      return Settlement.Change(
        index: recipient.index, state: state, nextAttempt: state == .deferred ? probe.after(500) : nil,
        reply: DeliveryReply(code: 250, text: "250 \(state.rawValue)"))
    }
    try await store.settle(Settlement(id: claim.id, token: claim.token, at: probe.after(1), changes: changes))
    let held = QueueSelection(ids: [message.id], destination: probe.destination("held.example"))
    _ = try await store.apply(probe.order(.hold, at: 2), to: held)
    return message.id
  }

  func orderRecords(_ store: ControlledStore, _ probe: Probe) async throws {
    let message = probe.message(to: ["one@one.example", "two@two.example"])
    try await store.enqueue(message)
    let one = QueueSelection(ids: [message.id], destination: probe.destination("one.example"))
    let orders = [
      QueueOrder(.hold, by: "Ada", because: "looks odd", at: probe.after(1)),
      QueueOrder(.release, by: "J\u{f6}rg", because: "was not: \u{7a7a}", at: probe.after(2)),
      QueueOrder(.retry, by: String(repeating: "n", count: 200), because: "tab\tand\r\nline", at: probe.after(3)),
      QueueOrder(.remove, by: "", because: String(repeating: "\u{e9}", count: 600), at: probe.after(4)),
    ]
    for order in orders {
      _ = try await store.apply(order, to: one)
      let status = try await knownStatus(store, message.id)
      probe.expectEqual(status.recipients[0].order, order, "the order kept")
      probe.expectEqual(status.recipients[1].order, nil, "the order of a recipient that none concerned")
    }
    let last = try await store.messages(QueueSelection(states: [.removed]), after: nil, limit: 1)
    probe.expectEqual(last.first?.recipients[0].order, orders.last, "the order in a list")
  }

  func orderSelection(_ store: ControlledStore, _ probe: Probe) async throws {
    let addresses = [
      "a@example.org", "\"a@example.org\"@other.example", "b@sub.example.org", "c@[192.0.2.1]", "postmaster",
    ]
    let messages = ["one", "two", nil].map { probe.message(to: addresses, tenant: $0) }
    for message in messages { try await store.enqueue(message) }
    func expect(_ states: [[RecipientState]], _ when: String) async throws {
      for (message, states) in zip(messages, states) {
        let status = try await knownStatus(store, message.id)
        probe.expectEqual(status.recipients.map(\.state), states, "states of \(message.tenant ?? "none") \(when)")
      }
    }
    let queued = [RecipientState](repeating: .queued, count: 5)
    let foreign = QueueID(sequence: messages[0].id.sequence, secret: messages[0].id.secret ^ 1)
    let nobody = QueueSelection(ids: Set([foreign, probe.newID()].compactMap { $0 }))
    for selection in [nobody, QueueSelection(tenant: "three"), QueueSelection(ids: []), QueueSelection(states: [])] {
      let none = try await store.apply(probe.order(.remove), to: selection)
      probe.expectEqual(none, QueueOrderResult(), "the result where nothing is selected")
    }
    try await expect([queued, queued, queued], "where nothing was selected")

    let atExample = QueueSelection(tenant: "one", destination: probe.destination("example.org"))
    let held = try await store.apply(probe.order(.hold), to: atExample)
    probe.expectEqual(held, .changed(messages: 1, recipients: 1), "the result for a tenant and a destination")
    try await expect([[.held, .queued, .queued, .queued, .queued], queued, queued], "after a hold")
    let removed = try await store.apply(
      probe.order(.remove), to: QueueSelection(ids: [messages[0].id, messages[2].id], states: [.queued]))
    probe.expectEqual(removed, .changed(messages: 2, recipients: 9), "the result for messages and a state")
    let gone = [RecipientState](repeating: .removed, count: 5)
    try await expect([[.held] + gone.dropFirst(), queued, gone], "after a removal")
    let bounced = try await store.apply(
      probe.order(.bounce), to: QueueSelection(destination: probe.destination("[192.0.2.1]")))
    probe.expectEqual(bounced, .changed(messages: 1, recipients: 1), "the result for a destination")
    let claim = try await claimOne(store, probe)
    probe.expectEqual(claim.id, messages[1].id, "the message left")
    probe.expectEqual(claim.recipients.map(\.index), [0, 1, 2, 4], "the recipients left")
  }

  func contentGoesWithOrder(_ store: ControlledStore, _ probe: Probe) async throws {
    let id = probe.newID()
    let writer = try await store.makeBody(for: id)
    try await writer.append([UInt8](repeating: 7, count: 300_000))
    let spooled = probe.message(
      to: ["one@one.example", "two@two.example"], id: id, body: .spooled(try await writer.finish()))
    let inline = probe.message(to: ["one@one.example", "two@two.example"])
    for message in [spooled, inline] {
      try await store.enqueue(message)
      let one = QueueSelection(ids: [message.id], destination: probe.destination("one.example"))
      _ = try await store.apply(probe.order(.bounce), to: one)
      let content = try await store.content(of: message.id).readAll()
      probe.expectEqual(content.count, message.size, "octets while a recipient is left")
      _ = try await store.apply(probe.order(.remove), to: QueueSelection(ids: [message.id]))
      await probe.expectError(.noSuchMessage, "content when an order has ended the last recipient") {
        _ = try await store.content(of: message.id)
      }
      let status = try await knownStatus(store, message.id)
      probe.expectEqual(status.recipients.map(\.state), [.bounced, .removed], "states")
    }
    let next = try await store.claim(probe.request(at: 100_000))
    probe.expect(next.claims.isEmpty && next.nextDue == nil, "nothing is left to do")
    let summary = try await store.summary()
    probe.expectEqual(summary, QueueSummary(), "the summary")
  }

  func ordersReopening(
    _ store: ControlledStore, _ probe: Probe, _ reopen: @Sendable (Store) async throws -> Store
  ) async throws {
    let messages = (0..<6).map { _ in probe.message(to: ["one@one.example", "two@two.example"]) }
    for message in messages { try await store.enqueue(message) }
    func only(_ index: Int, _ destination: String? = nil) -> QueueSelection {
      QueueSelection(ids: [messages[index].id], destination: destination.flatMap(probe.destination))
    }
    _ = try await store.apply(probe.order(.hold, at: 1), to: only(0))
    _ = try await store.apply(probe.order(.hold, at: 1), to: only(1, "one.example"))
    _ = try await store.apply(probe.order(.remove, at: 2), to: only(2))
    _ = try await store.apply(probe.order(.bounce, at: 3), to: only(3, "two.example"))
    _ = try await store.apply(probe.order(.hold, at: 3), to: only(4))
    _ = try await store.apply(probe.order(.release, at: 50), to: only(4))
    let before = try await store.messages(after: nil, limit: 100)
    let summary = try await store.summary()

    let reopened = try await reopen(store)
    let after = try await reopened.messages(after: nil, limit: 100)
    probe.expectEqual(after, before, "what is known after opening again")
    let sameSummary = try await reopened.summary()
    probe.expectEqual(sameSummary, summary, "the summary after opening again")
    let due = try await reopened.claim(probe.request(at: 49))
    probe.expectEqual(
      due.claims.map(\.id), [messages[1].id, messages[3].id, messages[5].id], "what is due after opening again")
    probe.expectEqual(due.claims.map { $0.recipients.map(\.index) }, [[1], [0], [0, 1]], "recipients that are due")
    probe.expectEqual(due.nextDue, probe.after(50), "when what was released is due")
    guard let control = reopened as? ControlledStore else { return probe.fail("it takes no orders any more") }
    let released = try await control.apply(probe.order(.release, at: 60), to: only(0))
    probe.expectEqual(released, .changed(messages: 1, recipients: 2), "the result of a release after opening again")
    let last = try await reopened.claim(probe.request(at: 60))
    probe.expect(last.claims.contains { $0.id == messages[0].id }, "what is released after opening again is due")
  }
}

extension QueueOrder.Action {
  /// What becomes of a recipient; `nil` where the action does not concern it.
  fileprivate func outcome(of recipient: RecipientStatus) -> RecipientState? {
    switch (self, recipient.state) {
    case (.hold, .queued), (.hold, .deferred): .held
    case (.release, .held): recipient.attempts == 0 ? .queued : .deferred
    case (.retry, .queued): .queued
    case (.retry, .deferred): .deferred
    case (.bounce, .queued), (.bounce, .deferred), (.bounce, .held): .bounced
    case (.remove, .queued), (.remove, .deferred), (.remove, .held): .removed
    default: nil
    }
  }
}

extension QueueOrderResult {
  static func changed(messages: Int, recipients: Int, underAttempt: [QueueID] = []) -> QueueOrderResult {
    var result = QueueOrderResult()
    (result.messages, result.recipients, result.underAttempt) = (messages, recipients, underAttempt)
    return result
  }
}
