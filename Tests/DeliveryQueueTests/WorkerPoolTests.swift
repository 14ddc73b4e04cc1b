import MailModel
import Testing

@testable import DeliveryQueue

@Suite(.timeLimit(.minutes(1))) struct WorkerPoolTests {
  private let lease = Timestamp(milliseconds: 1000)

  @Test func aWorkerIsFreeOnceItsAttemptHasEnded() {
    let pool = WorkerPool(size: 2)
    for token in 1...2 { pool.begin(Claim.Token(UInt64(token)), leasedUntil: lease) }
    #expect(pool.free == 0)
    pool.beginSettling()
    #expect(pool.free == 1)
    #expect(pool.isBusy)
  }

  @Test(arguments: [(15, 2), (16, 0), (17, 0)])
  func withTooManyOutcomesNotRecordedNoWorkerIsFree(outcomes: Int, free: Int) {
    let pool = WorkerPool(size: 2)
    for token in 1...outcomes {
      pool.begin(Claim.Token(UInt64(token)), leasedUntil: lease)
      pool.beginSettling()
    }
    #expect(pool.free == free)
    for token in 1...outcomes { pool.end(Claim.Token(UInt64(token)), keeps: false, leavesWork: false) }
    #expect(pool.free == 2)
    #expect(!pool.isBusy)
    #expect(pool.claims(leasedUntilBefore: lease + .seconds(1)).isEmpty)
  }

  @Test func whileAnOutcomeCannotBeRecordedNoWorkerIsFree() {
    let pool = WorkerPool(size: 2)
    pool.begin(Claim.Token(1), leasedUntil: lease)
    pool.beginSettling()
    pool.beginTrouble()
    #expect(pool.free == 0)
    pool.endTrouble()
    #expect(pool.free == 2)
  }

  /// Else nobody would look before the next poll.
  @Test func whatIsDueAfterASettlementIsLookedFor() async {
    let pool = WorkerPool(size: 2)
    pool.begin(Claim.Token(1), leasedUntil: lease)
    pool.beginSettling()
    await pool.bell.wait()
    pool.end(Claim.Token(1), keeps: false, leavesWork: true)
    await pool.bell.wait()
  }
}
