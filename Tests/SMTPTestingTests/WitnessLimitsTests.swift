import DeliveryQueue
import MailModel
import Testing

@testable import SMTPTesting

/// The witness knows by itself how much there may be at once, and which sites are to be left alone.
@Suite struct WitnessLimitsTests {
  /// A queue of letters, each for one recipient.
  private struct Queue {
    var witness: Witness
    let start = Timestamp(milliseconds: 1_800_000_000_000)
    private var ids: [QueueID] = []
    private var lastToken: UInt64 = 0
    private var ends: [DeliveryEnd] = []

    /// - Parameter letters: whose, and for which host.
    init(_ letters: [(tenant: String, host: String)], _ change: (inout DeliveryConfiguration) -> Void) throws {
      var configuration = DeliveryConfiguration()
      configuration.rules.leavesRoomForOthers = false
      change(&configuration)
      witness = Witness(configuration) { DeliverySite($0) }
      for (number, (tenant, host)) in letters.enumerated() {
        let path = try #require(ForwardPath("a@\(host).example"))
        let letter = Letter(
          number: number, tenant: tenant, envelope: Envelope(reversePath: .null, recipients: [path]), size: 9)
        witness.sends(letter)
        let message = NewMessage(
          id: QueueID(trusted: Int64(number + 1) << 20, secret: 0), tenant: tenant, envelope: letter.envelope,
          acceptedAt: start, prefix: Array("Received: x\r\n".utf8) + letter.content.prefix(letter.bodyStart),
          body: .octets(Array(letter.content.dropFirst(letter.bodyStart))))
        try witness.sees(.queued(message), after: .zero)
        ids.append(message.id)
      }
    }

    /// A claim of these letters after so many seconds, which tells what has ended.
    ///
    /// - Parameter step: how far the calendar has been set forward by then.
    mutating func claim(_ letters: Int..., after seconds: Int, step: Int = 0) throws {
      let now = start + .seconds(seconds + step)
      var request = ClaimRequest(limit: 100, now: now, leasedUntil: now + .seconds(86_400))
      request.ended = ends
      ends = []
      let claims = try letters.map { number in
        let message = try #require(witness.messages[ids[number]]?.status)
        lastToken += 1
        var claim = Claim(
          id: message.id, token: .init(lastToken), tenant: message.tenant, reversePath: .null,
          parameters: MessageParameters(), acceptedAt: start, size: message.size,
          recipients: [ClaimedRecipient(index: 0, path: message.recipients[0].path, attempts: 0)])
        claim.site = witness.site(message.recipients[0].path.destination)
        return claim
      }
      try witness.sees(.claimed(request, ClaimBatch(claims: claims, nextDue: nil)), after: .seconds(seconds))
      for claim in claims { try witness.attemptBegins(claim) }
    }

    /// The attempt that was claimed as the `number`th ends; the next claim tells that it did.
    mutating func end(_ number: UInt64, _ condition: SiteCondition, told: SiteCondition? = nil, after seconds: Int) {
      guard let claim = witness.claims[.init(number)]?.claim else { return }
      let report = DeliveryReport(outcomes: [.deferred(DeliveryReply(problem: "later"))], condition: condition)
      try? witness.attemptEnds(claim, report, hasTrouble: false, after: .seconds(seconds))
      tell(number, told ?? condition)
    }

    mutating func tell(_ number: UInt64, _ condition: SiteCondition) {
      ends.append(DeliveryEnd(token: .init(number), condition: condition))
    }

    mutating func forgetToTell() { ends = [] }
  }

  private static let failed = SiteCondition.failed("no answer")
  private static let letters = (0..<8).map { _ in (tenant: "t", host: "x") }

  private func expect(_ words: String, _ body: () throws -> Void) {
    let violation = #expect(throws: Violation.self) { try body() }
    #expect(violation?.what.contains(words) == true, "\(violation?.what ?? "nothing") instead of \(words)")
  }

  // MARK: How many

  @Test func workers() throws {
    var queue = try Queue(Self.letters) { $0.workers = 2 }
    try queue.claim(0, 1, after: 0)
    expect("1 claims were given with 0 free workers") { try queue.claim(2, after: 1) }
  }

  @Test func deliveriesAtASite() throws {
    var queue = try Queue(Self.letters) { ($0.rules.deliveriesPerSite, $0.rules.firstDeliveriesPerSite) = (2, 2) }
    try queue.claim(0, 1, after: 0)
    queue.end(1, .working, after: 1)
    try queue.claim(2, after: 2)
    expect("3 deliveries at x.example") { try queue.claim(3, after: 3) }
  }

  @Test func deliveriesForATenant() throws {
    var queue = try Queue([("t", "x"), ("t", "y"), ("t", "z"), ("u", "x")]) { $0.rules.deliveriesPerTenant = 2 }
    try queue.claim(0, 1, 3, after: 0)
    expect("3 deliveries for t") { try queue.claim(2, after: 1) }
  }

  @Test func roomForOthers() throws {
    var queue = try Queue([("t", "x"), ("t", "y"), ("t", "z"), ("u", "x")]) {
      ($0.workers, $0.rules.leavesRoomForOthers) = (4, true)
    }
    try queue.claim(0, 1, after: 0)
    expect("3 deliveries for t, and only 2 left for others") { try queue.claim(2, after: 1) }
  }

  /// One delivery at first, and one more for each that worked; half as many when the site has too much to do.
  @Test func slowStart() throws {
    var queue = try Queue(Self.letters) { ($0.rules.deliveriesPerSite, $0.rules.firstDeliveriesPerSite) = (4, 1) }
    var other = queue
    expect("2 deliveries at x.example, which is trusted with 1") { try other.claim(0, 1, after: 0) }
    try queue.claim(0, after: 0)
    queue.end(1, .working, after: 1)
    try queue.claim(1, 2, after: 2)
    other = queue
    expect("3 deliveries at x.example, which is trusted with 2") { try other.claim(3, after: 3) }
    queue.end(2, .busy("too much"), after: 3)
    expect("2 deliveries at x.example, which is trusted with 1") { try queue.claim(3, after: 3) }
  }

  /// Whoever waits at a site that is watched has a turn after so many of others; whoever has something under way may have to wait.
  @Test func turns() throws {
    let letters = Self.letters + [("late", "x"), ("busy", "x"), ("busy", "y")]
    var queue = try Queue(letters) { $0.rules.firstDeliveriesPerSite = 8 }
    queue.witness.watchTurns(at: DeliverySite("x.example"), most: 3)
    try queue.claim(10, after: 0)
    try queue.claim(0, 1, 2, after: 1)
    var other = queue
    expect("late waits at x.example for more than 3 turns of others") { try other.claim(3, after: 2) }
    try queue.claim(8, 3, 4, 5, after: 2)
  }

  // MARK: What is told

  @Test func anEndThatIsToldTooEarly() throws {
    var queue = try Queue(Self.letters) { _ in }
    try queue.claim(0, after: 0)
    queue.tell(1, .working)
    expect("is told, and its attempt goes on") { try queue.claim(after: 1) }
  }

  @Test func anEndThatIsNotTold() throws {
    var queue = try Queue(Self.letters) { _ in }
    try queue.claim(0, after: 0)
    queue.end(1, Self.failed, after: 1)
    queue.forgetToTell()
    try queue.claim(after: 2)
    expect("the end of claim 1 was not told") { try queue.claim(after: 3) }
  }

  @Test func anEndThatIsToldOtherwise() throws {
    var queue = try Queue(Self.letters) { _ in }
    try queue.claim(0, after: 0)
    queue.end(1, Self.failed, told: .unknown, after: 1)
    expect("is told as unknown, and was failed") { try queue.claim(after: 2) }
  }

  @Test func anAttemptByAClaimThatIsOver() throws {
    var queue = try Queue(Self.letters) { _ in }
    try queue.claim(0, after: 0)
    let claim = try #require(queue.witness.claims[.init(1)]?.claim)
    queue.end(1, .working, after: 1)
    try queue.claim(after: 2)
    queue.witness.claims[.init(1)]?.report = nil
    expect("which is over") { try queue.witness.attemptBegins(claim) }
  }

  // MARK: Pauses

  /// Two failures at that second, after which the site is paused for a minute.
  private func pausedQueue(after second: Int = 1) throws -> Queue {
    var queue = try Queue(Self.letters) { $0.rules.maximumPause = .seconds(180) }
    try queue.claim(0, 1, after: second)
    for number in 1...2 as ClosedRange<UInt64> { queue.end(number, Self.failed, after: second) }
    try queue.claim(after: second)
    return queue
  }

  @Test func aPausedSite() throws {
    var queue = try pausedQueue()
    var other = queue
    expect("which is paused until 2027-01-15T08:01:01.000Z") { try other.claim(2, after: 60) }
    try queue.claim(2, after: 61)
  }

  @Test func aSecondProbe() throws {
    var queue = try pausedQueue()
    try queue.claim(2, after: 61)
    expect("a second delivery at x.example, which is being probed") { try queue.claim(3, after: 62) }
  }

  /// Each twice as long as the one before, up to the longest.
  @Test func pausesThatFollowOneAnother() throws {
    var queue = try pausedQueue()
    var now = 61
    for (number, pause) in [(3, 120), (4, 180), (5, 180)] as [(UInt64, Int)] {
      try queue.claim(Int(number), after: now)
      queue.end(number, Self.failed, after: now)
      try queue.claim(after: now)
      var other = queue
      expect("which is paused until") { try other.claim(2, after: now + pause - 1) }
      now += pause
    }
  }

  @Test func oneDeliveryAfterAProbeThatWorked() throws {
    var queue = try pausedQueue()
    try queue.claim(2, after: 61)
    queue.end(3, .working, after: 61)
    expect("2 deliveries at x.example, which is trusted with 1") { try queue.claim(3, 4, after: 61) }
  }

  /// What began before the pause says nothing new.
  @Test func aFailureThatIsNoNews() throws {
    var queue = try Queue(Self.letters) { $0.rules.firstDeliveriesPerSite = 3 }
    try queue.claim(0, 1, 2, after: 0)
    for number in 1...2 as ClosedRange<UInt64> { queue.end(number, Self.failed, after: 1) }
    try queue.claim(after: 1)
    queue.end(3, Self.failed, after: 50)
    try queue.claim(after: 50)
    try queue.claim(3, after: 61)
  }

  @Test func aCalendarSetBackMakesNoPauseLonger() throws {
    var queue = try pausedQueue(after: 4000)
    try queue.claim(after: 4010, step: -3600)
    var other = queue
    expect("which is paused until") { try other.claim(2, after: 4069, step: -3600) }
    try queue.claim(2, after: 4070, step: -3600)
  }

  @Test func aSiteOfWhichNothingIsKnownAnyMore() throws {
    var queue = try pausedQueue()
    try queue.claim(2, 3, after: 361)
  }
}
