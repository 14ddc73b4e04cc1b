import MailModel

extension Span<UInt8> {
  /// All but the blanks at either end, from `offset` on.
  func trimmed(from offset: Int = 0) -> Range<Int> {
    var start = offset
    var end = count
    while start < end, self[start] == .space { start += 1 }
    while end > start, self[end - 1] == .space { end -= 1 }
    return start..<end
  }

  /// The next octets between blanks, from `offset` on.
  func nextWord(from offset: Int) -> Range<Int>? {
    var start = offset
    while start < count, self[start] == .space { start += 1 }
    guard start < count else { return nil }
    var end = start
    while end < count, self[end] != .space { end += 1 }
    return start..<end
  }

  /// A number of 1 to 20 digits, which is what RFC 1870 and RFC 3030 allow; one too large to count is as good as the
  /// largest.
  func decimalNumber() -> Int? {
    guard (1...20).contains(count) else { return nil }
    var number = 0
    for index in indices {
      guard self[index].isASCIIDigit else { return nil }
      let (product, overflow) = number.multipliedReportingOverflow(by: 10)
      let (sum, sumOverflow) = product.addingReportingOverflow(Int(self[index] - 0x30))
      number = overflow || sumOverflow ? .max : sum
    }
    return number
  }
}
