/// Elements in one array, by places that stay theirs until they are removed; those of removed ones are used again.
struct Slab<Element> {
  /// No place.
  static var none: UInt32 { .max }

  private var elements: [Element] = []
  private var vacant: [UInt32] = []

  /// Elements in it.
  var count: Int { elements.count - vacant.count }
  var isEmpty: Bool { count == 0 }

  subscript(place: UInt32) -> Element {
    get { elements[Int(place)] }
    _modify { yield &elements[Int(place)] }
  }

  mutating func insert(_ element: Element) -> UInt32 {
    guard let place = vacant.popLast() else {
      elements.append(element)
      return UInt32(elements.count - 1)
    }
    elements[Int(place)] = element
    return place
  }

  /// Leaves `remains` in the place until it is used again. With the last element goes all the memory.
  mutating func remove(_ place: UInt32, leaving remains: Element) {
    elements[Int(place)] = remains
    vacant.append(place)
    if isEmpty { self = Slab() }
  }
}

extension Slab: Sendable where Element: Sendable {}
