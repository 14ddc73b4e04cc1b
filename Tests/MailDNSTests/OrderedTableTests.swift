import Testing

@testable import MailDNS

@Suite struct OrderedTableTests {
  /// Every operation, again and again, against a list that is searched.
  @Test(arguments: 1...20) func isAListWithKeys(_ seed: UInt64) {
    var state = seed &* 0x9E37_79B9_7F4A_7C15
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    var table = OrderedTable<Int, String>()
    var list: [(key: Int, value: String)] = []
    for step in 0..<2000 {
      let key = random(12)
      let found = list.firstIndex { $0.key == key }
      switch random(5) {
      case 0, 1:
        table.append("\(step)", for: key)
        if let found { list.remove(at: found) }
        list.append((key, "\(step)"))
      case 2:
        let removed = table.remove(key)
        #expect(removed == found.map { list.remove(at: $0).value })
      case 3:
        #expect((table.slot(of: key) == nil) == (found == nil))
        if let slot = table.slot(of: key), let found {
          table.moveToEnd(slot)
          list.append(list.remove(at: found))
        }
      default:
        let removed = table.removeFirst()
        #expect(removed == (list.isEmpty ? nil : list.removeFirst().value))
      }
      #expect(table.count == list.count)
      #expect(table.first.flatMap { table[$0] } == list.first?.value)
      for (key, value) in list { #expect(table.slot(of: key).flatMap { table[$0] } == value) }
    }
    #expect(table.slotCount <= 12)
    var rest: [String] = []
    while let value = table.removeFirst() { rest.append(value) }
    #expect(rest == list.map(\.value))
  }
}
