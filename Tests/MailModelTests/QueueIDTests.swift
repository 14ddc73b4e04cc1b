import MailModel
import Testing

struct QueueIDTests {
  @Test(arguments: [
    (0, 0, "00000000000000000000000000"), (1, 31, "0000000000001000000000000Z"),
    (Int64.max, UInt64.max, "7ZZZZZZZZZZZZFZZZZZZZZZZZZ"),
  ])
  func writesAndReads(sequence: Int64, secret: UInt64, text: String) throws {
    let id = try #require(QueueID(sequence: sequence, secret: secret))
    #expect(id.description == text)
    #expect(QueueID(text) == id)
    #expect(QueueID(text.lowercased()) == id)
  }

  @Test(arguments: [
    "", "0", "0000000000000000000000000", "000000000000000000000000000", "8000000000000000000000000",
    "80000000000000000000000000",  // the first half is negative
    "G0000000000000000000000000",  // it does not fit
    "0000000000000G000000000000",  // nor does the second
    "0000000000001000000000000U", "0000000000001000000000000I", "0000000000001000000000000L",
    "0000000000001000000000000O",
    "000000000000100000000000 Z", "0000000000001000000000000\u{0}", "000000000000100000000000é",
  ])
  func refuses(text: String) {
    #expect(QueueID(text) == nil)
  }

  @Test func isNeverNegative() {
    #expect(QueueID(sequence: -1, secret: 0) == nil)
  }

  @Test func ascendsWhateverTheClockDoes() {
    let generator = QueueIDGenerator(after: 7)
    let times: [Int64] = [1_000, 1_000, 999, -5, 2_000, .min, .max, .max, 0]
    let ids = times.map { generator.next(at: Timestamp(milliseconds: $0)) }
    for (earlier, later) in zip(ids, ids.dropFirst()) {
      #expect(earlier.sequence < later.sequence)
      #expect(earlier < later)
    }
    #expect(ids[0].sequence == 1_000 << 20)
    #expect(ids[1].sequence == 1_000 << 20 + 1)
    #expect(ids[4].sequence == 2_000 << 20)
    #expect(Set(ids.map(\.secret)).count == ids.count)
  }

  @Test func continuesBehindTheStoresLast() {
    let last: Int64 = 5_000 << 20
    #expect(QueueIDGenerator(after: last).next(at: Timestamp(milliseconds: 1)).sequence == last + 1)
    #expect(QueueIDGenerator(after: -9).next(at: Timestamp(milliseconds: 0)).sequence == 1)
  }

  @Test func takesItsSecretsFromWhereverItIsTold() {
    let generator = QueueIDGenerator(secret: { 17 })
    #expect(generator.next(at: Timestamp(milliseconds: 1)) == QueueID(sequence: 1 << 20, secret: 17))
  }
}
