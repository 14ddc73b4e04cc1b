import DeliveryQueue
import MailModel
import Testing

@Suite struct HeapTests {
  @Test func givesInOrderWhateverWentIn() {
    var generator = SystemRandomNumberGenerator()
    for count in [0, 1, 2, 3, 10, 100] {
      let numbers = (0..<count).map { _ in Int.random(in: 0..<50, using: &generator) }
      var built = Heap(numbers)
      var grown = Heap<Int>()
      for number in numbers { grown.insert(number) }
      var drained: ([Int], [Int]) = ([], [])
      while let next = built.popFirst() { drained.0.append(next) }
      while let next = grown.popFirst() { drained.1.append(next) }
      #expect(drained.0 == numbers.sorted())
      #expect(drained.1 == numbers.sorted())
    }
  }

  @Test func filterKeepsOrder() {
    var heap = Heap([5, 2, 8, 1, 9, 4]).filter { $0 % 2 == 0 }
    #expect(heap.count == 3)
    #expect(heap.popFirst() == 2)
    #expect(heap.popFirst() == 4)
    #expect(heap.popFirst() == 8)
    #expect(heap.isEmpty)
  }
}

@Suite struct ClaimLedgerTests {
  private func at(_ seconds: Int) -> Timestamp { Timestamp(milliseconds: Int64(seconds) * 1000) }

  private func ledger(_ due: [Int], limits: QueueLimits = QueueLimits(messages: 100, octets: 1000)) -> ClaimLedger {
    var ledger = ClaimLedger(limits: limits)
    for (index, second) in due.enumerated() { ledger.insert(entry(Int64(index), due: second)) }
    return ledger
  }

  private func entry(_ sequence: Int64, due second: Int, size: Int = 10) -> ClaimLedger.Entry {
    ClaimLedger.Entry(sequence: sequence, size: size, parts: [part(due: at(second))])
  }

  private func part(due: Timestamp) -> ClaimLedger.Part { ClaimLedger.Part(destination: nil, due: due) }

  private func request(_ now: Int, until: Int, limit: Int = 10) -> ClaimRequest {
    ClaimRequest(limit: limit, now: at(now), leasedUntil: at(until))
  }

  /// When a claim could give something, by one that wants nothing at the beginning of time.
  private func nextDue(_ ledger: inout ClaimLedger) -> Timestamp? {
    ledger.claim(request(0, until: 0, limit: 0)).nextDue
  }

  private func claim(_ ledger: inout ClaimLedger, _ now: Int, until: Int, limit: Int = 10) -> [ClaimLedger.Grant] {
    ledger.claim(request(now, until: until, limit: limit)).grants
  }

  @Test func nextDueIsTheEarlierOfDueTimeAndLeaseEnd() {
    var ledger = ledger([1, 50])
    #expect(nextDue(&ledger) == at(1))
    let grants = claim(&ledger, 1, until: 30)
    #expect(grants.map(\.sequence) == [0])
    #expect(nextDue(&ledger) == at(30))
    #expect(ledger.extend(grants.map(\.token), until: at(80)) == grants.map(\.token))
    #expect(nextDue(&ledger) == at(50))
    ledger.endSettlement(grants[0].token, left: [], isFinished: true)
    #expect(nextDue(&ledger) == at(50))
    #expect(ledger.messages == 1)
    #expect(ledger.octets == 10)
  }

  @Test func aClaimBeingSettledDoesNotRunOut() throws {
    var ledger = ledger([1])
    let token = claim(&ledger, 1, until: 10)[0].token
    _ = try ledger.beginSettlement(token, of: 0)
    #expect(claim(&ledger, 1000, until: 2000).isEmpty)
    #expect(throws: QueueError.self) { try ledger.beginSettlement(token, of: 0) }
    ledger.abandonSettlement(token)
    #expect(nextDue(&ledger) == at(10))
    #expect(claim(&ledger, 1000, until: 2000).map(\.sequence) == [0])
  }

  @Test func aTokenSettlesItsOwnMessageAlone() {
    var ledger = ledger([1, 1])
    let token = claim(&ledger, 1, until: 10, limit: 1)[0].token
    #expect(throws: QueueError.self) { try ledger.beginSettlement(token, of: 1) }
  }

  @Test func whatIsGivenBackIsDueAsBeforeOrAsSaid() {
    var ledger = ledger([3])
    var token = claim(&ledger, 5, until: 10)[0].token
    ledger.giveBack(token)
    #expect(nextDue(&ledger) == at(3))
    token = claim(&ledger, 5, until: 10)[0].token
    ledger.giveBack(token, due: at(90))
    #expect(nextDue(&ledger) == at(90))
    #expect(ledger.messages == 1)
  }

  @Test func endlessExtensionsLeaveNothingBehind() {
    var ledger = ledger([1])
    let token = claim(&ledger, 1, until: 10)[0].token
    for second in 11..<10_000 { #expect(ledger.extend([token], until: at(second)) == [token]) }
    #expect(claim(&ledger, 9_998, until: 20_000).isEmpty)
    #expect(claim(&ledger, 9_999, until: 20_000).count == 1)
  }

  @Test(arguments: [(9, true), (10, true), (11, false)])
  func octetsAreLimited(size: Int, fits: Bool) {
    var ledger = ledger([1, 1], limits: QueueLimits(messages: 100, octets: 35))
    if fits {
      #expect(throws: Never.self) { try ledger.reserve(size: size, elsewhere: 5) }
    } else {
      #expect(throws: QueueError.self) { try ledger.reserve(size: size, elsewhere: 5) }
    }
  }

  @Test func messagesAreLimited() throws {
    var ledger = ledger([1, 1], limits: QueueLimits(messages: 3, octets: 1000))
    try ledger.reserve(size: 1)
    #expect(throws: QueueError.self) { try ledger.reserve(size: 1) }
    ledger.release(size: 1)
    try ledger.reserve(size: 1)
    ledger.insert(entry(9, due: 1, size: 1))  // a report is taken all the same
    #expect(ledger.messages == 4)
  }

  @Test func whatAnOrderTakesIsNotClaimedUntilItIsBack() {
    var ledger = ledger([1, 2, 3, 50])
    let claimed = claim(&ledger, 1, until: 10)
    let (taken, held) = ledger.take([0, 1, 3, 77])
    #expect(taken.map(\.sequence).sorted() == [1, 3])
    #expect(held == [0])
    #expect(ledger.messages == 4)
    #expect(ledger.octets == 40)
    #expect(claim(&ledger, 9, until: 20).map(\.sequence) == [2])
    for entry in taken { ledger.putBack(entry, parts: [part(due: entry.sequence == 1 ? at(5) : .never)]) }
    #expect(claim(&ledger, 9, until: 20).map(\.sequence) == [1])
    ledger.endSettlement(claimed[0].token, left: [], isFinished: true)
    #expect(claim(&ledger, 1_000_000, until: 1_000_001).map(\.sequence) == [2, 1])
    #expect(ledger.messages == 3)
  }

  @Test func whatAnOrderEndsLeavesRoom() {
    var ledger = ledger([1, 2])
    let (taken, held) = ledger.take([0])
    #expect(held.isEmpty)
    for entry in taken { ledger.putBack(entry, parts: nil) }
    #expect(ledger.messages == 1)
    #expect(ledger.octets == 10)
    #expect(claim(&ledger, 9, until: 20).map(\.sequence) == [1])
  }

  @Test func whatIsHeldNamesNoTime() {
    var ledger = ledger([1])
    let (taken, _) = ledger.take([0])
    #expect(nextDue(&ledger) == nil)
    for entry in taken { ledger.putBack(entry, parts: [part(due: .never)]) }
    #expect(nextDue(&ledger) == nil)
    #expect(claim(&ledger, 1_000_000, until: 2_000_000).isEmpty)
  }

  /// A settlement knows no time but that of the last claim, which may be long ago.
  @Test func aPauseIsNotForgottenThoughItsDeliveryTookLong() throws {
    var ledger = ledger([0])
    func claimed(_ now: Int, ended: [DeliveryEnd] = []) -> ClaimLedger.Claimed {
      var request = request(now, until: 10_000)
      (request.rules.failuresBeforePause, request.rules.firstPause) = (1, .seconds(100))
      (request.rules.maximumPause, request.ended) = (.seconds(120), ended)
      return ledger.claim(request)
    }
    let token = claimed(0).grants[0].token
    _ = try ledger.beginSettlement(token, of: 0)
    ledger.endSettlement(token, left: [part(due: at(350))], isFinished: false)
    let changes = claimed(300, ended: [DeliveryEnd(token: token, condition: .failed("no answer"))]).siteChanges
    #expect(changes.map(\.kind) == [.paused(until: at(400), because: "no answer")])
    #expect(claimed(350).grants.isEmpty)
    #expect(claimed(400).grants.map(\.sequence) == [0])
  }

  @Test func aPauseIsNotLongerForAClockSetBackAndNotShorter() throws {
    var ledger = ledger([5000])
    func claimed(_ now: Int, ended: [DeliveryEnd] = []) -> ClaimLedger.Claimed {
      var request = request(now, until: 10_000)
      (request.rules.failuresBeforePause, request.rules.firstPause) = (1, .seconds(100))
      (request.rules.maximumPause, request.ended) = (.seconds(120), ended)
      return ledger.claim(request)
    }
    let token = claimed(5000).grants[0].token
    _ = claimed(5001, ended: [DeliveryEnd(token: token, condition: .failed("no answer"))])
    _ = try ledger.beginSettlement(token, of: 0)
    ledger.endSettlement(token, left: [part(due: at(9000))], isFinished: false)
    _ = claimed(5080)
    ledger.insert(entry(1, due: 4000))
    #expect(claimed(4000).grants.isEmpty)
    #expect(claimed(4099).grants.isEmpty)
    #expect(claimed(4100).grants.map(\.sequence) == [1])
  }

  /// As damage on the disk may have them.
  @Test func sizesBeyondAllMeasureEndNothing() throws {
    var ledger = ClaimLedger(limits: QueueLimits(messages: 10, octets: 1000))
    for sequence in 0..<3 { ledger.insert(entry(Int64(sequence), due: 0, size: .max)) }
    #expect(claim(&ledger, 1, until: 10).count == 3)
    _ = ledger.fits(1, elsewhere: .max)
    ledger.insert(entry(9, due: 0, size: .max))
    #expect(ledger.messages == 4)
  }
}
