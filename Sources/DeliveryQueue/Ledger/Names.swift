/// Names by number: each is kept once, however many use it, and for as long as anybody does.
struct Names<Name: Hashable> {
  fileprivate struct Entry {
    /// `nil` where the number is free.
    var name: Name?
    var uses: Int
  }
  private var entries = Slab<Entry>()
  private var numbers: [Name: UInt32] = [:]

  var count: Int { numbers.count }

  subscript(number: UInt32) -> Name? { entries[number].name }

  /// The number of a name, which has one use more.
  mutating func use(_ name: Name) -> UInt32 {
    if let number = numbers[name] {
      entries[number].uses += 1
      return number
    }
    let number = entries.insert(Entry(name: name, uses: 1))
    numbers[name] = number
    return number
  }

  /// One use less; says whether it was the last, with which the number becomes free.
  mutating func leave(_ number: UInt32) -> Bool {
    entries[number].uses -= 1
    guard entries[number].uses == 0, let name = entries[number].name else { return false }
    numbers[name] = nil
    entries.remove(number, leaving: Entry(name: nil, uses: 0))
    if numbers.isEmpty { numbers = [:] }
    return true
  }
}

extension Names: Sendable where Name: Sendable {}
extension Names.Entry: Sendable where Name: Sendable {}
