import DomainVerification
import MailModel
import Testing

private func domain(_ text: String) throws -> DomainName { try #require(DomainName(text)) }

private func author(_ header: String) -> AuthorDomain { AuthorDomain(HeaderSection(Array(header.utf8))) }

/// What is wrong with a field of this value, without its place.
private func problem(_ value: String) -> String {
  switch author("From:\(value)\r\n") {
  case .domain(let domain): "domain \(domain)"
  case .problem(.syntax): "syntax"
  case .problem(let problem): "\(problem)"
  @unknown default: "?"
  }
}

@Suite struct AuthorDomainTests {
  @Test(arguments: [
    " a@example.com", "a@example.com", " <a@example.com>", " A <a@EXAMPLE.com>", " \"b@evil.com\" <a@example.com>",
    " \"x\\\" <b@evil.com>, \" <a@example.com>", " (c) a (d) @ (e) example.com (f)",
    " (a (b (c) \\) ) <x@evil.com>) <a@example.com>",
    " John Q. Public <a@example.com>", "\r\n A\r\n\t<a@example.com>\r\n ", " \"quoted local\"@example.com",
    " <\"a@evil.com\"@example.com>", " =?utf-8?B?YUBldmlsLmNvbQ==?= <a@example.com>", " Jürgen <a@example.com>",
    " =?x?q?a=40evil.com?=@example.com", " a.b+c@example.com", " 日本 \"語\" x <a@example.com> (comment)",
    " \"\" <a@example.com>", " <a(b)@example.com>",
  ])
  func domains(value: String) throws { #expect(author("From:\(value)\r\n") == .domain(try domain("example.com"))) }

  @Test func internationalDomain() throws {
    #expect(author("From: a@bücher.example\r\n") == .domain(try domain("xn--bcher-kva.example")))
    #expect(author("From: 用户@bücher.example\r\n").domain == DomainName("xn--bcher-kva.example"))
  }

  @Test func fieldsAreCounted() throws {
    #expect(author("To: a@example.com\r\n") == .problem(.missing))
    #expect(author("") == .problem(.missing))
    #expect(author("From: a@example.com\r\nfROM : b@evil.com\r\n") == .problem(.repeated(2)))
    #expect(author("FROM \t: a@example.com\r\n") == .domain(try domain("example.com")))
    #expect(
      author("X-From: b@evil.com\r\nFrom: a@example.com\r\nFromm: c@evil.com\r\n").domain == DomainName("example.com"))
    // Two fields of one and the same address are two fields.
    #expect(author("From: a@example.com\r\nFrom: a@example.com\r\n") == .problem(.repeated(2)))
  }

  /// Fields that are none by the grammar, and that programs show as the author nevertheless.
  @Test(arguments: [
    " From: b@evil.com\r\n", "\tfrom: b@evil.com\r\n", "From\r\n : b@evil.com\r\n", "From\u{0}: b@evil.com\r\n",
    "\u{FEFF}From: b@evil.com\r\n", "Fr\u{1}om: b@evil.com\r\n", "From\u{B}: b@evil.com\r\n",
  ])
  func fieldsThatLookLikeFrom(field: String) {
    #expect(author("\(field)From: a@example.com\r\n") == .problem(.repeated(2)))
    #expect(author(field) == .problem(.missing))
    #expect(author("From: a@example.com\r\nX-From: c@d.com\r\n").domain == DomainName("example.com"))
  }

  /// Lines behind a CR or LF alone, at which many programs end a line.
  @Test(arguments: [
    ("X: y\nFrom: b@evil.com\r\n", true), ("X: y\rFrom: b@evil.com\r\n", true), ("X: y\n\nFROM : b@evil.com\r\n", true),
    ("X\nFrom: b@evil.com\r\n", true), ("X: y\r\n z\nfrom\u{0}: b@evil.com\r\n", true),
    ("X: y\r\r\nFrom: b@evil.com\r\n", true),
    ("X: y\n From: b@evil.com\r\n", false), ("X: y\nX-From: b@evil.com\r\n", false), ("X: y\nFrom\r\n", false),
    ("X: y\r\n From: b@evil.com\r\n", false),
  ])
  func linesThatLookLikeFrom(line: String, isSeen: Bool) throws {
    for header in ["\(line)From: a@example.com\r\n", "From: a@example.com\r\n\(line)"] {
      #expect(author(header) == (isSeen ? .problem(.repeated(2)) : .domain(try domain("example.com"))))
    }
  }

  /// Behind a line that is no field some programs read on.
  @Test func cutHeaderSection() {
    let header = HeaderSection(Array("From: a@example.com\r\n".utf8))
    #expect(AuthorDomain(header, isCut: true) == .problem(.cutHeader))
    #expect(AuthorDomain(header, isCut: false).domain == DomainName("example.com"))
  }

  @Test(arguments: [
    // More than one address.
    (" a@example.com, b@evil.com", "it holds more than one address"),
    (" <a@example.com>, <b@evil.com>", "it holds more than one address"),
    (" a@example.com,", "it holds more than one address"), (" a@example.com, ,", "it holds more than one address"),
    (" <a@example.com>,\r\n <b@evil.com>", "it holds more than one address"),
    // Neither of two readings.
    (" <a@example.com><b@evil.com>", "syntax"), (" <a@example.com>b@evil.com", "syntax"),
    (" a@example.com <b@evil.com>", "syntax"),
    (" <b@evil.com> a@example.com", "syntax"), (" a@example.com b@evil.com", "syntax"), (" a@b@example.com", "syntax"),
    (" <<a@example.com>>", "syntax"), (" <a@example.com", "syntax"), (" a@example.com>", "syntax"),
    (" ,a@example.com", "syntax"),
    (" a@example.com;b@evil.com", "syntax"), (" A, B <a@example.com>", "syntax"),
    // Routes, groups, literals.
    (" <@evil.com:a@example.com>", "it holds a route"), (" <@a.com,@b.com:a@example.com>", "it holds a route"),
    (" friends: a@example.com;", "it holds a group"), (" friends:;", "it holds a group"),
    (" \"f\":a@example.com;", "it holds a group"),
    (" a@[192.0.2.1]", "it is"), (" a@[example.com]", "it is"), (" :a@example.com", "syntax"),
    // No address.
    ("", "syntax"), (" ", "syntax"), (" <>", "syntax"), (" nobody", "syntax"), (" @example.com", "syntax"),
    (" a@", "syntax"),
    (" <a@>", "syntax"), (" =?utf-8?B?YUBleGFtcGxlLmNvbQ==?=", "syntax"),
    (" <=?utf-8?B?YUBleGFtcGxlLmNvbQ==?=>", "syntax"),
    (" \"a@example.com\"", "syntax"), (" (a@example.com)", "syntax"),
    // Local parts that are obsolete, or none.
    (" a b@example.com", "syntax"), (" a . b@example.com", "syntax"), (" .a@example.com", "syntax"),
    (" a.@example.com", "syntax"),
    (" a..b@example.com", "syntax"), (" \"a\".b@example.com", "syntax"), (" \"a\"b@example.com", "syntax"),
    (" A <a b@example.com>", "syntax"),
    // Domains that are none.
    (" a@example..com", "example..com is no domain name"), (" a@example.com.", "example.com. is no domain name"),
    (" a@-example.com", "-example.com is no domain name"), (" a@exa_mple.com", "exa_mple.com is no domain name"),
    (" a@=?utf-8?q?example.com?=", "=?utf-8?q?example.com?= is no domain name"),
    (" a@example%2ecom", "example%2ecom is no domain name"),
    (" a@example . com", "syntax"), (" a@example(.evil.com", "syntax"), (" a@exa(c)mple.com", "syntax"),
    // Controls, ends of lines, what never ends.
    (" a@example.com\u{0}@evil.com", "syntax"), (" a\u{0}@example.com", "syntax"),
    (" \"a\u{0}\" <a@example.com>", "syntax"),
    (" a@example.com\u{7F}", "syntax"), (" (a\u{1}) a@example.com", "syntax"), (" a@example.com\n b", "syntax"),
    (" A\r <a@example.com>", "syntax"), (" A\n <a@example.com>", "syntax"), (" (a@example.com", "syntax"),
    (" \"a@example.com", "syntax"),
    (" (((a@example.com))", "syntax"), (" \"a\\", "syntax"), (" a@example.com)", "syntax"),
    (" a@example.com\\", "syntax"),
    (" (\\\u{0}) a@example.com", "syntax"),
  ])
  func refused(value: String, expected: String) {
    let problem = problem(value)
    #expect(
      problem == expected || expected == "it is" && problem == "its address is at an address literal", "\(problem)")
  }

  @Test func syntaxHasItsColumn() {
    guard case .problem(.syntax(let column, let reason)) = author("From: a@example.com b\r\n") else {
      Issue.record("no syntax problem")
      return
    }
    #expect(column == 16 && reason == "something follows the address")
  }

  @Test func aFinding() {
    let finding = AuthorDomainProblem.repeated(2).finding
    #expect(finding.code == .headerFrom && finding.severity == .failure && finding.message.contains("2 of them"))
  }

  @Test(arguments: [-1, 0, 1])
  func length(more: Int) {
    let padding = String(repeating: " ", count: AuthorDomain.largestCount - 13 + more)
    #expect(
      author("From:\(padding)a@example.com\r\n") == (more > 0 ? .problem(.tooLong) : author("From:a@example.com\r\n")))
  }

  /// Depth costs nothing: no recursion, and each octet is read once or a few times.
  @Test(arguments: [
    "(", "\"", "<", "@", ",", "a,", ":", "\\", "()", "a ", "\"\"", ".", "a:", "<@a", "(\\", "=?", "\r\n ",
  ])
  func bombs(unit: String) {
    let value = String(String(repeating: unit, count: AuthorDomain.largestCount / unit.utf8.count).prefix(65_000))
    #expect(author("From:\(value)\r\n").domain == nil)
    #expect(author("From:\(value.prefix(30_000)) <a@example.com>\r\n").domain != DomainName("evil.com"))
  }

  @Test func deepCommentsAreRead() {
    let (open, close) = (String(repeating: "(", count: 30_000), String(repeating: ")", count: 30_000))
    #expect(author("From: \(open)\(close) a@example.com\r\n").domain == DomainName("example.com"))
  }

  /// Any octets: no trap, and no domain that is not there.
  @Test func anyOctets() {
    var generator = SeededGenerator(seed: 13)
    let words = [
      "a", "@", "b.c", "<", ">", "(", ")", "\"", "\\", ",", ":", ";", " ", "\r\n ", "\u{0}", "é", "[", "]", ".",
      "a@b.c", "<a@b.c>", "(c)", "\"q\"", "x@y.z",
    ]
    var count = 0
    for _ in 0..<20_000 {
      let value = (0..<5).map { _ in words.randomElement(using: &generator) ?? "" }.joined()
      guard let domain = author("From:\(value)\r\n").domain else { continue }
      count += 1
      // The domain stands in the field as it is, or in UTF-8.
      #expect(value.contains(domain.description) || value.utf8.contains { $0 >= 0x80 }, "\(value)")
    }
    #expect(count > 10)
  }
}
