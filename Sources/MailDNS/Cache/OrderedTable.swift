/// Values found by a key and kept in an order, both in constant time: what a cache needs that drops what was used least lately,
/// and a queue that one may leave from its middle.
///
/// A value lies in a slot, which is its own until it is removed.
struct OrderedTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct Node: Sendable {
    var key: Key
    var value: Value
    var previous: Int?
    var next: Int?
  }

  private var slots: [Key: Int] = [:]
  private var nodes: [Node?] = []
  private var freeSlots: [Int] = []

  /// The slot of the first value.
  private(set) var first: Int?
  private var last: Int?

  /// How many values there are.
  var count: Int { slots.count }

  /// Every slot is below this, those too that are free now.
  var slotCount: Int { nodes.count }

  /// Where the value of a key lies.
  func slot(of key: Key) -> Int? { slots[key] }

  /// The value in a slot, of 0 to below ``slotCount``; `nil` where it is free.
  subscript(slot: Int) -> Value? { nodes[slot]?.value }

  /// Puts a value behind all others, in place of that of the same key.
  mutating func append(_ value: Value, for key: Key) {
    remove(key)
    let slot = freeSlots.popLast() ?? nodes.count
    if slot == nodes.count { nodes.append(nil) }
    slots[key] = slot
    nodes[slot] = Node(key: key, value: value)
    attach(slot)
  }

  /// Puts what lies in a slot behind all others.
  mutating func moveToEnd(_ slot: Int) {
    guard slot != last, nodes[slot] != nil else { return }
    detach(slot)
    attach(slot)
  }

  /// Takes out the value of a key.
  @discardableResult
  mutating func remove(_ key: Key) -> Value? { slots[key].flatMap { remove(slot: $0) } }

  /// Takes out what lies in a slot.
  @discardableResult
  mutating func remove(slot: Int) -> Value? {
    guard let node = nodes[slot] else { return nil }
    detach(slot)
    nodes[slot] = nil
    slots[node.key] = nil
    freeSlots.append(slot)
    return node.value
  }

  /// Takes out the first value.
  mutating func removeFirst() -> Value? { first.flatMap { remove(slot: $0) } }

  private mutating func attach(_ slot: Int) {
    nodes[slot]?.previous = last
    nodes[slot]?.next = nil
    if let last { nodes[last]?.next = slot } else { first = slot }
    last = slot
  }

  private mutating func detach(_ slot: Int) {
    let (previous, next) = (nodes[slot]?.previous, nodes[slot]?.next)
    if let previous { nodes[previous]?.next = next } else { first = next }
    if let next { nodes[next]?.previous = previous } else { last = previous }
  }
}
