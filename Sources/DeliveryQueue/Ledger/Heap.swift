/// A binary heap: the least element first, insertion and removal in logarithmic time.
package struct Heap<Element: Comparable> {
  private var elements: [Element]

  /// A heap of these, in linear time.
  package init(_ elements: [Element] = []) {
    self.elements = elements
    for index in stride(from: elements.count / 2 - 1, through: 0, by: -1) { sink(index) }
  }

  package var count: Int { elements.count }
  package var isEmpty: Bool { elements.isEmpty }
  /// The least element.
  package var first: Element? { elements.first }

  package mutating func insert(_ element: Element) {
    elements.append(element)
    var index = elements.count - 1
    while index > 0, elements[index] < elements[(index - 1) / 2] {
      elements.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  /// Removes the least element, if there is one.
  package mutating func popFirst() -> Element? {
    guard let last = elements.popLast() else { return nil }
    guard let first = elements.first else { return last }
    elements[0] = last
    sink(0)
    return first
  }

  /// A heap of those that belong, in linear time.
  package func filter(_ belongs: (Element) -> Bool) -> Heap { Heap(elements.filter(belongs)) }

  private mutating func sink(_ start: Int) {
    var index = start
    while true {
      let left = 2 * index + 1
      guard left < elements.count else { return }
      let right = left + 1
      let child = right < elements.count && elements[right] < elements[left] ? right : left
      guard elements[child] < elements[index] else { return }
      elements.swapAt(index, child)
      index = child
    }
  }
}

extension Heap: Sendable where Element: Sendable {}
