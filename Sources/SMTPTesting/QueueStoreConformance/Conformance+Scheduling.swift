import DeliveryQueue
import MailModel

// How many at once, whose turn it is, and what goes first.

extension QueueStoreConformance {
  /// Queues so many messages for a user at a domain.
  private func enqueue(
    _ count: Int, to domain: String, of tenant: String? = "tenant", in store: Store, _ probe: Probe
  ) async throws {
    for _ in 0..<count { try await store.enqueue(probe.message(to: ["user@\(domain)"], tenant: tenant)) }
  }

  private func ends(_ claims: some Sequence<Claim>, _ condition: SiteCondition = .working) -> [DeliveryEnd] {
    claims.map { DeliveryEnd(token: $0.token, condition: condition) }
  }

  func siteLimit(_ store: Store, _ probe: Probe) async throws {
    try await enqueue(5, to: "one.example", in: store, probe)
    try await enqueue(1, to: "two.example", in: store, probe)
    var rules = SchedulingRules.unlimited
    (rules.deliveriesPerSite, rules.firstDeliveriesPerSite) = (2, 2)
    func claim(at seconds: Int = 0, _ ended: [DeliveryEnd] = []) async throws -> ClaimBatch {
      try await store.claim(probe.request(at: seconds, bySites: rules, ended: ended))
    }
    let first = try await claim()
    let sites = first.claims.map(\.site.description).sorted()
    probe.expectEqual(sites, ["one.example", "one.example", "two.example"], "as many as each site may have")
    probe.expect(first.awaitsEnd, "the rest waits for an end")
    probe.expectEqual(first.nextDue, probe.after(60), "or for the first lease")
    let one = first.claims.filter { $0.site.description == "one.example" }
    guard one.count == 2 else { return }

    let second = try await claim(ends(one.prefix(1)))
    probe.expectEqual(second.claims.count, 1, "an end makes room before it is settled")
    let unknown = DeliveryEnd(token: Claim.Token(.max), condition: .working)
    let third = try await claim(ends(one.prefix(1)) + [unknown, unknown])
    probe.expectEqual(third.claims.count, 0, "an end makes room once, and one that nobody knows none")
    probe.expect(third.awaitsEnd, "the rest still waits for an end")
    try await store.settle(probe.settlement(of: one[0], .delivered))
    let fourth = try await claim()
    probe.expectEqual(fourth.claims.count, 0, "what has ended makes no room again when it is settled")
    try await store.settle(probe.settlement(of: one[1], .delivered))
    let fifth = try await claim()
    probe.expectEqual(fifth.claims.count, 1, "a settlement makes room where no end was told")
    let held = try await store.extend((second.claims + first.claims).map(\.token), until: probe.after(600))
    probe.expectEqual(held.count, 2, "claims that hold")
    let sixth = try await claim(at: 60)
    probe.expectEqual(sixth.claims.count, 1, "a lease that has run out makes room")
  }

  func slowStart(_ store: Store, _ probe: Probe) async throws {
    try await enqueue(20, to: "one.example", in: store, probe)
    var rules = SchedulingRules.unlimited
    (rules.deliveriesPerSite, rules.firstDeliveriesPerSite) = (4, 1)
    var ended: [DeliveryEnd] = []
    for count in [1, 2, 4, 4] {
      let claims = try await store.claim(probe.request(bySites: rules, ended: ended)).claims
      probe.expectEqual(claims.count, count, "deliveries at once, after those before have worked")
      ended = ends(claims)
      for claim in claims { try await store.settle(probe.settlement(of: claim, .delivered)) }
    }
    guard !ended.isEmpty else { return }
    ended[ended.count - 1].condition = .busy("not so many")
    let claims = try await store.claim(probe.request(bySites: rules, ended: ended)).claims
    probe.expectEqual(claims.count, 2, "deliveries at once, after the site was busy")
    let rest = try await store.claim(probe.request(bySites: rules, ended: ends(claims, .unknown))).claims
    probe.expectEqual(rest.count, 2, "deliveries at once, after those before told nothing")
  }

  func tenantLimit(_ store: Store, _ probe: Probe) async throws {
    for domain in ["one.example", "two.example", "three.example"] {
      try await enqueue(1, to: domain, of: "first", in: store, probe)
    }
    try await enqueue(1, to: "one.example", of: "second", in: store, probe)
    var rules = SchedulingRules.unlimited
    rules.deliveriesPerTenant = 2
    let some = try await store.claim(probe.request(bySites: rules))
    probe.expectEqual(
      some.claims.compactMap(\.tenant).sorted(), ["first", "first", "second"], "as many as each tenant may have")
    probe.expect(some.awaitsEnd, "the rest waits for an end")
    let ended = ends(some.claims.filter { $0.tenant == "first" }.prefix(1))
    let rest = try await store.claim(probe.request(bySites: rules, ended: ended))
    probe.expectEqual(rest.claims.map(\.tenant), ["first"], "an end makes room before it is settled")
    probe.expect(!rest.awaitsEnd, "nothing waits any more")
    for claim in some.claims + rest.claims { try await store.settle(probe.settlement(of: claim, .delivered)) }

    rules = .unlimited
    rules.leavesRoomForOthers = true
    try await enqueue(8, to: "one.example", of: "first", in: store, probe)
    let half = try await store.claim(probe.request(limit: 10, bySites: rules))
    probe.expectEqual(half.claims.count, 5, "a tenant leaves as much room for others as it takes itself")
    probe.expect(half.awaitsEnd, "the rest waits for an end")
    try await enqueue(1, to: "one.example", of: "second", in: store, probe)
    let other = try await store.claim(probe.request(limit: 5, bySites: rules)).claims
    probe.expectEqual(other.map(\.tenant), ["second"], "another finds room at once")
    let last = try await store.claim(probe.request(limit: 9, bySites: rules, ended: ends(half.claims))).claims
    probe.expectEqual(last.count, 3, "ends make room for what was left")
  }

  func turns(_ store: Store, _ probe: Probe) async throws {
    try await enqueue(20, to: "one.example", of: "first", in: store, probe)
    try await enqueue(3, to: "two.example", of: "first", in: store, probe)
    try await enqueue(3, to: "one.example", of: "second", in: store, probe)
    try await enqueue(3, to: "one.example", of: nil, in: store, probe)
    let six = try await store.claim(probe.request(limit: 6, bySites: .unlimited)).claims
    func count(_ tenant: String?) -> Int { six.count { $0.tenant == tenant } }
    probe.expectEqual([count("first"), count("second"), count(nil)], [2, 2, 2], "of each tenant as many")
    let sites = six.filter { $0.tenant == "first" }.map(\.site.description).sorted()
    probe.expectEqual(sites, ["one.example", "two.example"], "of a tenant's sites as many")
    // Whose turn it was stays known between two claims.
    var tenants: Set<String?> = []
    for _ in 0..<3 {
      tenants.formUnion(try await store.claim(probe.request(limit: 1, bySites: .unlimited)).claims.map(\.tenant))
    }
    probe.expectEqual(tenants.count, 3, "tenants of three claims of one message each")
    let rest = try await store.claim(probe.request(bySites: .unlimited)).claims
    probe.expectEqual(rest.count, 29 - 9, "the rest")
  }

  func priorities(_ store: Store, _ probe: Probe) async throws {
    let asked: [(MessagePriority, Int)] = [(.bulk, 0), (.normal, 2), (.normal, 1), (.urgent, 4), (.urgent, 3)]
    let messages = asked.map { probe.message(at: probe.after($0.1), tenant: "first", priority: $0.0) }
    let other = probe.message(at: probe.after(4), tenant: "second", priority: .bulk)
    for message in messages + [other] { try await store.enqueue(message) }
    let two = try await store.claim(probe.request(at: 5, limit: 2, bySites: .unlimited)).claims
    probe.expectEqual(Set(two.map(\.id)), [messages[4].id, other.id], "between tenants, a priority means nothing")
    let rest = try await store.claim(probe.request(at: 5, bySites: .unlimited)).claims
    probe.expectEqual(rest.map(\.id), [3, 2, 1, 0].map { messages[$0].id }, "by priority, then by what is longest due")
    for claim in two + rest { try await store.settle(probe.settlement(of: claim, .deferred, at: 5, next: 50)) }
    let again = try await store.claim(probe.request(at: 50, bySites: .unlimited)).claims.filter { $0.tenant == "first" }
    probe.expectEqual(again.map(\.id), [3, 4, 1, 2, 0].map { messages[$0].id }, "the same after a deferral")
  }
}

// MARK: - Sites that fail

extension QueueStoreConformance {
  /// Rules by which a site pauses after two failures, for one minute first.
  private var pausing: SchedulingRules {
    var rules = SchedulingRules.unlimited
    (rules.failuresBeforePause, rules.firstPause, rules.maximumPause) = (2, .seconds(60), .seconds(100))
    rules.patience = .seconds(300)
    return rules
  }

  /// Claims, and settles as deferred until long after.
  private func claimAndDefer(
    at seconds: Int, limit: Int = 100, _ ended: [DeliveryEnd] = [], from store: Store, _ probe: Probe
  ) async throws -> ClaimBatch {
    let batch = try await store.claim(probe.request(at: seconds, limit: limit, bySites: pausing, ended: ended))
    for claim in batch.claims {
      try await store.settle(probe.settlement(of: claim, .deferred, at: seconds, next: 100_000))
    }
    return batch
  }

  private func expectPause(_ batch: ClaimBatch, until seconds: Int, _ probe: Probe) {
    guard let change = batch.siteChanges.first, batch.siteChanges.count == 1,
      case .paused(let until, let reason) = change.kind
    else { return probe.fail("a site is paused: \(batch.siteChanges)") }
    probe.expectEqual(change.site.description, "one.example", "the site that is paused")
    probe.expectEqual(until, probe.after(seconds), "until when it is paused")
    probe.expect(reason.contains("no route"), "why it is paused: \(reason)")
    probe.expectEqual(batch.pausedSites, 1, "paused sites for which something waits")
  }

  func pauses(_ store: Store, _ probe: Probe) async throws {
    try await enqueue(7, to: "one.example", in: store, probe)
    let failed = SiteCondition.failed("no route to it")
    let first = try await claimAndDefer(at: 0, limit: 2, from: store, probe)
    let unknown = DeliveryEnd(token: Claim.Token(.max), condition: failed)
    let still = try await store.claim(probe.request(limit: 1, bySites: pausing, ended: [unknown, unknown]))
    probe.expect(still.siteChanges.isEmpty && still.claims.count == 1, "ends that nobody knows pause nothing")
    for claim in still.claims { try await store.settle(probe.settlement(of: claim, .deferred, next: 100_000)) }

    let paused = try await claimAndDefer(at: 1, ends(first.claims, failed), from: store, probe)
    probe.expect(paused.claims.isEmpty, "a paused site is left alone")
    expectPause(paused, until: 61, probe)
    try await enqueue(1, to: "two.example", in: store, probe)
    let others = try await claimAndDefer(at: 60, from: store, probe)
    probe.expectEqual(others.claims.map(\.site.description), ["two.example"], "other sites go on")
    probe.expectEqual(others.nextDue, probe.after(61), "when the pause is over")
    probe.expect(others.siteChanges.isEmpty && others.pausedSites == 1, "what is known is told once, the count always")

    let second = try await claimAndDefer(at: 61, from: store, probe)
    probe.expectEqual(second.claims.count, 1, "one message probes the site")
    let longer = try await claimAndDefer(at: 62, ends(second.claims, failed), from: store, probe)
    expectPause(longer, until: 162, probe)
    let third = try await claimAndDefer(at: 162, from: store, probe)
    probe.expectEqual(third.claims.count, 1, "one message probes it again")
    let resumed = try await claimAndDefer(at: 163, ends(third.claims), from: store, probe)
    probe.expectEqual(
      resumed.siteChanges, [SiteChange(site: DeliverySite("one.example"), kind: .resumed)], "it works again")
    probe.expectEqual(resumed.claims.count, 1, "it begins again with one delivery at a time")
    probe.expectEqual(resumed.pausedSites, 0, "paused sites")
    let last = try await claimAndDefer(at: 164, ends(resumed.claims), from: store, probe)
    probe.expectEqual(last.claims.count, 1, "the last message")
    let none = try await claimAndDefer(at: 165, ends(last.claims), from: store, probe)
    probe.expect(!none.awaitsEnd, "nothing waits for an end")
    probe.expectEqual(none.nextDue, probe.after(100_000), "nothing is due but what was deferred")
  }

  func suspensions(_ store: Store, _ probe: Probe) async throws {
    try await enqueue(2, to: "one.example", in: store, probe)
    let late = probe.message(to: ["late@one.example"], at: probe.after(250))
    try await store.enqueue(late)
    var rules = pausing
    (rules.failuresBeforePause, rules.firstPause, rules.maximumPause) = (1, .seconds(3600), .seconds(3600))
    (rules.deliveriesPerSite, rules.firstDeliveriesPerSite) = (1, 1)
    func claim(at seconds: Int, _ ended: [DeliveryEnd] = []) async throws -> ClaimBatch {
      try await store.claim(probe.request(at: seconds, bySites: rules, ended: ended))
    }
    let attempt = try await claim(at: 0).claims
    for claim in attempt { try await store.settle(probe.settlement(of: claim, .deferred, next: 100_000)) }
    let paused = try await claim(at: 1, ends(attempt, .failed("no route to it")))
    probe.expectEqual(paused.siteChanges.count, 1, "one failure pauses the site")
    let patient = try await claim(at: 299)
    probe.expect(patient.claims.isEmpty, "what is due waits while it may")
    guard let next = patient.nextDue, next >= probe.after(299), next <= probe.after(301) else {
      return probe.fail(
        "something is to be done at the end of the patience, not at \(String(describing: patient.nextDue))")
    }
    let suspended = try await claim(at: 301).claims
    guard let claim = suspended.first, suspended.count == 1, let reason = claim.suspension else {
      return probe.fail("what has waited too long is given, not to be attempted: \(suspended)")
    }
    probe.expect(reason.contains("one.example") && reason.contains("no route"), "it says where and why: \(reason)")
    let changes = claim.recipients.map {
      Settlement.Change(
        index: $0.index, state: .deferred, nextAttempt: probe.after(100_000), reply: DeliveryReply(problem: reason),
        attempts: 0)
    }
    try await store.settle(Settlement(id: claim.id, token: claim.token, at: probe.after(301), changes: changes))
    let status = try await knownStatus(store, claim.id)
    probe.expectEqual(status.recipients.map(\.attempts), [0], "attempts of what was not attempted")
    let last = try await self.claim(late, at: 551, by: rules, from: store, probe)
    probe.expect(last?.suspension != nil, "what falls due during a pause is suspended in its time")
  }

  /// The claim of one message, if it alone is given.
  private func claim(
    _ message: NewMessage, at seconds: Int, by rules: SchedulingRules, from store: Store, _ probe: Probe
  ) async throws -> Claim? {
    let claims = try await store.claim(probe.request(at: seconds, bySites: rules)).claims
    probe.expectEqual(claims.map(\.id), [message.id], "messages claimed")
    return claims.first
  }
}
