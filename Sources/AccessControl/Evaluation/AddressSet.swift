import MailModel

/// A set of addresses that is asked often: for each family, ranges in ascending order that neither overlap nor touch,
/// so that one binary search answers.
struct AddressSet: Sendable {
  private let v4: RangeTable<UInt32>
  private let v6: RangeTable<UInt128>

  init(_ addresses: [ZoneAddress]) {
    var v4: [ClosedRange<UInt32>] = []
    var v6: [ClosedRange<UInt128>] = []
    for address in addresses {
      switch address.bounds {
      case (.v4(let first), .v4(let last)): v4.append(first...last)
      case (.v6(let first), .v6(let last)): v6.append(first...last)
      case (.v4, .v6), (.v6, .v4): break  // no ZoneAddress has bounds of two families
      }
    }
    (self.v4, self.v6) = (RangeTable(v4), RangeTable(v6))
  }

  func contains(_ address: IPAddress) -> Bool {
    switch address {
    case .v4(let bits): v4.contains(bits)
    case .v6(let bits): v6.contains(bits)
    }
  }
}

private struct RangeTable<Bound: FixedWidthInteger & Sendable>: Sendable {
  private var ranges: [ClosedRange<Bound>] = []

  init(_ unordered: [ClosedRange<Bound>]) {
    for range in unordered.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = ranges.last, last.upperBound == .max || range.lowerBound <= last.upperBound + 1 {
        ranges[ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        ranges.append(range)
      }
    }
  }

  func contains(_ value: Bound) -> Bool {
    // The first range that begins behind the value; only the one before it can hold it.
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].lowerBound <= value { low = middle + 1 } else { high = middle }
    }
    return low > 0 && value <= ranges[low - 1].upperBound
  }
}
