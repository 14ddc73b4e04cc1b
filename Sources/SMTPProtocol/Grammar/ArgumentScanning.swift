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

  /// A number of at least one digit; one too large to count is as good as the largest.
  ///
  /// - Parameter digits: how many there may be.
  func decimalNumber(digits: Int) -> Int? {
    guard !isEmpty, count <= digits else { return nil }
    var number = 0
    for index in indices {
      guard self[index].isASCIIDigit else { return nil }
      let (product, overflow) = number.multipliedReportingOverflow(by: 10)
      let (sum, sumOverflow) = product.addingReportingOverflow(Int(self[index] - 0x30))
      number = overflow || sumOverflow ? .max : sum
    }
    return number
  }

  /// The name of a SASL mechanism in upper case; `nil` where these octets are none (RFC 4422 §3.1).
  func mechanismName() -> String? {
    guard (1...20).contains(count) else { return nil }
    var name: [UInt8] = []
    for index in indices {
      let octet = self[index]
      guard octet.isASCIIAlphanumeric || octet == UInt8(ascii: "-") || octet == UInt8(ascii: "_") else { return nil }
      name.append(octet.isASCIILetter ? octet & 0xDF : octet)
    }
    return String(decoding: name, as: UTF8.self)
  }
}
