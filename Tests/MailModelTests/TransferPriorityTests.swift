import Testing

@testable import MailModel

struct TransferPriorityTests {
  private func read(_ text: String) -> TransferPriority? { TransferPriority(Array(text.utf8).span) }

  @Test(arguments: -9...9) func bothWays(level: Int) throws {
    let priority = try #require(TransferPriority(level))
    #expect(Int(priority.level) == level && priority.description == "\(level)")
    #expect(read("\(level)") == priority)
  }

  @Test(arguments: [-10, 10, .min, .max]) func nineteenLevels(level: Int) { #expect(TransferPriority(level) == nil) }

  @Test(arguments: [
    "", "-", "--1", "-0", "+1", "+", "00", "01", "-01", "10", "-10", "99", "1 ", " 1", "1.", "a", "-a", "/", ":", "-/",
    "-:", "ä",
    "9999999999999999999999",
  ])
  func refuses(text: String) { #expect(read(text) == nil) }

  @Test func theGreaterGoesFirst() {
    let levels = [3, -9, 0, 9, -1].compactMap { TransferPriority($0) }
    #expect(levels.sorted().map(\.level) == [-9, -1, 0, 3, 9])
  }

  /// It is handed on with each message.
  @Test func costsAMessagesParametersNothing() { #expect(MemoryLayout<MessageParameters>.size <= 16) }
}
