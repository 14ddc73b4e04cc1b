import DeliveryQueue
import MailModel

extension QueueStoreConformance {
  func selection(_ store: Store, _ probe: Probe) async throws {
    let messages = try await populate(store, probe)
    let strangers = [probe.newID(), QueueID(sequence: messages[0].id.sequence, secret: messages[0].id.secret ^ 1)]
    let some = Set([1, 3, 4].map { messages[$0].id } + strangers.compactMap { $0 })
    let open: Set<RecipientState> = [.queued, .deferred, .held]
    let states: [Set<RecipientState>?] = [
      nil, [], [.queued], [.held], [.deferred, .delivered], open, Set(RecipientState.allCases).subtracting(open),
    ]
    for ids in [nil, [], some] {
      for tenant in [nil, "one", "nobody"] {
        for destination in [
          nil, "example.org", "sub.example.org", "[192.0.2.1]", "[IPv6:2001:db8::1]", "b\u{fc}cher.example",
        ] {
          for states in states {
            let selection = QueueSelection(
              ids: ids, tenant: tenant, destination: destination.flatMap(probe.destination), states: states)
            try await expect(selection, of: messages, store, probe)
          }
        }
      }
    }
  }

  private func expect(
    _ selection: QueueSelection, of messages: [MessageStatus], _ store: Store, _ probe: Probe
  ) async throws {
    let listed = try await store.messages(selection, after: nil, limit: 100)
    let expected = messages.filter { message in message.recipients.contains { selection.means($0, of: message) } }
    probe.expectEqual(listed, expected, "messages of \(selection)")
    for grouping in QueueGrouping.allCases {
      let counts = try await store.counts(selection, by: grouping, limit: 100)
      probe.expectEqual(
        Dictionary(counts.map { ($0.name, $0.recipients) }) { first, _ in first },
        messages.tally(selection, by: grouping), "recipients by \(grouping) of \(selection)")
    }
  }

  func selectionPaging(_ store: Store, _ probe: Probe) async throws {
    let ids = (0..<600).map { _ in probe.newID() }
    var rare: [QueueID] = []
    for (index, id) in ids.enumerated() {
      let isRare = index % 97 == 5
      if isRare { rare.append(id) }
      try await store.enqueue(probe.message(to: [isRare ? "user@rare.example" : "user@example.org"], id: id))
    }
    let selections = [
      (QueueSelection(destination: probe.destination("rare.example")), rare),
      (QueueSelection(destination: probe.destination("rare.example"), states: [.queued]), rare),
      (QueueSelection(ids: Set(ids.prefix(250)), states: [.queued]), Array(ids.prefix(250))),
      (QueueSelection(tenant: "tenant"), ids),
    ]
    for (selection, expected) in selections {
      for limit in [1, 2, 101, 10_000] where expected.count <= 100 * limit {
        let found = try await pages(of: limit, selection, in: store, probe)
        probe.expectEqual(found, expected, "pages of \(limit) of \(selection)")
      }
    }
    let behind = try await store.messages(.everything, after: ids[599], limit: 1)
    probe.expect(behind.isEmpty, "nothing lies behind the last")
  }

  private func pages(
    of limit: Int, _ selection: QueueSelection, in store: Store, _ probe: Probe
  ) async throws -> [QueueID] {
    var found: [QueueID] = []
    for _ in 0...1000 {
      let page = try await store.messages(selection, after: found.last, limit: limit).map(\.id)
      guard !page.isEmpty else { return found }
      probe.expect(page.count <= limit, "a page of \(limit) has \(page.count)")
      found += page
    }
    probe.fail("the pages have no end")
    return found
  }

  func groups(_ store: Store, _ probe: Probe) async throws {
    let tenants: [(String?, [String])] = [
      ("small", ["a@one.example"]), ("great", ["a@two.example", "b@two.example", "c@one.example", "postmaster"]),
      (nil, ["\"a@two.example\"@[192.0.2.1]"]), ("also small", ["d@two.example"]),
    ]
    for (tenant, recipients) in tenants { try await store.enqueue(probe.message(to: recipients, tenant: tenant)) }
    let claim = try await claimOne(store, probe)
    try await store.settle(probe.settlement(of: claim, .deferred, next: 100))
    let byTenant = try await store.counts(.everything, by: .tenant, limit: 10)
    expectRanked(
      byTenant,
      [
        QueueCount(name: "great", recipients: [.queued: 4]), QueueCount(name: nil, recipients: [.queued: 1]),
        QueueCount(name: "also small", recipients: [.queued: 1]), QueueCount(name: "small", recipients: [.deferred: 1]),
      ], "recipients by tenant", probe)
    let byDestination = try await store.counts(.everything, by: .destination, limit: 10)
    expectRanked(
      byDestination,
      [
        QueueCount(name: "two.example", recipients: [.queued: 3]),
        QueueCount(name: "one.example", recipients: [.queued: 1, .deferred: 1]),
        QueueCount(name: nil, recipients: [.queued: 1]), QueueCount(name: "[192.0.2.1]", recipients: [.queued: 1]),
      ], "recipients by destination", probe)
    for limit in 0...5 {
      let greatest = try await store.counts(.everything, by: .tenant, limit: limit)
      probe.expectEqual(
        greatest.map(\.total), byTenant.prefix(limit).map(\.total), "totals of the \(limit) greatest tenants")
      probe.expect(greatest.allSatisfy(byTenant.contains), "the \(limit) greatest tenants are among all")
      probe.expectEqual(
        Set(greatest.map(\.name)).count, greatest.count, "different tenants among the \(limit) greatest")
    }
  }

  /// The greatest groups come first; in which order those of one size do is the store's own matter.
  private func expectRanked(_ counts: [QueueCount], _ expected: [QueueCount], _ what: String, _ probe: Probe) {
    probe.expectEqual(counts.map(\.total), expected.map(\.total), "totals of \(what)")
    probe.expect(expected.allSatisfy(counts.contains), "\(what): \(counts)")
  }

  func summary(_ store: Store, _ probe: Probe) async throws {
    let empty = try await store.summary()
    probe.expectEqual(empty, QueueSummary(), "the summary of an empty store")
    let messages = (1...4).map { index in
      probe.message(
        to: (0..<index).map { "user\($0)@example.org" }, at: probe.after(index),
        body: .octets([UInt8](repeating: 65, count: 1000 * index)))
    }
    for message in messages { try await store.enqueue(message) }
    func expect(_ left: ArraySlice<NewMessage>, _ recipients: [RecipientState: Int], _ when: String) async throws {
      let summary = try await store.summary()
      let expected = QueueSummary(
        messages: left.count, octets: left.reduce(0) { $0 + $1.size }, recipients: recipients,
        oldest: left.first?.acceptedAt)
      probe.expectEqual(summary, expected, "the summary \(when)")
    }
    try await expect(messages[...], [.queued: 10], "of what was queued")
    let first = try await claimOne(store, probe, at: 10)
    try await expect(messages[...], [.queued: 10], "while one is claimed")
    try await store.settle(probe.settlement(of: first, .delivered, at: 10))
    try await expect(messages[1...], [.queued: 9], "after a delivery")
    let second = try await claimOne(store, probe, at: 10)
    try await store.settle(probe.settlement(of: second, .deferred, at: 10, next: 20))
    try await expect(messages[1...], [.queued: 7, .deferred: 2], "after a deferral")
    let third = try await claimOne(store, probe, at: 10)
    let bounce = Settlement.Change(index: 1, state: .bounced, reply: nil)
    try await store.settle(Settlement(id: third.id, token: third.token, at: probe.after(11), changes: [bounce]))
    try await expect(messages[1...], [.queued: 6, .deferred: 2], "when a recipient is left")
    guard let control = store as? ControlledStore else { return }
    _ = try await control.apply(probe.order(.hold), to: QueueSelection(ids: [messages[1].id, messages[2].id]))
    try await expect(messages[1...], [.queued: 4, .held: 4], "after a hold")
    _ = try await control.apply(probe.order(.release), to: QueueSelection(ids: [messages[1].id]))
    try await expect(messages[1...], [.queued: 4, .deferred: 2, .held: 2], "after a release")
    _ = try await control.apply(probe.order(.remove), to: QueueSelection(ids: Set(messages.dropLast().map(\.id))))
    try await expect(messages[3...], [.queued: 4], "after a removal")
  }
}

// MARK: - What is in the store

extension QueueStoreConformance {
  /// Messages of three tenants to every kind of destination, with recipients in every state that the store can reach.
  private func populate(_ store: Store, _ probe: Probe) async throws -> [MessageStatus] {
    let destinations = [
      "a@example.org", "\"a@example.org\"@other.example", "b@sub.example.org", "c@notexample.org", "d@[192.0.2.1]",
      "e@[IPv6:2001:db8::1]", "postmaster", "f@b\u{fc}cher.example", "G@EXAMPLE.ORG", "h@example.org", "i@held.example",
    ]
    let tenants: [String?] = ["one", "two", nil]
    var ids: [QueueID] = []
    for index in 0..<9 {
      let turned = destinations[index...] + destinations[..<index]
      let message = probe.message(to: index == 7 ? ["i@held.example"] : Array(turned), tenant: tenants[index % 3])
      try await store.enqueue(message)
      ids.append(message.id)
    }
    let states = RecipientState.allCases.filter { $0 != .held }
    for (turn, claim) in try await store.claim(probe.request(limit: 8)).claims.enumerated() where turn != 7 {
      let changes = claim.recipients.dropLast(turn).compactMap { recipient -> Settlement.Change? in
        let state = states[(turn + recipient.index) % states.count]
        guard state != .queued else { return nil }
        return Settlement.Change(
          index: recipient.index, state: state, nextAttempt: state == .deferred ? probe.after(500) : nil, reply: nil)
      }
      try await store.settle(Settlement(id: claim.id, token: claim.token, at: probe.after(1), changes: changes))
    }
    if let control = store as? ControlledStore {
      let held = QueueSelection(destination: probe.destination("held.example"))
      _ = try await control.apply(probe.order(.hold), to: held)
    }
    var messages: [MessageStatus] = []
    for id in ids { messages.append(try await knownStatus(store, id)) }
    return messages
  }
}

extension QueueSelection {
  fileprivate func means(_ recipient: RecipientStatus, of message: MessageStatus) -> Bool {
    let host: Mailbox.Host? = if case .mailbox(let mailbox) = recipient.path { mailbox.host } else { nil }
    return ids?.contains(message.id) != false && (tenant == nil || tenant == message.tenant)
      && (destination == nil || destination == host) && states?.contains(recipient.state) != false
  }
}

extension [MessageStatus] {
  fileprivate func tally(_ selection: QueueSelection, by grouping: QueueGrouping) -> [String?: [RecipientState: Int]] {
    var groups: [String?: [RecipientState: Int]] = [:]
    for message in self {
      for recipient in message.recipients where selection.means(recipient, of: message) {
        var name: String?
        switch grouping {
        case .tenant: name = message.tenant
        case .destination: if case .mailbox(let mailbox) = recipient.path { name = mailbox.host.description }
        }
        groups[name, default: [:]][recipient.state, default: 0] += 1
      }
    }
    return groups
  }
}
