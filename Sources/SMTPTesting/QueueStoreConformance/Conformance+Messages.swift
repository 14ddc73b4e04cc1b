import DeliveryQueue
import MailModel

extension QueueStoreConformance {
  func contentReads(_ store: Store, _ probe: Probe) async throws {
    let message = probe.message(body: .octets((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }))
    guard case .octets(let body) = message.body else { return }
    let whole = message.prefix + body
    try await store.enqueue(message)
    let content = try await store.content(of: message.id)
    probe.expectEqual(content.count, whole.count, "the content's count")
    for limit in [1_000_000, 65_536, 4096, 1009] {
      let octets = try await content.readAll(limit: limit)
      probe.expect(octets == whole, "the content in pieces of \(limit)")
    }
    let border = message.prefix.count
    let pieces = [(0, 0), (0, 1), (border - 1, 2), (border, 1), (whole.count - 1, 1), (whole.count - 1, 10)]
    for (offset, limit) in pieces {
      let piece = try await content.read(from: offset, limit: limit)
      probe.expectEqual(piece, Array(whole[offset...].prefix(limit)), "\(limit) octets from \(offset) on")
    }
    for offset in [whole.count, whole.count + 1, Int.max] {
      let behind = try await content.read(from: offset, limit: 10)
      probe.expect(behind.isEmpty, "nothing lies behind the end")
    }
  }

  func contentGoesWithLastRecipient(_ store: Store, _ probe: Probe) async throws {
    let message = probe.message(to: ["one@example.org", "two@example.org"])
    try await store.enqueue(message)
    let claim = try await claimOne(store, probe)
    let reply = DeliveryReply(code: 250, text: "250 Ok")
    let first = Settlement.Change(index: 0, state: .delivered, reply: reply)
    try await store.settle(Settlement(id: claim.id, token: claim.token, at: probe.after(1), changes: [first]))
    let content = try await store.content(of: message.id).readAll()
    probe.expectEqual(content.count, message.size, "octets while a recipient is left")
    let rest = try await claimOne(store, probe, at: 1)
    try await store.settle(probe.settlement(of: rest, .delivered, at: 2))
    await probe.expectError(.noSuchMessage, "content when all recipients are final") {
      _ = try await store.content(of: message.id)
    }
    await probe.expectError(.noSuchMessage, "content of an unknown message") {
      _ = try await store.content(of: probe.newID())
    }
    let status = try await knownStatus(store, message.id)
    probe.expect(status.isFinal, "the status outlives the content")
    let next = try await store.claim(probe.request(at: 100_000))
    probe.expect(next.claims.isEmpty && next.nextDue == nil, "nothing is left to do")
  }

  func spooledBodies(_ store: Store, _ probe: Probe) async throws {
    let id = probe.newID()
    let writer = try await store.makeBody(for: id)
    var body: [UInt8] = []
    for index in 0..<20 {
      let piece = [UInt8](repeating: UInt8(index), count: 20_011)
      try await writer.append(piece)
      body += piece
    }
    let spooled = try await writer.finish()
    probe.expectEqual(spooled.count, body.count, "octets written")
    let message = probe.message(id: id, body: .spooled(spooled))
    try await store.enqueue(message)
    writer.discard()
    let content = try await store.content(of: id)
    let octets = try await content.readAll(limit: 50_000)
    probe.expect(octets == message.prefix + body, "the content of a spooled message")
    let claim = try await claimOne(store, probe)
    try await store.settle(probe.settlement(of: claim, .delivered))
    await probe.expectError(.noSuchMessage, "content when all recipients are final") {
      _ = try await store.content(of: id)
    }

    let unfinished = try await store.makeBody(for: probe.newID())
    try await unfinished.append([1, 2, 3])
    unfinished.discard()
    let finished = try await store.makeBody(for: probe.newID())
    try await finished.append([1, 2, 3])
    let discarded = try await finished.finish()
    finished.discard()
    await probe.expectError(.invalidMessage, "a message with a discarded body") {
      try await store.enqueue(probe.message(body: .spooled(discarded)))
    }
  }

  func refusals(_ store: Store, _ probe: Probe) async throws {
    await probe.expectError(.invalidMessage, "a message without a recipient") {
      try await store.enqueue(probe.message(to: []))
    }
    let message = probe.message()
    try await store.enqueue(message)
    await probe.expectError(.invalidMessage, "a queue ID used before") {
      try await store.enqueue(probe.message(to: ["other@example.org", "more@example.org"], id: message.id))
    }
    let status = try await knownStatus(store, message.id)
    probe.expectEqual(
      status.recipients.map(\.path), message.envelope.recipients.map(\.path), "the first one's recipients")
    let claim = try await claimOne(store, probe)
    await probe.expectError(.invalidMessage, "a change of a recipient that the message does not have") {
      let change = Settlement.Change(index: 1, state: .delivered, reply: nil)
      try await store.settle(Settlement(id: claim.id, token: claim.token, at: probe.start, changes: [change]))
    }
    try await store.settle(probe.settlement(of: claim, .delivered))
    let counts = try await store.recipientCounts()
    probe.expectEqual(counts.filter { $0.value > 0 }, [.delivered: 1], "recipients")
  }

  func status(_ store: Store, _ probe: Probe) async throws {
    let message = probe.message(to: ["one@example.org", "two@example.org"])
    try await store.enqueue(message)
    var expected = MessageStatus(
      id: message.id, tenant: message.tenant, reversePath: message.envelope.reversePath,
      acceptedAt: message.acceptedAt, size: message.size,
      recipients: message.envelope.recipients.map {
        RecipientStatus(
          path: $0.path, state: .queued, attempts: 0, reply: nil, lastAttempt: nil, nextAttempt: probe.start)
      })
    let queued = try await knownStatus(store, message.id)
    probe.expectEqual(queued, expected, "the status of a message just queued")

    let claim = try await claimOne(store, probe)
    let changes = [
      Settlement.Change(index: 0, state: .delivered, reply: DeliveryReply(code: 250, text: "250 2.0.0 Ok")),
      Settlement.Change(
        index: 1, state: .deferred, nextAttempt: probe.after(90), reply: DeliveryReply(problem: "No connection")),
    ]
    try await store.settle(Settlement(id: claim.id, token: claim.token, at: probe.after(7), changes: changes))
    for index in 0...1 {
      expected.recipients[index].state = changes[index].state
      expected.recipients[index].reply = changes[index].reply
      expected.recipients[index].attempts = 1
      expected.recipients[index].lastAttempt = probe.after(7)
      expected.recipients[index].nextAttempt = changes[index].nextAttempt
    }
    let tried = try await knownStatus(store, message.id)
    probe.expectEqual(tried, expected, "the status after an attempt")

    let foreign = QueueID(sequence: message.id.sequence, secret: message.id.secret ^ 1)
    if let foreign {
      let unknown = try await store.status(of: foreign)
      probe.expect(unknown == nil, "who guesses half of a queue ID learns nothing")
      await probe.expectError(.noSuchMessage, "content by a guessed queue ID") {
        _ = try await store.content(of: foreign)
      }
    }
    let unknown = try await store.status(of: probe.newID())
    probe.expect(unknown == nil, "an unknown message has no status")
  }

  func addresses(_ store: Store, _ probe: Probe) async throws {
    let forms = [
      "user@example.org", "First.Last+tag@sub.example.org", "\"quoted part\"@example.org", "\"a\\\"b\"@example.org",
      "user@[192.0.2.1]", "user@[IPv6:2001:db8::1]", "postmaster", "o'hara{}|~@example.org",
      "j\u{f6}rg@example.org", "jo\u{308}rg@example.org", "\"\u{7a7a} \u{10400}\"@b\u{fc}cher.example",
    ]
    let messages = [
      probe.message(to: forms, from: ""), probe.message(to: forms.reversed(), from: "\"odd one\"@[192.0.2.7]"),
      probe.message(from: "jo\u{308}rg@example.org"),
    ]
    for message in messages { try await store.enqueue(message) }
    for claim in try await store.claim(probe.request()).claims {
      guard let message = messages.first(where: { $0.id == claim.id }) else { return probe.fail("a strange claim") }
      probe.expectEqual(claim.recipients.map(\.path), message.envelope.recipients.map(\.path), "recipients claimed")
      probe.expectEqual(claim.reversePath, message.envelope.reversePath, "the reverse path claimed")
      let status = try await knownStatus(store, message.id)
      probe.expectEqual(
        status.recipients.map(\.path), message.envelope.recipients.map(\.path), "recipients of the status")
      probe.expectEqual(status.reversePath, message.envelope.reversePath, "the reverse path of the status")
    }
  }

  func paging(_ store: Store, _ probe: Probe) async throws {
    let ids = (0..<25).map { _ in probe.newID() }
    for id in ids.shuffled() { try await store.enqueue(probe.message(to: ["a@example.org", "b@example.org"], id: id)) }
    var listed: [QueueID] = []
    while true {
      let page = try await store.messages(after: listed.last, limit: 10)
      guard !page.isEmpty else { break }
      probe.expectEqual(page.count, min(10, ids.count - listed.count), "messages of a page")
      probe.expect(page.allSatisfy { $0.recipients.count == 2 }, "each with its recipients")
      listed += page.map(\.id)
      guard listed.count <= ids.count else { break }
    }
    probe.expectEqual(listed, ids, "all messages, in the order of their queue IDs")
    let none = try await store.messages(after: nil, limit: 0)
    probe.expect(none.isEmpty, "none where none is asked for")
  }

  func reopening(
    _ store: Store, _ probe: Probe, _ reopen: @Sendable (Store) async throws -> Store
  ) async throws {
    let first = probe.message()
    let id = probe.newID()
    let writer = try await store.makeBody(for: id)
    try await writer.append([UInt8](repeating: 7, count: 300_000))
    let spooled = probe.message(id: id, body: .spooled(try await writer.finish()))
    let messages = [first, spooled, probe.message(), probe.message()]
    let asking = probe.messagesWithParameters(at: probe.after(1000))
    for message in messages + asking { try await store.enqueue(message) }
    writer.discard()  // Too late: the message names it.
    let claims = try await store.claim(probe.request(limit: 3)).claims
    guard claims.count == 3 else { return probe.fail("three messages are due") }
    let report = probe.message(at: probe.after(50))
    try await store.settle(probe.settlement(of: claims[0], .delivered, at: 1, new: [report]))
    try await store.settle(probe.settlement(of: claims[1], .deferred, at: 2, next: 100))
    let before = try await store.messages(after: nil, limit: 100)
    probe.expectEqual(before.count, 5 + asking.count, "messages")

    let reopened = try await reopen(store)
    let after = try await reopened.messages(after: nil, limit: 100)
    probe.expectEqual(after, before, "what is known after opening again")
    let due = try await reopened.claim(probe.request(at: 10))
    probe.expectEqual(due.claims.map(\.id), [messages[2].id, messages[3].id], "a claim dies with its process")
    probe.expectEqual(due.nextDue, probe.after(50), "when the next is due")
    let later = try await reopened.claim(ClaimRequest(limit: 9, now: probe.after(100), leasedUntil: probe.after(999)))
    probe.expect(later.claims.map(\.id).contains(report.id), "the report is due")
    probe.expect(later.claims.contains { $0.id == messages[1].id && $0.recipients.map(\.attempts) == [1] }, "retried")
    let asked = try await reopened.claim(
      ClaimRequest(limit: 100, now: probe.after(1000), leasedUntil: probe.after(1099)))
    probe.expectParameters(
      of: asking, in: asked.claims.filter { claim in asking.contains { $0.id == claim.id } }, "after opening again")
    let content = try await reopened.content(of: messages[1].id).readAll()
    probe.expect(
      content == messages[1].prefix + [UInt8](repeating: 7, count: 300_000), "a spooled body after opening again")
    await probe.expectError(.noSuchMessage, "the content of a finished message") {
      _ = try await reopened.content(of: messages[0].id)
    }
    await probe.expectError(.invalidMessage, "a queue ID used before") {
      try await reopened.enqueue(probe.message(id: messages[0].id))
    }
  }
}
