import DeliveryQueue
import MailModel
import Testing

@testable import SMTPTesting

/// The witness objects to each thing that must never be: a life as it should be, with one thing changed.
@Suite struct WitnessTests {
  /// What is changed, and what the witness says of it.
  enum Fault: String, CaseIterable {
    case nothing = ""
    // Customers.
    case queuedTwice = "is queued a second time"
    case queuedForOthers = "is queued with another envelope"
    case otherSize = "is queued with a body of"
    case queuedUnasked = "is queued, and nobody sent it"
    case queuedThoughRefused = "is queued after it was refused"
    case refusedThoughKept = "and is in the queue"
    case acceptedThoughLost = "and the queue has it as none"
    case neverAnswered = "never had an answer"
    // Claims.
    case claimedTwice = "is under two claims"
    case claimedEarly = "is claimed before it is due"
    case claimedWhenFinal = "is claimed, and delivered"
    case claimedForAnotherSite = "is claimed for y.example"
    case leaseLost = "whose lease has run out"
    case late = "late"
    // Attempts.
    case attemptedUnclaimed = "is attempted without a claim"
    case attemptedTwice = "is attempted twice by one claim"
    case doubtWithoutReason = "nobody knows what became of"
    // Orders.
    case orderMiscounted = "changed QueueOrderResult(messages: 1, recipients: 2"
    case orderDuringAttempt = "left alone [], and not [00000000100000000000000000]"
    case orderForgotten = "order: nil"
    // Settlements.
    case settledTwice = "is settled by somebody who does not hold it"
    case settledAgainstReport = "is delivered, and its attempt said deferred"
    case deferredTooSoon = "is deferred by 59.0 seconds and not by"
    case deferredTooLate = "is deferred by 73.0 seconds and not by"
    case deferredForEver = "is deferred for ever"
    case expiredEarly = "before its time"
    case wrongAttempts = "and counts 2 attempts"
    case settledUnclaimed = "for a recipient that was not claimed"
    case goesBack = "goes back as if it had not been tried"
    case goesBackThoughDelivered = "for a@x.example goes back as if it had not been tried"
    case leftByWhoHadTime = "is left under claim 1 by a process that had time"
    case noReason = "without a reason"
    // The end.
    case unfinished = "whose host works, is deferred still"
    case notArrived = "has not arrived within 5.0 seconds"
    case oneMore = "2 messages instead of 1"
    case copyOfNobody = "got a message that nobody sent"
    case copyNeverQueued = "which was never queued"
    case otherOctets = "with other octets than were sent"
    case otherSender = "from spam@x.example, who did not send it"
    case otherHost = "for a@x.example, whose host is another"
    case otherRecipient = "for whom it is not"
    case copyTooMany = "has 2 copies, with 1 deliveries"
    case copyMissing = "has 0 copies, with 1 deliveries"
    case notFinal = "at the end"
    case forgotten = "is not in the queue any more"
    case changedAlone = "attempts: 2, "
  }

  private struct Life {
    var witness: Witness
    let start = Timestamp(milliseconds: 1_800_000_000_000)
    let fault: Fault
    let id = QueueID(trusted: 1 << 20, secret: 0)
    let letter: Letter

    init(_ fault: Fault) throws {
      self.fault = fault
      let envelope = Envelope(
        reversePath: .null,
        recipients: [try #require(ForwardPath("a@x.example")), try #require(ForwardPath("b@x.example"))])
      letter = Letter(number: 7, tenant: "t", envelope: envelope, size: 50)
      witness = Witness(DeliveryConfiguration()) { DeliverySite($0) }
    }

    mutating func live() throws {
      try queue()
      let first = try claim(1, at: start)
      try attempt(first)
      if fault == .leaseLost {
        try witness.sees(.extended([first.token], until: start + .seconds(900)), after: .zero)
        return try witness.sees(
          .claimed(request(at: start + .seconds(900)), ClaimBatch(claims: [], nextDue: nil)), after: .zero)
      }
      if fault == .orderDuringAttempt { try order(.hold, at: start, 1) }
      try settle(first, at: start + .seconds(1))
      if fault == .unfinished { try witness.checkAllFinal { _ in true } }
      try order(.hold, at: start + .seconds(40), fault == .orderMiscounted ? 2 : 1)
      try order(.release, at: start + .seconds(50), 1)
      let next = start + .seconds(100)
      if fault == .late { witness.expectPunctuality(from: start, but: []) }
      let second = try claim(
        2, at: fault == .claimedEarly ? start + .seconds(49) : fault == .late ? next + .seconds(301) : next)
      try attempt(second, delivers: true)
      try deliver(second, at: next + .seconds(1))
      try end()
    }

    /// As it is queued.
    func message() -> NewMessage {
      NewMessage(
        id: id, tenant: "t", envelope: letter.envelope, acceptedAt: start,
        prefix: Array("Received: x\r\n".utf8) + letter.content.prefix(letter.bodyStart),
        body: .octets(Array(letter.content.dropFirst(letter.bodyStart + (fault == .otherSize ? 1 : 0)))))
    }

    private mutating func queue() throws {
      if fault != .queuedUnasked { witness.sends(letter) }
      if fault == .queuedThoughRefused { try witness.hears(.refused("451"), to: 7) }
      var message = message()
      if fault == .queuedForOthers { message.tenant = "another" }
      if fault != .acceptedThoughLost { try witness.sees(.queued(message), after: .zero) }
      if fault == .queuedTwice { try witness.sees(.queued(message), after: .zero) }
      if fault == .refusedThoughKept {
        // What happened to another's message excuses nothing.
        var other = message
        other.prefix = Array("Received: x\r\nX-Letter: 8\r\n\r\n".utf8)
        try witness.sees(.failed(.enqueue, QueueError(.unknownOutcome, "half-way"), other), after: .zero)
        try witness.hears(.refused("451"), to: 7)
      }
      if ![.queuedThoughRefused, .neverAnswered].contains(fault) { try witness.hears(.accepted(id), to: 7) }
    }

    private func request(at now: Timestamp) -> ClaimRequest {
      ClaimRequest(limit: 4, now: now, leasedUntil: now + .seconds(600))
    }

    private mutating func claim(_ token: UInt64, at now: Timestamp) throws -> Claim {
      let request = request(at: now)
      var claim = Claim(
        id: id, token: .init(token), tenant: "t", reversePath: .null, parameters: MessageParameters(),
        acceptedAt: start,
        size: letter.content.count,
        recipients: letter.envelope.recipients.enumerated().map {
          ClaimedRecipient(index: $0.offset, path: $0.element.path, attempts: Int(token) - 1)
        })
      claim.site = DeliverySite(fault == .claimedForAnotherSite ? "y.example" : "x.example")
      if token == 2, fault != .claimedWhenFinal { claim.recipients.removeFirst() }
      if token == 2, fault == .claimedWhenFinal { claim.recipients[0].attempts = 1 }
      var batch = ClaimBatch(claims: [claim], nextDue: nil)
      if fault == .claimedTwice {
        var other = claim
        other.token = .init(token + 10)
        batch.claims.append(other)
      }
      try witness.sees(.claimed(request, batch), after: .zero)
      return claim
    }

    /// The first recipient's is delivered, the second's deferred.
    private mutating func attempt(_ claim: Claim, delivers: Bool = false) throws {
      var attempted = claim
      if fault == .attemptedUnclaimed { attempted.token = .init(55) }
      try witness.attemptBegins(attempted)
      if fault == .attemptedTwice { try witness.attemptBegins(attempted) }
      let later = DeliveryOutcome.deferred(DeliveryReply(code: 451, text: "451 later"))
      let taken = DeliveryOutcome.delivered(DeliveryReply(code: 250, text: "250 Ok"))
      var report = DeliveryReport(outcomes: delivers ? [taken] : [taken, later])
      if fault == .doubtWithoutReason { report.uncertain = [1] }
      try witness.attemptEnds(claim, report, hasTrouble: false, after: .seconds(30))
    }

    private mutating func settle(_ claim: Claim, at now: Timestamp) throws {
      let reply = fault == .noReason ? nil : DeliveryReply(code: 451, text: "451 later")
      var second = Settlement.Change(index: 1, state: .deferred, nextAttempt: now + .seconds(70), reply: reply)
      switch fault {
      case .deferredTooSoon: second.nextAttempt = now + .seconds(59)
      case .deferredTooLate: second.nextAttempt = now + .seconds(73)
      case .deferredForEver: second.nextAttempt = nil
      case .expiredEarly: (second.state, second.nextAttempt) = (.expired, nil)
      case .wrongAttempts: second.attempts = 2
      case .settledAgainstReport: (second.state, second.nextAttempt) = (.delivered, nil)
      default: break
      }
      let first = Settlement.Change(index: 0, state: .delivered, reply: DeliveryReply(code: 250, text: "250 Ok"))
      var settlement = Settlement(id: id, token: claim.token, at: now, changes: [first, second])
      if fault == .goesBack { settlement.changes = [first] }
      if fault == .goesBackThoughDelivered {
        witness.stops()
        settlement.changes = [second]
      }
      if fault == .leftByWhoHadTime { return try witness.sees(.stopped(inTime: true), after: .zero) }
      try witness.sees(.settled(settlement), after: .zero)
      if fault == .settledTwice { try witness.sees(.settled(settlement), after: .zero) }
    }

    private mutating func order(_ action: QueueOrder.Action, at now: Timestamp, _ recipients: Int) throws {
      var result = QueueOrderResult()
      (result.messages, result.recipients) = (1, recipients)
      let order = QueueOrder(action, by: "operator", because: "a test", at: now)
      try witness.sees(.ordered(order, QueueSelection(tenant: "t"), result), after: .zero)
    }

    private mutating func deliver(_ claim: Claim, at now: Timestamp) throws {
      guard fault != .notFinal else { return }
      let change = Settlement.Change(
        index: fault == .settledUnclaimed ? 0 : 1, state: .delivered, reply: DeliveryReply(code: 250, text: "250 Ok"))
      try witness.sees(.settled(Settlement(id: id, token: claim.token, at: now, changes: [change])), after: .zero)
    }

    private mutating func end() throws {
      var kept = witness.messages.values.map(\.status)
      if fault == .forgotten { kept = [] }
      if fault == .changedAlone { kept[0].recipients[0].attempts += 1 }
      if fault == .orderForgotten { kept[0].recipients[1].order = nil }
      if fault == .oneMore {
        kept.append(kept[0])
        kept[1].id = QueueID(trusted: 2 << 20, secret: 0)
      }
      try witness.compare(kept)
      var content = Array("Received: x\r\n".utf8) + letter.content
      if fault == .otherOctets { content[content.count - 5] ^= 1 }
      let paths = letter.envelope.recipients.map(\.path)
      var copies = [
        Witness.Copy(
          host: "x", domains: [try #require(DomainName("x.example"))], reversePath: .null, recipients: paths,
          content: content)
      ]
      if fault == .otherSender { copies[0].reversePath = try #require(ReversePath("spam@x.example")) }
      if fault == .otherHost { copies[0].domains = [] }
      if fault == .otherRecipient { copies[0].recipients = [.postmaster] }
      if fault == .copyTooMany { copies.append(copies[0]) }
      if fault == .copyMissing { copies = [] }
      if fault == .copyOfNobody { copies[0].content = Array("Subject: spam\r\n\r\n".utf8) }
      if fault == .copyNeverQueued {
        let other = Letter(number: 8, tenant: "t", envelope: letter.envelope, size: 50)
        witness.sends(other)
        copies[0].content = Array("Received: x\r\n".utf8) + other.content
      }
      if fault == .notArrived {
        witness.messages[id]?.status.recipients[0].state = .deferred
        try witness.checkArrived(7, within: .seconds(5))
      }
      for copy in copies { try witness.takes(copy) }
      try witness.checkEnds()
    }
  }

  /// Twice as long each time, up to an hour; greylisting and policy have bounds of their own.
  @Test(
    arguments: [
      (0, "suspended", 60), (1, "452 4.2.2 full", 60), (2, "452 4.2.2 full", 120), (6, "452 4.2.2 full", 1920),
      (7, "452 4.2.2 full", 3600), (99, "452 4.2.2 full", 3600), (1, "554 5.7.1 no", 600), (7, "554 5.7.1 no", 3600),
      (2, "450 4.2.0 later", 120), (7, "451 4.7.1 later", 1500),
    ] as [(Int, String, Double)])
  func delays(attempts: Int, reply: String, delay: Double) throws {
    var configuration = DeliveryConfiguration()
    configuration.schedule.maximumDelay = .seconds(3600)
    let delays = Witness(configuration) { DeliverySite($0) }.delays(
      after: attempts, DeliveryReply(code: 450, text: reply))
    #expect(delays == .seconds(delay - 0.002) ... .seconds(delay * 1.2 + 0.002))
  }

  /// Nobody could tell the customer, so that it may be in the queue or not.
  @Test func whatMayBeKeptMayBeRefused() throws {
    var life = try Life(.nothing)
    life.witness.sends(life.letter)
    let message = life.message()
    try life.witness.sees(.queued(message), after: .zero)
    try life.witness.sees(.failed(.enqueue, QueueError(.unknownOutcome, "half-way"), message), after: .zero)
    try life.witness.hears(.refused("451"), to: 7)
  }

  @Test(arguments: Fault.allCases) func objects(fault: Fault) throws {
    var life = try Life(fault)
    if fault == .nothing { return try life.live() }
    let violation = #expect(throws: Violation.self) { try life.live() }
    #expect(violation?.what.contains(fault.rawValue) == true, "\(violation?.what ?? "nothing")")
  }
}
