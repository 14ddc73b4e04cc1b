import MailModel

extension Span<UInt8> {
  /// Writes the relaxed form of the beginning of `range` (RFC 6376 §3.4.4) to `output`, as many octets as that has room for, all
  /// but a few at the end; and gives how many were read and written. What ends the range is neither blank nor end of line.
  ///
  /// Eight octets at a time and without a branch for each, so that a text of nothing but blanks takes no longer than others. Of
  /// several blanks the last is kept, as a space, unless CRLF follows.
  func writeRelaxed(_ range: Range<Int>, to output: UnsafeMutableRawBufferPointer) -> (read: Int, written: Int) {
    guard let start = output.baseAddress else { return (0, 0) }
    // Ten octets are read: each of eight, and the two that follow it.
    let words = max(0, min(range.count - 2, output.count) / 8)
    let end = range.lowerBound + words * 8
    var (index, written) = (range.lowerBound, 0)
    while index < end {
      let word = word(at: index)
      let next = self.word(at: index + 1)
      let tabs = word.octets(equalTo: .tab)
      let blanks = tabs | word.octets(equalTo: .space)
      let beforeBlank = next.octets(equalTo: .tab) | next.octets(equalTo: .space)
      let beforeReturn = next.octets(equalTo: .carriageReturn)
      let target = unsafe start + written
      index += 8
      if tabs | blanks & (beforeBlank | beforeReturn) == 0 {
        unsafe target.storeBytes(of: word.littleEndian, as: UInt64.self)
        written += 8
      } else {
        let beforeLineEnd = beforeReturn & self.word(at: index - 6).octets(equalTo: .lineFeed)
        let spaced = word ^ (tabs >> 7) &* UInt64(UInt8.tab ^ UInt8.space)
        written += unsafe spaced.write(without: blanks & (beforeBlank | beforeLineEnd), to: target)
      }
    }
    return (index - range.lowerBound, written)
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

  /// Writes the octets whose highest bit is not in `dropped`, and gives how many; eight may be overwritten.
  @unsafe fileprivate func write(without dropped: UInt64, to target: UnsafeMutableRawPointer) -> Int {
    var (word, dropped, count) = (self, dropped >> 7, 0)
    for _ in 0..<8 {
      unsafe target.storeBytes(of: UInt8(truncatingIfNeeded: word), toByteOffset: count, as: UInt8.self)
      count += Int(truncatingIfNeeded: 1 ^ (dropped & 1))
      (word, dropped) = (word >> 8, dropped >> 8)
    }
    return count
  }
}
