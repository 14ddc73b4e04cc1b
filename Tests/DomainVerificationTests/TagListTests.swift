import Testing

@testable import DomainVerification

struct TagListTests {
  private static func pairs(_ text: String) throws -> [String] {
    let list = try TagList(Array(text.utf8))
    return list.tags.map { "\($0.name)=\(list[$0.name] ?? "?")" }
  }

  static let lawful: [(String, [String])] = [
    ("a=1", ["a=1"]), ("a=1;", ["a=1"]), ("a=1; ", ["a=1"]), ("a=1;\r\n ", ["a=1"]),
    ("a=", ["a="]), ("a=;b=", ["a=", "b="]), ("a= ;b=\t; ", ["a=", "b="]),
    (" a = 1 ; b = 2 ", ["a=1", "b=2"]), ("\r\n a\r\n =\r\n 1\r\n ;b=2", ["a=1", "b=2"]),
    ("a=1 2\r\n\t3;b==;c=a=b", ["a=1 2\r\n\t3", "b==", "c=a=b"]),
    ("A=1;a=2", ["A=1", "a=2"]), ("a_1b=x;Z9_=y", ["a_1b=x", "Z9_=y"]),
    (
      "v=DMARC1; p=none; rua=mailto:a@example.com!10m,mailto:b@example.com",
      [
        "v=DMARC1", "p=none", "rua=mailto:a@example.com!10m,mailto:b@example.com",
      ]
    ),
    ("a=!\"#$%&'()*+,-./:<>?@[\\]^_`{|}~", ["a=!\"#$%&'()*+,-./:<>?@[\\]^_`{|}~"]),
  ]

  @Test(arguments: lawful)
  func readsLists(text: String, expected: [String]) throws { #expect(try Self.pairs(text) == expected) }

  static let unlawful: [(String, Int)] = [
    ("", 0), (" ", 0), (";", 0), (" ; ", 0), (";a=1", 0), ("a=1;;", 4), ("a=1;;b=2", 4), ("a=1; ;b=2", 4),
    ("a=1;;;", 4),
    ("a", 0), ("a=1;b", 4), ("a=1; b ;", 5), ("=1", 0), ("a=1; =2", 5), ("1a=1", 0), ("_a=1", 0), ("a-b=1", 0),
    ("a b=1", 0),
    ("a=1;a=2", 4), ("a=1; b=2; a=1", 10), ("a=\u{0}", 2), ("a=1\u{7F}", 3), ("a=ä", 2), ("ä=1", 0), ("\"a=1\"", 0),
  ]

  @Test(arguments: unlawful)
  func refusesAtTheOctet(text: String, offset: Int) {
    let error = #expect(throws: TagList.SyntaxError.self) { try TagList(Array(text.utf8)) }
    #expect(error?.offset == offset)
  }

  @Test(arguments: [(63, true), (64, true), (65, false)])
  func boundsTheTags(count: Int, isRead: Bool) {
    let text = (0..<count).map { "t\($0)=" }.joined(separator: ";")
    #expect(((try? TagList(Array(text.utf8))) != nil) == isRead)
  }

  @Test func holdsUTF8WhereItMay() throws {
    let octets = Array("d=bücher.example; s=ä".utf8)
    #expect(try TagList(octets, allowsUTF8: true)["d"] == "bücher.example")
    #expect(throws: TagList.SyntaxError.self) { try TagList(Array("ä=1".utf8), allowsUTF8: true) }
    #expect(throws: TagList.SyntaxError.self) { try TagList(Array("a=\u{7F}".utf8), allowsUTF8: true) }
  }

  @Test func splitsLists() throws {
    let list = try TagList(Array("h= a : b\r\n :c::; x=; y=:".utf8))
    func items(_ name: String) -> [String]? {
      list.items(of: name)?.map { String(decoding: list.octets[$0], as: UTF8.self) }
    }
    #expect(items("h") == ["a", "b", "c", "", ""])
    #expect(items("x") == [""])
    #expect(items("y") == ["", ""])
    #expect(items("z") == nil)
    #expect(list.compact("h") == Array("a:b:c::".utf8))
  }

  /// No prefix, and no octet changed, traps; what is read has its values within the text.
  @Test func survivesEveryChange() {
    let text = Array("v=DKIM1; k=rsa;\r\n p=MII\r\n B =; t=y:s ;".utf8)
    for index in text.indices {
      _ = try? TagList(Array(text.prefix(index)))
      for octet in UInt8.min...UInt8.max {
        var changed = text
        changed[index] = octet
        guard let list = try? TagList(changed) else { continue }
        #expect(Set(list.tags.map(\.name)).count == list.tags.count)
        #expect(list.tags.allSatisfy { $0.value.upperBound <= changed.count })
      }
    }
  }
}
