/// A queue of numbered nodes, threaded through ``Links``: a node leaves from anywhere in it in constant time.
struct Chain: Sendable {
  fileprivate(set) var first: UInt32?
  fileprivate var last: UInt32?
  fileprivate(set) var count = 0

  var isEmpty: Bool { count == 0 }
}

/// What holds chains together. A node is in one chain at most.
struct Links: Sendable {
  private struct Link {
    var previous = Links.none
    var next = Links.none
    var isLinked = false
  }
  private static let none = UInt32.max

  private var links: [Link] = []

  func contains(_ node: UInt32) -> Bool { Int(node) < links.count && links[Int(node)].isLinked }

  func next(after node: UInt32) -> UInt32? {
    let next = links[Int(node)].next
    return next == Self.none ? nil : next
  }

  func previous(before node: UInt32) -> UInt32? {
    let previous = links[Int(node)].previous
    return previous == Self.none ? nil : previous
  }

  /// A node that is in no chain comes last in this one.
  mutating func append(_ node: UInt32, to chain: inout Chain) {
    while links.count <= Int(node) { links.append(Link()) }
    links[Int(node)] = Link(previous: chain.last ?? Self.none, next: Self.none, isLinked: true)
    if let last = chain.last { links[Int(last)].next = node } else { chain.first = node }
    chain.last = node
    chain.count += 1
  }

  /// A node that is in no chain comes into this one, after another of it; without one, first.
  mutating func insert(_ node: UInt32, after previous: UInt32?, in chain: inout Chain) {
    while links.count <= Int(node) { links.append(Link()) }
    let next = previous.map { links[Int($0)].next } ?? chain.first ?? Self.none
    links[Int(node)] = Link(previous: previous ?? Self.none, next: next, isLinked: true)
    if let previous { links[Int(previous)].next = node } else { chain.first = node }
    if next == Self.none { chain.last = node } else { links[Int(next)].previous = node }
    chain.count += 1
  }

  /// A node of this chain leaves it.
  mutating func remove(_ node: UInt32, from chain: inout Chain) {
    let link = links[Int(node)]
    links[Int(node)] = Link()
    if link.previous == Self.none {
      chain.first = link.next == Self.none ? nil : link.next
    } else {
      links[Int(link.previous)].next = link.next
    }
    if link.next == Self.none {
      chain.last = link.previous == Self.none ? nil : link.previous
    } else {
      links[Int(link.next)].previous = link.previous
    }
    chain.count -= 1
  }

  /// A node of this chain comes last in it.
  mutating func moveToEnd(_ node: UInt32, of chain: inout Chain) {
    guard chain.last != node else { return }
    remove(node, from: &chain)
    append(node, to: &chain)
  }
}
