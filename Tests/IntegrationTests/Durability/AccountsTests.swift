import Testing

/// That the accounts tell what had to arrive again from what had not. Here a server has one worker, so nine messages at most
/// are on their way when it is killed.
@Suite struct AccountsTests {
  @Test func noneArrivedAgain() { #expect(repeats(of: [0: 0..<100, 1: 100..<200]).isEmpty) }

  @Test(arguments: [(8, true), (9, true), (10, false)]) func theLastOfALifeMayArriveAgain(count: Int, isFine: Bool) {
    #expect(repeats(of: [0: 0..<100, 1: (100 - count)..<150]).isEmpty == isFine)
  }

  @Test func allArriveAgain() { #expect(repeats(of: [0: 0..<12, 1: 0..<12]) == ["12 of life 0"]) }

  @Test(arguments: [(16, true), (17, true), (18, false)]) func anEarlyArrivalIsRecorded(others: Int, isFine: Bool) {
    let early = 100 - others - 1
    #expect(repeats(of: [0: 0..<100, 1: early..<(early + 1)]).isEmpty == isFine)
  }

  @Test(arguments: [(0, true), (18, true), (19, false)]) func theNextLifeAttemptsItFirst(others: Int, isFine: Bool) {
    #expect(repeats(of: [0: 0..<100, 1: 100..<(100 + others), 2: 99..<100]).isEmpty == isFine)
  }

  private func repeats(of lives: [Int: Range<Int>]) -> [String] {
    let arrivals = lives.sorted { $0.key < $1.key }.flatMap { life, messages in
      messages.map { Arrival(life: life, queueID: "\($0)", mark: "\($0)", recipients: 1, isWhole: true) }
    }
    return Accounts(acknowledged: [], arrivals: arrivals, statuses: [], workers: 1).needlessRepeats
  }
}
