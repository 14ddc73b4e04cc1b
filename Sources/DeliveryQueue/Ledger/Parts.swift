import MailModel

/// A part of a message as the scheduler has it, its names as numbers.
struct QueuedPart: Hashable, Sendable {
  var sequence: Int64
  var due: Timestamp
  /// Octets of the message; those above 4 GiB do not count.
  var size: UInt32
  var destination: UInt32
  var tenant: UInt32
  var priority: MessagePriority

  /// The longest due first; of those, the oldest message. So what was deferred does not hold up what is fresh for long, nor
  /// is it starved by it.
  static func precedes(_ left: QueuedPart, _ right: QueuedPart) -> Bool {
    left.due == right.due ? left.sequence < right.sequence : left.due < right.due
  }
}

/// Parts of messages, in any number of heaps that share one memory: 40 octets each, whichever heap it is in.
///
/// The heaps are leftist: of a node's two subtrees the right one is never the deeper, so its right spine, along which
/// everything happens, is no longer than the logarithm of the size. A part moves from one heap to another without being
/// copied, and those that are due leave a heap together.
struct Parts: Sendable {
  /// A heap: the place of its first part, ``Slab/none`` where it is empty.
  typealias Root = UInt32
  static let none = Slab<Node>.none

  struct Node: Sendable {
    var part: QueuedPart
    /// Nodes of its right spine.
    var rank: UInt8 = 1
    var left = Parts.none
    var right = Parts.none
  }
  private var nodes = Slab<Node>()

  var count: Int { nodes.count }

  subscript(place: UInt32) -> QueuedPart { nodes[place].part }

  /// The heap's first part.
  func first(of root: Root) -> QueuedPart? { root == Self.none ? nil : nodes[root].part }

  mutating func insert(_ part: QueuedPart, into root: inout Root) {
    root = merge(root, nodes.insert(Node(part: part)))
  }

  /// Adds a part that was taken out of another heap by ``detach(from:dueBy:)``.
  mutating func attach(_ place: UInt32, to root: inout Root) {
    (nodes[place].left, nodes[place].right, nodes[place].rank) = (Self.none, Self.none, 1)
    root = merge(root, place)
  }

  /// Removes the heap's first part.
  mutating func popFirst(of root: inout Root) -> QueuedPart? {
    guard root != Self.none else { return nil }
    let node = nodes[root]
    nodes.remove(root, leaving: node)
    root = merge(node.left, node.right)
    return node.part
  }

  /// Takes the parts that are due by `instant` out of a heap, in their order; each must go into another.
  mutating func detach(from root: inout Root, dueBy instant: Timestamp) -> [UInt32] {
    guard let first = first(of: root), first.due <= instant else { return [] }
    var due: [UInt32] = []
    var rest: [Root] = []
    var open = [root]
    while let place = open.popLast() {
      guard nodes[place].part.due <= instant else {
        rest.append(place)
        continue
      }
      due.append(place)
      if nodes[place].left != Self.none { open.append(nodes[place].left) }
      if nodes[place].right != Self.none { open.append(nodes[place].right) }
    }
    root = merge(rest)
    due.sort { QueuedPart.precedes(nodes[$0].part, nodes[$1].part) }
    return due
  }

  /// Removes the parts that are meant from a heap.
  mutating func remove(from root: inout Root, where isMeant: (QueuedPart) -> Bool) -> [QueuedPart] {
    var (kept, removed): ([UInt32], [UInt32]) = ([], [])
    var open = root == Self.none ? [] : [root]
    while let place = open.popLast() {
      if isMeant(nodes[place].part) { removed.append(place) } else { kept.append(place) }
      if nodes[place].left != Self.none { open.append(nodes[place].left) }
      if nodes[place].right != Self.none { open.append(nodes[place].right) }
    }
    guard !removed.isEmpty else { return [] }
    for place in kept { (nodes[place].left, nodes[place].right, nodes[place].rank) = (Self.none, Self.none, 1) }
    root = merge(kept)
    return removed.map { place in
      let node = nodes[place]
      nodes.remove(place, leaving: node)
      return node.part
    }
  }

  /// The first parts of a heap, so many at most, in order; time grows with their number alone, and its logarithm.
  func least(_ count: Int, of root: Root) -> [QueuedPart] {
    var least: [QueuedPart] = []
    // Every part but the first is behind one that does not follow it: what may come next hangs on what was given.
    var candidates = Heap<Candidate>(root == Self.none ? [] : [Candidate(place: root, part: nodes[root].part)])
    while least.count < count, let next = candidates.popFirst() {
      least.append(next.part)
      for child in [nodes[next.place].left, nodes[next.place].right] where child != Self.none {
        candidates.insert(Candidate(place: child, part: nodes[child].part))
      }
    }
    return least
  }

  private struct Candidate: Comparable {
    var place: UInt32
    var part: QueuedPart

    static func < (left: Self, right: Self) -> Bool { QueuedPart.precedes(left.part, right.part) }
  }

  /// One heap of two. Goes no deeper than both right spines are long: 64 calls for all the parts that memory could hold.
  mutating func merge(_ one: Root, _ other: Root) -> Root {
    guard one != Self.none else { return other }
    guard other != Self.none else { return one }
    let (first, second) = QueuedPart.precedes(nodes[one].part, nodes[other].part) ? (one, other) : (other, one)
    var right = merge(nodes[first].right, second)
    var left = nodes[first].left
    if rank(of: left) < rank(of: right) { swap(&left, &right) }
    (nodes[first].left, nodes[first].right) = (left, right)
    nodes[first].rank = rank(of: right) + 1
    return first
  }

  /// One heap of many, in linear time: two by two.
  private mutating func merge(_ roots: [Root]) -> Root {
    var roots = roots
    while roots.count > 1 {
      roots = stride(from: 0, to: roots.count, by: 2).map { index in
        index + 1 < roots.count ? merge(roots[index], roots[index + 1]) : roots[index]
      }
    }
    return roots.first ?? Self.none
  }

  private func rank(of root: Root) -> UInt8 { root == Self.none ? 0 : nodes[root].rank }
}
