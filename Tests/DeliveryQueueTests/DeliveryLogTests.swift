import DeliveryQueue
import Logging
import MailModel
import SMTPTesting
import Testing

/// What operators look for.
@Suite(.timeLimit(.minutes(10))) struct DeliveryLogTests {
  /// Says of each recipient what its local part asks for, in words that repeat its address.
  private static func echo(_ claim: Claim) -> DeliveryReport {
    DeliveryReport(
      outcomes: claim.recipients.map { recipient in
        let text = recipient.path.description
        if text.hasPrefix("sent") { return .delivered(DeliveryReply(code: 250, text: "250 2.1.5 <\(text)> ok")) }
        if text.hasPrefix("bounced") { return .failed(DeliveryReply(code: 550, text: "550 5.1.1 <\(text)>: unknown")) }
        return .deferred(DeliveryReply(code: 450, text: "450 4.2.0 <\(text)>: greylisted"))
      }, hostProblem: "relay.example refused postbox@example.org\r\nfor now")
  }

  private func configuration(_ display: AddressDisplay) -> DeliveryConfiguration {
    var configuration = DeliveryConfiguration.test
    configuration.addressesInLog = display
    return configuration
  }

  @Test func everyRecipientHasItsLine() async throws {
    let rig = DeliveryRig { Self.echo($0) }
    let sender = try #require(ReversePath("charlotte@example.com"))
    try await rig.run {
      let id = try await rig.enqueue(
        from: sender, to: ["sent@example.org", "deferred@example.org", "bounced@example.org"], tenant: "acme")
      await rig.store.ended(.settle, 1)
      await rig.time.sleeper(until: rig.after(.seconds(60)))
      rig.time.advance(by: .seconds(60))
      await rig.store.ended(.settle, 2)
      #expect(try await rig.recipient(id, 1).attempts == 2)
    }
    let sent = try #require(rig.logs.lines("Message sent").first)
    let id = try #require(sent.metadata["queue-id"])
    let expected: Logger.Metadata = [
      "queue-id": id, "tenant": "acme", "size": "24", "sender": "c*a*l*t*e@example.com",
      "recipients": ["s*n*@example.org"], "attempts": "1", "delay-ms": "0", "reply": "250 2.1.5 <s*n*@example.org> ok",
    ]
    #expect(sent.metadata == expected)
    #expect(sent.level == .info)

    let deferred = rig.logs.lines("Message deferred")
    #expect(deferred.map { $0["attempts"] } == ["1", "2"])
    #expect(deferred.map { $0["delay-ms"] } == ["0", "60000"])
    let reply = "450 4.2.0 <d*f*r*e*@example.org>: greylisted"
    #expect(deferred.map { $0["reply"] } == [reply, reply])
    let next = [rig.after(.seconds(60)), rig.after(.seconds(180))].map(\.description)
    #expect(deferred.map { $0["next-attempt"] } == next)
    #expect(deferred.allSatisfy { $0.level == .info })

    let bounced = try #require(rig.logs.lines("Message bounced").first)
    #expect(bounced.metadata["recipients"] == ["b*u*c*d@example.org"])
    #expect(bounced["reply"] == "550 5.1.1 <b*u*c*d@example.org>: unknown")
    #expect(bounced.level == .warning)
    #expect(rig.logs.lines.allSatisfy { $0.metadata["queue-id"] == id })
  }

  @Test func whatExpiresIsAWarning() async throws {
    var configuration = DeliveryConfiguration.test
    configuration.schedule.lifetime = .zero
    let rig = DeliveryRig(configuration: configuration) { claim in claim.report { .deferred($0) } }
    try await rig.run {
      try await rig.enqueue()
      await rig.store.ended(.settle, 1)
    }
    #expect(rig.logs.lines("Message expired").count == 1)
    #expect(rig.logs.count(.warning) == 1)
    #expect(rig.logs.lines("Message deferred").isEmpty)
  }

  @Test(arguments: AddressDisplay.allCases) func addresses(display: AddressDisplay) async throws {
    let rig = DeliveryRig(configuration: configuration(display)) { Self.echo($0) }
    rig.store.fail(.claim, with: QueueError(.cannotWrite, "claim", cause: Trouble(text: "claims@example.org\nlost")))
    rig.store.fail(.settle, with: QueueError(.cannotWrite, "settle", cause: Trouble(text: "settles@example.org")))
    let sender = try #require(ReversePath("charlotte@example.com"))
    try await rig.run {
      await rig.time.sleeper(until: rig.after(.seconds(5)))
      try await rig.enqueue(from: sender, to: ["sent@example.org", "deferred@example.org", "bounced@example.org"])
      rig.time.advance(by: .seconds(5))
      await rig.store.ended(.settle, 1)
      await rig.time.sleeper(until: rig.after(.seconds(10)))
      rig.time.advance(by: .seconds(5))
      await rig.store.ended(.settle, 2)
    }
    let text = rig.logs.lines.map(\.text).joined(separator: " ")
    for name in ["charlotte", "sent", "deferred", "bounced", "postbox", "claims", "settles"] {
      #expect(text.contains("\(name)@") == (display == .plain), "\(name)")
    }
    #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 })
  }

  @Test(arguments: [(1, 1), (19, 1), (20, 1), (21, 2), (1_000, 50)])
  func aLineNamesSoManyRecipients(count: Int, lines expected: Int) async throws {
    let rig = DeliveryRig()
    let domain = "\(String(repeating: "d", count: 60)).example"
    try await rig.run {
      try await rig.enqueue(to: (0..<count).map { "\($0)@\(domain)" })
      await rig.store.ended(.settle, 1)
    }
    let lines = rig.logs.lines("Message sent")
    #expect(lines.count == expected)
    #expect(lines.allSatisfy { $0.text.utf8.count < 10_000 })
    let named = lines.map { line in
      if case .array(let recipients)? = line.metadata["recipients"] { recipients.count } else { 0 }
    }
    #expect(named.reduce(0, +) == count)
  }

  @Test(arguments: [999, 1_000, 1_001]) func anErrorIsCut(length: Int) {
    guard case .string(let text) = AddressDisplay.masked.logged(Trouble(text: String(repeating: "x", count: length)))
    else {
      Issue.record("no text")
      return
    }
    #expect(text.count == min(length, 1_000))
  }
}

private struct Trouble: Error, CustomStringConvertible {
  var text: String
  var description: String { text }
}
