import DeliveryQueue
import MailModel

extension QueueStoreConformance {
  func parameters(_ store: Store, _ probe: Probe) async throws {
    let messages = probe.messagesWithParameters()
    for message in messages { try await store.enqueue(message) }
    let claims = try await store.claim(probe.request(limit: messages.count)).claims
    probe.expectParameters(of: messages, in: claims, "at first")
    for claim in claims {
      // The last recipient alone is tried again.
      var settlement = probe.settlement(of: claim, .deferred, next: 100)
      for place in settlement.changes.indices.dropLast() { settlement.changes[place].state = .delivered }
      try await store.settle(settlement)
    }
    let later = try await store.claim(probe.request(at: 100, limit: messages.count)).claims
    probe.expect(later.allSatisfy { $0.recipients.count == 1 }, "one recipient of each is left")
    probe.expectParameters(of: messages, in: later, "at the second attempt")
    // What comes of a message is a message too.
    guard let last = later.first else { return }
    let reports = probe.messagesWithParameters(at: probe.after(50))
    try await store.settle(probe.settlement(of: last, .delivered, at: 101, new: reports))
    let next = try await store.claim(probe.request(at: 101, limit: reports.count)).claims
    probe.expectParameters(of: reports, in: next, "of what came of a settlement")
  }
}

// MARK: - What can be asked

extension Probe {
  /// One message for each thing that can be asked of a message; each has recipients for whom everything is asked that can be.
  func messagesWithParameters(at instant: Timestamp? = nil) -> [NewMessage] {
    let asked = recipientParameters
    let recipients = asked.indices.map { "recipient-\($0)@example.org" }
    return messageParameters.map {
      message(to: recipients, at: instant, parameters: $0, recipientParameters: asked)
    }
  }

  private var messageParameters: [MessageParameters] {
    let longest = String(repeating: "+", count: 33) + "x"  // 100 octets in xtext
    let envelopeIDs = ["QQ314159", " blanks  within and around ", "+=;<>\"'\\%", longest].compactMap { EnvelopeID($0) }
    let submitters = ["", "a@example.org", "\"odd one\"@[IPv6:2001:db8::1]", "jo\u{308}rg@example.org"].compactMap {
      ReversePath($0)
    }
    if envelopeIDs.count != 4 || submitters.count != 4 { fail("a parameter of the check itself is none") }
    var all = [MessageParameters(), MessageParameters(bodyType: .eightBitMIME)]
    func add(_ change: (inout MessageParameters) -> Void) {
      var parameters = MessageParameters()
      change(&parameters)
      all.append(parameters)
    }
    add { $0.isInternationalized = true }
    for content in [ReturnedContent.full, .headers] { add { $0.returnedContent = content } }
    for id in envelopeIDs { add { $0.envelopeID = id } }
    for submitter in submitters { add { $0.submitter = submitter } }
    for level in [-9, 0, 9] { add { $0.priority = TransferPriority(level) } }
    add {
      $0.bodyType = .eightBitMIME
      $0.isInternationalized = true
      $0.returnedContent = .full
      $0.priority = TransferPriority(-1)
      $0.envelopeID = envelopeIDs.last
      $0.submitter = submitters.last
    }
    return all
  }

  private var recipientParameters: [RecipientParameters] {
    let originals = [
      ("rfc822", "Someone.Else@EXAMPLE.org"), ("rfc822", "\"a;b + c=d\"@example.org"), ("x400", "/c=de/;a= ;"),
      ("utf-8", "j\u{f6}rg@b\u{fc}cher.example"), ("utf-8", "jo\u{308}rg@example.org"),
      ("utf-8", "\u{7a7a}\u{10400}@example.org"), ("rfc822", String(repeating: "x", count: 493)),
    ].compactMap { OriginalRecipient(addressType: $0.0, address: $0.1) }
    if originals.count != 7 { fail("an original recipient of the check itself is none") }
    let sets: [Notifications?] = [nil] + (0...7).map { Notifications(rawValue: $0) }
    return sets.map { RecipientParameters(notifications: $0) }
      + originals.map { RecipientParameters(originalRecipient: $0) }
      + zip(sets.reversed(), originals).map { RecipientParameters(notifications: $0.0, originalRecipient: $0.1) }
  }
}

// MARK: - What comes out

extension Probe {
  func expectParameters(of messages: [NewMessage], in claims: [Claim], _ occasion: String) {
    expectEqual(claims.count, messages.count, "messages claimed \(occasion)")
    for message in messages {
      guard let claim = claims.first(where: { $0.id == message.id }) else { continue }
      expectEqual(claim.parameters, message.envelope.parameters, "a message's parameters \(occasion)")
      for recipient in claim.recipients {
        let asked = message.envelope.recipients[recipient.index].parameters
        expectEqual(recipient.parameters, asked, "a recipient's parameters \(occasion)")
        let text = (recipient.parameters.originalRecipient?.address, asked.originalRecipient?.address)
        // Two spellings of one character are equal as strings, and different as addresses.
        expect(text.0.map { Array($0.utf8) } == text.1.map { Array($0.utf8) }, "ORCPT to the octet \(occasion)")
      }
    }
  }
}
