import DeliveryQueue
import MailModel

// Messages whose recipients are at several sites.

extension QueueStoreConformance {
  private static let recipients = ["one@one.example", "two@two.example", "three@one.example"]

  /// Claims what is due of a message at each of the sites `one.example` and `two.example`.
  private func claimBoth(_ store: Store, _ probe: Probe, at seconds: Int = 0) async throws -> (one: Claim, two: Claim) {
    let claims = try await store.claim(probe.request(at: seconds, bySites: .unlimited)).claims
    guard claims.count == 2, let one = claims.first(where: { $0.site.description == "one.example" }),
      let two = claims.first(where: { $0.site.description == "two.example" })
    else { throw Missing(description: "two claims of one message, instead of \(claims.map(\.site))") }
    return (one, two)
  }

  func claimsOfSites(_ store: Store, _ probe: Probe) async throws {
    for isInOrder in [true, false] {
      let message = probe.message(to: Self.recipients)
      try await store.enqueue(message)
      let (one, two) = try await claimBoth(store, probe)
      probe.expectEqual([one.id, two.id], [message.id, message.id], "the claims' queue IDs")
      probe.expect(one.token != two.token, "each claim bears a token of its own")
      probe.expectEqual(one.recipients.map(\.index), [0, 2], "recipients at the one site")
      probe.expectEqual(two.recipients.map(\.index), [1], "recipients at the other")
      probe.expect(one.suspension == nil && two.suspension == nil, "both are to be attempted")

      let (first, last) = isInOrder ? (one, two) : (two, one)
      try await store.settle(probe.settlement(of: first, .delivered))
      let left = try await store.content(of: message.id).readAll()
      probe.expectEqual(left.count, message.size, "octets while a claim is under way")
      let again = try await store.claim(probe.request(at: 59, bySites: .unlimited))
      probe.expect(again.claims.isEmpty, "nothing else is due of the message")
      let held = try await store.extend([one.token, two.token], until: probe.after(100))
      probe.expectEqual(held, [last.token], "the claim that still holds")
      try await store.settle(probe.settlement(of: last, .deferred, at: 1, next: 200))
      let states = try await knownStatus(store, message.id).recipients.map(\.state)
      let expected: [RecipientState] =
        isInOrder ? [.delivered, .deferred, .delivered] : [.deferred, .delivered, .deferred]
      probe.expectEqual(states, expected, "states when one site has taken it and the other has not")

      let early = try await store.claim(probe.request(at: 199, bySites: .unlimited))
      probe.expect(early.claims.isEmpty, "nothing is due before its time")
      probe.expectEqual(early.nextDue, probe.after(200), "when what was deferred is due")
      let retried = try await store.claim(probe.request(at: 200, bySites: .unlimited)).claims
      guard let retry = retried.first, retried.count == 1 else { return probe.fail("what was deferred is due") }
      probe.expectEqual(retry.recipients.map(\.index), last.recipients.map(\.index), "recipients of the next attempt")
      try await store.settle(probe.settlement(of: retry, .bounced, at: 200))
      await probe.expectError(.noSuchMessage, "content when all recipients are final") {
        _ = try await store.content(of: message.id)
      }
    }
    let summary = try await store.summary()
    probe.expectEqual(summary, QueueSummary(), "nothing is left")
  }

  func settlementsAtOnce(_ store: Store, _ probe: Probe) async throws {
    let messages = (0..<40).map { _ in probe.message(to: Self.recipients) }
    for message in messages { try await store.enqueue(message) }
    let claims = try await store.claim(probe.request(bySites: .unlimited)).claims
    probe.expectEqual(claims.count, 80, "claims of forty messages at two sites")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for claim in claims {
        // A third of the messages is deferred at both sites, a third at one, and a third at none.
        let kind = (messages.firstIndex { $0.id == claim.id } ?? 0) % 3
        let isDeferred = kind == 0 || kind == 1 && claim.site.description == "one.example"
        group.addTask {
          try await store.settle(
            probe.settlement(of: claim, isDeferred ? .deferred : .delivered, next: isDeferred ? 100 : nil))
        }
        group.addTask { _ = try? await store.content(of: claim.id).readAll() }
      }
      try await group.waitForAll()
    }
    let again = try await store.claim(probe.request(at: 100, bySites: .unlimited)).claims
    // Of fourteen messages at both sites, and of thirteen at one.
    probe.expectEqual(again.count, 41, "claims of what was deferred")
    for claim in again {
      probe.expect(claim.recipients.allSatisfy { $0.attempts == 1 }, "only what was deferred is due again")
      try await store.settle(probe.settlement(of: claim, .delivered, at: 100))
    }
    let counts = try await store.recipientCounts().filter { $0.value > 0 }
    probe.expectEqual(counts, [.delivered: 120], "recipients")
    let summary = try await store.summary()
    probe.expectEqual(summary, QueueSummary(), "nothing is left")
    for message in messages {
      await probe.expectError(.noSuchMessage, "content when all recipients are final") {
        _ = try await store.content(of: message.id)
      }
    }
  }

  /// A settlement that names recipients at another site, of which another claim is under way.
  func settlementOfOneSite(_ store: Store, _ probe: Probe) async throws {
    let message = probe.message(to: Self.recipients)
    try await store.enqueue(message)
    let (one, two) = try await claimBoth(store, probe)
    let changes = [0, 1, 2].map { Settlement.Change(index: $0, state: .bounced, reply: nil) }
    try await store.settle(Settlement(id: two.id, token: two.token, at: probe.after(1), changes: changes))
    let states = try await knownStatus(store, message.id).recipients.map(\.state)
    probe.expectEqual(states, [.queued, .bounced, .queued], "states when one site's claim is settled")
    try await store.settle(probe.settlement(of: one, .delivered, at: 2))
    let ends = try await knownStatus(store, message.id).recipients.map(\.state)
    probe.expectEqual(ends, [.delivered, .bounced, .delivered], "states when both are")
  }

  func destinationsOfOneSite(_ store: Store, _ probe: Probe) async throws {
    let message = probe.message(to: ["one@one.example", "two@two.example", "three@other.test", "postmaster"])
    try await store.enqueue(message)
    var request = probe.request()
    request.site = { DeliverySite($0?.description.hasSuffix(".example") == true ? "examples" : "rest") }
    let claims = try await store.claim(request).claims
    probe.expectEqual(Set(claims.map(\.site.description)), ["examples", "rest"], "the sites")
    probe.expectEqual(claims.count, 2, "claims")
    for claim in claims {
      let expected = claim.site.description == "examples" ? [0, 1] : [2, 3]
      probe.expectEqual(claim.recipients.map(\.index), expected, "recipients at \(claim.site)")
      let changes = claim.recipients.map {
        Settlement.Change(
          index: $0.index, state: .deferred, nextAttempt: probe.after(100 * (1 + $0.index % 2)),
          reply: DeliveryReply(problem: "later"))
      }
      try await store.settle(Settlement(id: claim.id, token: claim.token, at: probe.after(1), changes: changes))
    }
    // What is due at different times is claimed by itself, though it is at one site.
    request.now = probe.after(100)
    let first = try await store.claim(request).claims
    probe.expectEqual(Set(first.map { $0.recipients.map(\.index) }), [[0], [2]], "what is due first")
    for claim in first { try await store.settle(probe.settlement(of: claim, .delivered, at: 100)) }
    // As is what has become one site meanwhile.
    let last = try await store.claim(probe.request(at: 200)).claims
    probe.expectEqual(last.map { $0.recipients.map(\.index) }, [[1, 3]], "the last, at one site for all")
  }

  func sitesReopening(
    _ store: Store, _ probe: Probe, _ reopen: @Sendable (Store) async throws -> Store
  ) async throws {
    let message = probe.message(to: Self.recipients + ["four@[192.0.2.1]", "postmaster"])
    let priorities: [MessagePriority] = [.bulk, .normal, .urgent]
    let others = priorities.map { probe.message(to: ["x@three.example"], at: probe.after(300), priority: $0) }
    for message in [message] + others { try await store.enqueue(message) }
    for claim in try await store.claim(probe.request(bySites: .unlimited)).claims {
      switch claim.site.description {
      case "one.example": try await store.settle(probe.settlement(of: claim, .delivered))
      case "two.example": try await store.settle(probe.settlement(of: claim, .deferred, next: 100))
      default: break
      }
    }
    let opened = try await reopen(store)
    let now = try await opened.claim(probe.request(at: 1, bySites: .unlimited)).claims
    probe.expectEqual(
      Set(now.map(\.site.description)), ["[192.0.2.1]", "postmaster"], "the sites that the end found under way")
    probe.expectEqual(Set(now.flatMap(\.recipients).map(\.index)), [3, 4], "their recipients")
    for claim in now { try await opened.settle(probe.settlement(of: claim, .delivered, at: 1)) }
    let content = try await opened.content(of: message.id).readAll()
    probe.expectEqual(content.count, message.size, "octets of what is left")

    let again = try await reopen(opened)
    let early = try await again.claim(probe.request(at: 99, bySites: .unlimited))
    probe.expect(early.claims.isEmpty, "nothing is due before its time")
    probe.expectEqual(early.nextDue, probe.after(100), "when what was deferred is due")
    let deferred = try await again.claim(probe.request(at: 100, bySites: .unlimited)).claims
    probe.expectEqual(deferred.map { $0.recipients.map(\.index) }, [[1]], "the recipient left")
    probe.expectEqual(deferred.first?.recipients.map(\.attempts), [1], "its attempts")
    for claim in deferred { try await again.settle(probe.settlement(of: claim, .delivered, at: 100)) }
    await probe.expectError(.noSuchMessage, "content when all recipients are final") {
      _ = try await again.content(of: message.id)
    }
    let rest = try await again.claim(probe.request(at: 300, bySites: .unlimited)).claims
    probe.expectEqual(rest.map(\.id), others.reversed().map(\.id), "the others, by their priority")
  }
}

// MARK: - Orders

extension QueueStoreConformance {
  func ordersAndSites(_ store: ControlledStore, _ probe: Probe) async throws {
    let message = probe.message(to: Self.recipients)
    try await store.enqueue(message)
    let all = QueueSelection(ids: [message.id])
    let first = try await store.claim(probe.request(limit: 1, bySites: .unlimited)).claims
    let early = try await store.apply(probe.order(.hold, at: 1), to: all)
    probe.expectEqual(
      early, .changed(messages: 0, recipients: 0, underAttempt: [message.id]), "the result under an attempt")
    let second = try await store.claim(probe.request(at: 1, bySites: .unlimited)).claims
    probe.expectEqual(
      Set((first + second).map(\.site.description)), ["one.example", "two.example"], "the site that was left alone")
    let both = try await store.apply(probe.order(.hold, at: 1), to: all)
    probe.expectEqual(both.underAttempt, [message.id], "a message under two attempts is named once")
    for claim in first + second {
      let next = claim.site.description == "one.example" ? 100 : 200
      try await store.settle(probe.settlement(of: claim, .deferred, at: 1, next: next))
    }

    func order(_ action: QueueOrder.Action, _ destination: String, at seconds: Int) async throws {
      let selection = QueueSelection(ids: [message.id], destination: probe.destination(destination))
      let result = try await store.apply(probe.order(action, at: seconds), to: selection)
      probe.expectEqual(result.messages, 1, "messages changed")
    }
    try await order(.hold, "one.example", at: 2)
    let held = try await store.claim(probe.request(at: 100, bySites: .unlimited))
    probe.expect(held.claims.isEmpty, "what is held is not given")
    probe.expectEqual(held.nextDue, probe.after(200), "the other site is due as before")
    try await order(.release, "one.example", at: 150)
    let released = try await store.claim(probe.request(at: 150, bySites: .unlimited))
    probe.expectEqual(released.claims.map { $0.recipients.map(\.index) }, [[0, 2]], "what was released")
    probe.expectEqual(released.nextDue, probe.after(200), "the other site is due as before")
    for claim in released.claims { try await store.settle(probe.settlement(of: claim, .delivered, at: 150)) }
    try await order(.remove, "two.example", at: 160)
    let states = try await knownStatus(store, message.id).recipients.map(\.state)
    probe.expectEqual(states, [.delivered, .removed, .delivered], "states at the end")
    let none = try await store.claim(probe.request(at: 100_000, bySites: .unlimited))
    probe.expect(none.claims.isEmpty && none.nextDue == nil, "nothing is left to do")
  }
}
