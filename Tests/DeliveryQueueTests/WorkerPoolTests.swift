import Testing

@testable import DeliveryQueue

@Suite(.timeLimit(.minutes(10))) struct WorkerPoolTests {
  @Test func aWorkerIsFreeOnceItsAttemptHasEnded() {
    let pool = WorkerPool(size: 2, outcomes: 160)
    for _ in 1...2 { pool.begin() }
    #expect(pool.free == 0)
    pool.beginSettling(DeliveryEnd(token: Claim.Token(0), condition: .unknown))
    #expect(pool.free == 1)
    #expect(pool.isBusy)
  }

  @Test(arguments: [(15, 2), (16, 0), (17, 0)])
  func withTooManyOutcomesNotRecordedNoWorkerIsFree(outcomes: Int, free: Int) {
    let pool = WorkerPool(size: 2, outcomes: 160)
    for _ in 1...outcomes {
      pool.begin()
      pool.beginSettling(DeliveryEnd(token: Claim.Token(0), condition: .unknown))
    }
    #expect(pool.free == free)
    for _ in 1...outcomes { pool.end(leavesWork: false) }
    #expect(pool.free == 2)
    #expect(!pool.isBusy)
  }

  @Test(arguments: [(159, 100), (160, 0), (161, 0)])
  func soManyOutcomesWaitHoweverManyWorkersThereAre(outcomes: Int, free: Int) {
    let pool = WorkerPool(size: 100, outcomes: 160)
    for _ in 1...outcomes {
      pool.begin()
      pool.beginSettling(DeliveryEnd(token: Claim.Token(0), condition: .unknown))
    }
    #expect(pool.free == free)
  }

  @Test(arguments: [Int.min, -1, 0, 1, .max]) func noNumberStopsItForEver(number: Int) {
    let pool = WorkerPool(size: number, outcomes: number)
    #expect(pool.free == max(1, number))
    pool.begin()
    pool.beginSettling(DeliveryEnd(token: Claim.Token(0), condition: .unknown))
    pool.end(leavesWork: false)
    #expect(pool.free == max(1, number))
  }

  @Test func endsAreReportedOnceAClaimWasAnswered() {
    let pool = WorkerPool(size: 2, outcomes: 160)
    let ends = (1...3).map { DeliveryEnd(token: Claim.Token($0), condition: .working) }
    for end in ends[..<2] {
      pool.begin()
      pool.beginSettling(end)
    }
    #expect(pool.ended == Array(ends[..<2]))
    // One that comes while the claim is made waits for the next.
    pool.begin()
    pool.beginSettling(ends[2])
    #expect(!pool.answered(reporting: 2, awaitsEnd: false))
    #expect(pool.ended == [ends[2]])
    #expect(pool.answered(reporting: 0, awaitsEnd: true), "nobody would ring for it")
    #expect(!pool.answered(reporting: 1, awaitsEnd: true))
    #expect(pool.ended.isEmpty)
  }

  @Test func whileAnOutcomeCannotBeRecordedNoWorkerIsFree() {
    let pool = WorkerPool(size: 2, outcomes: 160)
    pool.begin()
    pool.beginSettling(DeliveryEnd(token: Claim.Token(0), condition: .unknown))
    pool.beginTrouble()
    #expect(pool.free == 0)
    pool.endTrouble()
    #expect(pool.free == 2)
  }

  /// Else nobody would look before the next poll.
  @Test func whatIsDueAfterASettlementIsLookedFor() async {
    let pool = WorkerPool(size: 2, outcomes: 160)
    pool.begin()
    pool.beginSettling(DeliveryEnd(token: Claim.Token(0), condition: .unknown))
    pool.end(leavesWork: true)
    await pool.bell.wait()
  }
}
