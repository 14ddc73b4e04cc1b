import DeliveryQueue
import MailModel

extension QueueStoreConformance {
  func claimGivesWhatWasQueued(_ store: Store, _ probe: Probe) async throws {
    let empty = try await store.claim(probe.request())
    probe.expect(empty.claims.isEmpty && empty.nextDue == nil, "an empty store gives nothing and names no time")

    let message = probe.message(to: ["one@example.org", "two@example.org"])
    try await store.enqueue(message)
    let batch = try await store.claim(probe.request())
    guard let claim = batch.claims.first, batch.claims.count == 1 else { return probe.fail("one message is due") }
    probe.expectEqual(claim.id, message.id, "the claim's queue ID")
    probe.expectEqual(claim.tenant, message.tenant, "the claim's tenant")
    probe.expectEqual(claim.reversePath, message.envelope.reversePath, "the claim's reverse path")
    probe.expectEqual(claim.parameters, message.envelope.parameters, "the claim's parameters")
    probe.expectEqual(claim.acceptedAt, message.acceptedAt, "the claim's time of acceptance")
    probe.expectEqual(claim.size, message.size, "the claim's size")
    let recipients = message.envelope.recipients.enumerated().map {
      ClaimedRecipient(index: $0.offset, path: $0.element.path, parameters: $0.element.parameters, attempts: 0)
    }
    probe.expectEqual(claim.recipients, recipients, "the claim's recipients")
  }

  func claimOrderAndLimit(_ store: Store, _ probe: Probe) async throws {
    // The IDs ascend, the times do not.
    let times = [30, 10, 20, 40]
    let messages = times.map { probe.message(at: probe.after($0)) }
    for message in messages { try await store.enqueue(message) }
    let early = try await store.claim(probe.request(at: 9))
    probe.expect(early.claims.isEmpty, "nothing is due yet")
    probe.expectEqual(early.nextDue, probe.after(10), "the earliest time at which something is due")

    let first = try await store.claim(probe.request(at: 35, limit: 2))
    probe.expectEqual(first.claims.map(\.id), [messages[1].id, messages[2].id], "the first two")
    probe.expectEqual(first.nextDue, probe.after(30), "the time of what was left over")
    let second = try await store.claim(probe.request(at: 35, limit: 2))
    probe.expectEqual(second.claims.map(\.id), [messages[0].id], "the rest of what is due")
    probe.expectEqual(second.nextDue, probe.after(40), "the time of what is not due yet")
  }

  func noDoubleClaim(_ store: Store, _ probe: Probe) async throws {
    for _ in 0..<5 { try await store.enqueue(probe.message()) }
    let first = try await store.claim(probe.request(limit: 3))
    let second = try await store.claim(probe.request(limit: 3))
    let third = try await store.claim(probe.request(at: 59, limit: 3))
    probe.expectEqual(first.claims.count, 3, "claims of the first request")
    probe.expectEqual(second.claims.count, 2, "claims of the second request")
    probe.expectEqual(third.claims.count, 0, "claims when all is claimed")
    probe.expectEqual(Set((first.claims + second.claims).map(\.id)).count, 5, "messages claimed")
    probe.expectEqual(Set((first.claims + second.claims).map(\.token)).count, 5, "different tokens")
  }

  func leaseExpiry(_ store: Store, _ probe: Probe) async throws {
    try await store.enqueue(probe.message())
    let lost = try await claimOne(store, probe)
    let early = try await store.claim(probe.request(at: 59))
    probe.expect(early.claims.isEmpty, "a claim holds until its lease runs out")
    let current = try await claimOne(store, probe, at: 60)
    probe.expectEqual(current.id, lost.id, "the message whose lease ran out")
    probe.expect(current.token != lost.token, "a new claim bears a new token")
    let held = try await store.extend([lost.token, current.token], until: probe.after(600))
    probe.expectEqual(held, [current.token], "the claims that still hold")
    await probe.expectError(.claimLost, "settling a lost claim") {
      try await store.settle(probe.settlement(of: lost, .delivered))
    }
    try await store.settle(probe.settlement(of: current, .delivered))
    let status = try await knownStatus(store, current.id)
    probe.expectEqual(status.recipients.map(\.attempts), [1], "attempts")
  }

  func leaseExtension(_ store: Store, _ probe: Probe) async throws {
    for _ in 0..<2 { try await store.enqueue(probe.message()) }
    let claims = try await store.claim(probe.request()).claims
    guard claims.count == 2 else { return probe.fail("two messages are due") }
    let held = try await store.extend([claims[0].token], until: probe.after(120))
    probe.expectEqual(held, [claims[0].token], "the claims extended")
    let expired = try await store.claim(probe.request(at: 100))
    probe.expectEqual(expired.claims.map(\.id), [claims[1].id], "only what was not extended runs out")
    try await store.settle(probe.settlement(of: claims[0], .delivered, at: 110))
    let afterwards = try await store.extend([claims[0].token], until: probe.after(300))
    probe.expect(afterwards.isEmpty, "a settled claim cannot be extended")
  }

  func concurrency(_ store: Store, _ probe: Probe) async throws {
    let producers = 20
    let each = 10
    let delivered = try await withThrowingTaskGroup(of: [QueueID].self) { group in
      for _ in 0..<producers {
        group.addTask {
          for _ in 0..<each { try await store.enqueue(probe.message()) }
          return []
        }
      }
      for _ in 0..<5 {
        group.addTask { try await deliverAll(producers * each, from: store, probe) }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    probe.expectEqual(delivered.count, producers * each, "messages delivered")
    probe.expectEqual(Set(delivered).count, producers * each, "different messages delivered")
    let counts = try await store.recipientCounts()
    probe.expectEqual(counts[.delivered], producers * each, "recipients delivered")
  }

  /// Claims and settles until so many recipients are delivered, by whomever.
  private func deliverAll(_ total: Int, from store: Store, _ probe: Probe) async throws -> [QueueID] {
    var delivered: [QueueID] = []
    repeat {
      let claims = try await store.claim(probe.request(limit: 7)).claims
      for claim in claims {
        try await store.settle(probe.settlement(of: claim, .delivered))
        delivered.append(claim.id)
      }
      if claims.isEmpty { await Task.yield() }
    } while try await store.recipientCounts()[.delivered, default: 0] < total
    return delivered
  }

  func cancellation(_ store: Store, _ probe: Probe) async throws {
    let messages = (0..<20).map { _ in probe.message(to: ["one@example.org", "two@example.org"]) }
    let kept = await withTaskGroup(of: (Int, Bool).self) { group in
      for (index, message) in messages.enumerated() {
        group.addTask {
          do {
            try await store.enqueue(message)
            return (index, true)
          } catch {
            return (index, false)
          }
        }
      }
      group.cancelAll()
      return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    for (index, message) in messages.enumerated() {
      let status = try await store.status(of: message.id)
      if kept[index] == true { probe.expect(status != nil, "what was acknowledged is kept") }
      if let status { probe.expectEqual(status.recipients.count, 2, "recipients of a message kept") }
    }
    try await store.enqueue(probe.message())
  }
}
