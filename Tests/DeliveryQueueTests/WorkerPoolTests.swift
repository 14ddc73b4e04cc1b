import Testing

@testable import DeliveryQueue

@Suite(.timeLimit(.minutes(1))) struct WorkerPoolTests {
  @Test func aWorkerIsFreeOnceItsAttemptHasEnded() {
    let pool = WorkerPool(size: 2)
    for _ in 1...2 { pool.begin() }
    #expect(pool.free == 0)
    pool.beginSettling()
    #expect(pool.free == 1)
    #expect(pool.isBusy)
  }

  @Test(arguments: [(15, 2), (16, 0), (17, 0)])
  func withTooManyOutcomesNotRecordedNoWorkerIsFree(outcomes: Int, free: Int) {
    let pool = WorkerPool(size: 2)
    for _ in 1...outcomes {
      pool.begin()
      pool.beginSettling()
    }
    #expect(pool.free == free)
    for _ in 1...outcomes { pool.end(leavesWork: false) }
    #expect(pool.free == 2)
    #expect(!pool.isBusy)
  }

  @Test func whileAnOutcomeCannotBeRecordedNoWorkerIsFree() {
    let pool = WorkerPool(size: 2)
    pool.begin()
    pool.beginSettling()
    pool.beginTrouble()
    #expect(pool.free == 0)
    pool.endTrouble()
    #expect(pool.free == 2)
  }

  /// Else nobody would look before the next poll.
  @Test func whatIsDueAfterASettlementIsLookedFor() async {
    let pool = WorkerPool(size: 2)
    pool.begin()
    pool.beginSettling()
    pool.end(leavesWork: true)
    await pool.bell.wait()
  }
}
