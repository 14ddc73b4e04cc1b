import MailModel

extension Span<UInt8> {
  /// Where in `range` the first blank stands that the relaxed form of a body changes (RFC 6376 §3.4.4): a tab, a space before
  /// another blank, or a space before a CR; the end of the range where none does. No blank is the last octet of the range.
  ///
  /// Blocks without such a blank, which most of a text is made of, are passed over without a branch for each octet.
  func firstChangingBlank(in range: Range<Int>) -> Int {
    let width = SIMD32<UInt8>.scalarCount
    var index = range.lowerBound
    while range.upperBound - index > width {
      if hasChangingBlank(inBlockAt: index) {
        let block = index..<(index + width)
        if let found = firstChangingBlank(oneByOne: block) { return found }
      }
      index += width
    }
    return firstChangingBlank(oneByOne: index..<range.upperBound) ?? range.upperBound
  }

  private func firstChangingBlank(oneByOne range: Range<Int>) -> Int? {
    var index = range.lowerBound
    while index < range.upperBound {
      switch self[index] {
      case .tab: return index
      case .space:
        guard index + 1 < count else { return index }
        let next = self[index + 1]
        if next.isASCIIBlank || next == .carriageReturn { return index }
      default: break
      }
      index += 1
    }
    return nil
  }

  /// Whether a block of 32 octets holds such a blank. One octet at least stands behind the block.
  private func hasChangingBlank(inBlockAt index: Int) -> Bool {
    // The caller keeps index + 32 below the count, so both loads are within the span.
    let block = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: SIMD32<UInt8>.self)
    let next = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index + 1, as: SIMD32<UInt8>.self)
    let isTab = block .== .tab
    let isSpaceBeforeChange = (block .== .space) .& ((next .== .space) .| (next .== .tab) .| (next .== .carriageReturn))
    return any(isTab .| isSpaceBeforeChange)
  }
}
