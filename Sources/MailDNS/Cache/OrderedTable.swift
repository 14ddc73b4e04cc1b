/// Values found by a key and kept in an order, both in constant time: what a cache needs that drops what was used least
/// lately, and a queue that one may leave from its middle.
///
/// A value lies in a slot, which is its own until it is removed.
package struct OrderedTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct Element: Sendable {
    var key: Key
    var value: Value
  }
  private struct Links: Sendable {
    var previous: Int?
    var next: Int?
  }

  private var slots: [Key: Int] = [:]
  private var elements: [Element?] = []
  /// Of each slot. Apart from the elements, so that a change of order touches none of these.
  private var links: [Links] = []
  private var freeSlots: [Int] = []

  /// The slot of the first value.
  package private(set) var first: Int?
  private var last: Int?

  package init() {}

  /// How many values there are.
  package var count: Int { slots.count }

  /// Every slot is below this, those too that are free now.
  package var slotCount: Int { elements.count }

  /// Where the value of a key lies.
  package func slot(of key: Key) -> Int? { slots[key] }

  /// The value in a slot, of 0 to below ``slotCount``; `nil` where it is free.
  package subscript(slot: Int) -> Value? { elements[slot]?.value }

  /// Puts a value behind all others, in place of that of the same key.
  package mutating func append(_ value: Value, for key: Key) {
    remove(key)
    let slot = freeSlots.popLast() ?? elements.count
    if slot == elements.count {
      elements.append(nil)
      links.append(Links())
    }
    elements[slot] = Element(key: key, value: value)
    slots[key] = slot
    attach(slot)
  }

  /// Puts what lies in a slot, which is not free, behind all others.
  package mutating func moveToEnd(_ slot: Int) {
    guard slot != last else { return }
    detach(slot)
    attach(slot)
  }

  /// Takes out the value of a key.
  @discardableResult
  package mutating func remove(_ key: Key) -> Value? { slots[key].flatMap { remove(slot: $0) } }

  /// Takes out what lies in a slot.
  @discardableResult
  package mutating func remove(slot: Int) -> Value? {
    guard let element = elements[slot] else { return nil }
    detach(slot)
    elements[slot] = nil
    slots[element.key] = nil
    freeSlots.append(slot)
    return element.value
  }

  /// Takes out the first value.
  package mutating func removeFirst() -> Value? { first.flatMap { remove(slot: $0) } }

  private mutating func attach(_ slot: Int) {
    links[slot] = Links(previous: last)
    if let last { links[last].next = slot } else { first = slot }
    last = slot
  }

  private mutating func detach(_ slot: Int) {
    let (previous, next) = (links[slot].previous, links[slot].next)
    if let previous { links[previous].next = next } else { first = next }
    if let next { links[next].previous = previous } else { last = previous }
  }
}
