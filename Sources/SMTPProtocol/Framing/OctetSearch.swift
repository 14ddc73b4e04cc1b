import MailModel

extension Span<UInt8> {
  /// The first octet below 0x0E (CR, LF, NUL and a few that are rare) from `start` on; else `end`. Eight at a time, since
  /// every octet of every message passes here.
  @inline(__always)
  func firstLowOctet(from start: Int, to end: Int) -> Int {
    let end = Swift.min(end, count)
    var index = start
    let bytes = unsafe self.bytes
    while index <= end - 8 {
      // In bounds by the condition above.
      let word = unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self))
      let low = (word &- 0x0E0E_0E0E_0E0E_0E0E) & ~word & 0x8080_8080_8080_8080
      if low != 0 { return index + low.trailingZeroBitCount / 8 }
      index += 8
    }
    while index < end, self[index] >= 0x0E { index += 1 }
    return index
  }

  /// The first LF from `start` on; else `end`.
  func firstLineFeed(from start: Int, to end: Int) -> Int {
    var index = start
    while index < end, self[index] != .lineFeed { index = firstLowOctet(from: index + 1, to: end) }
    return index
  }
}
