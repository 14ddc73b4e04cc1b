import MailModel

extension Span<UInt8> {
  /// Where in `range` the first blank stands that the relaxed form of a body changes (RFC 6376 §3.4.4): a tab, a space before
  /// another blank, or a space before a CR; the end of the range where none does. No blank is the last octet of the range.
  ///
  /// Eight octets at a time and without a branch for each, since most of a text has no such blank.
  func firstChangingBlank(in range: Range<Int>) -> Int {
    var index = range.lowerBound
    // Nine octets are read: each of eight, and what follows it.
    while range.upperBound - index > 8 {
      let word = word(at: index)
      let next = self.word(at: index + 1)
      let changing =
        word.octets(equalTo: .tab)
        | word.octets(equalTo: .space)
        & (next.octets(equalTo: .space) | next.octets(equalTo: .tab) | next.octets(equalTo: .carriageReturn))
      if changing != 0 { return index + changing.trailingZeroBitCount / 8 }
      index += 8
    }
    while index < range.upperBound, !isChangingBlank(at: index) { index += 1 }
    return index
  }

  private func isChangingBlank(at index: Int) -> Bool {
    guard self[index] == .space, index + 1 < count else { return self[index].isASCIIBlank }
    return self[index + 1].isASCIIBlank || self[index + 1] == .carriageReturn
  }

  /// Eight octets, the first of them the lowest.
  private func word(at index: Int) -> UInt64 {
    UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
  }
}

extension UInt64 {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let sevens: UInt64 = 0x7F7F_7F7F_7F7F_7F7F

  /// The highest bit of each octet that is `octet`, and no other bit.
  fileprivate func octets(equalTo octet: UInt8) -> UInt64 {
    let difference = self ^ (Self.ones &* UInt64(octet))
    // The lower seven bits carry into the highest where one of them is set; it stays 0 only where all eight are.
    return ~((difference & Self.sevens) &+ Self.sevens | difference | Self.sevens)
  }
}
