import DomainVerification
import MailModel
import Testing

private func domain(_ text: String) throws -> DomainName { try #require(DomainName(text)) }

private typealias MethodResult = AuthenticationResults.MethodResult
private typealias Property = AuthenticationResults.Property

@Suite struct AuthenticationResultsTests {
  // MARK: Written

  @Test func written() throws {
    let results = AuthenticationResults(
      "mx.example.org",
      results: [
        .spf("pass", sender: .mailbox(try #require(Mailbox("a@example.com"))), helo: "mail.example.com"),
        .dkim(
          "fail", comment: "2048-bit key", reason: "body hash (bh=) differs", domain: try domain("example.com"),
          selector: "s1",
          algorithm: "rsa-sha256", signature: "oINEO8hgn/gnunsg"),
      ])
    #expect(
      results.field == """
        Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=a@example.com;\r
        \tdkim=fail (2048-bit key) reason="body hash (bh=) differs"\r
        \theader.d=example.com header.s=s1 header.a=rsa-sha256 header.b=oINEO8hg\r\n
        """)
  }

  @Test func none() {
    #expect(AuthenticationResults("mx.example.org").field == "Authentication-Results: mx.example.org; none\r\n")
  }

  @Test func versions() throws {
    var results = AuthenticationResults("mx.example.org", version: 1, results: [MethodResult("x", "pass")])
    results.results[0].methodVersion = 2
    #expect(results.field == "Authentication-Results: mx.example.org 1; x/2=pass\r\n")
    #expect(try AuthenticationResults(parsing: "mx.example.org 1; x/2=pass") == results)
  }

  /// A version that could not be read again is none.
  @Test(arguments: [(-1, nil), (0, 0), (999, 999), (1000, nil), (.max, nil), (.min, nil)] as [(Int, Int?)])
  func oddVersions(version: Int, read: Int?) throws {
    var results = AuthenticationResults("h", version: version, results: [MethodResult("x", "pass")])
    results.results[0].methodVersion = version
    let parsed = try AuthenticationResults(parsing: String(results.field.dropFirst(23).dropLast()))
    #expect(parsed.version == read && parsed.results.map(\.methodVersion) == [read])
  }

  /// A service is a token or quoted (RFC 8601 §2.2); only properties may be addresses.
  @Test(arguments: [
    ("mx.example.org", "mx.example.org"), ("a@example.org", "\"a@example.org\""), ("@example.org", "\"@example.org\""),
    ("bücher.example", "\"bücher.example\""), ("2001:db8::1", "\"2001:db8::1\""),
  ])
  func services(name: String, written: String) throws {
    let field = AuthenticationResults(name).field
    #expect(field == "Authentication-Results: \(written); none\r\n")
    #expect(try AuthenticationResults(parsing: String(field.dropFirst(23).dropLast())).authenticationService == name)
  }

  @Test func nullSender() {
    #expect(MethodResult.spf("fail", sender: .null, helo: "h.example")["smtp", "helo"] == "h.example")
  }

  @Test(arguments: [
    ("abc", "abc"), ("example.com", "example.com"), ("a@example.com", "a@example.com"),
    ("@example.com", "@example.com"),
    ("\"a b\"@example.com", "\"a b\"@example.com"), ("a b", "\"a b\""), ("", "\"\""),
    ("2001:db8::1", "\"2001:db8::1\""),
    ("a=b", "\"a=b\""), ("a;b", "\"a;b\""), ("a(b", "\"a(b\""), ("a\"b\\c", "\"a\\\"b\\\\c\""),
    ("ü@example.com", "ü@example.com"),
    ("ü", "\"ü\""), ("a@[192.0.2.1]", "\"a@[192.0.2.1]\""), ("a@b; dkim=pass", "\"a@b; dkim=pass\""),
  ])
  func values(value: String, written: String) throws {
    let results = AuthenticationResults(
      "h", results: [MethodResult("x", "pass", properties: [Property("smtp", "y", value)])])
    #expect(results.field == "Authentication-Results: h; x=pass smtp.y=\(written)\r\n")
    #expect(try AuthenticationResults(parsing: "h; x=pass smtp.y=\(written)").results[0]["smtp", "y"] == value)
  }

  /// Whatever a text says, it stays in its place: one field, one service, one result.
  @Test(arguments: [
    "\r\nX: y", "\n", "\r", "\u{0}", "a\r\n b", "; dkim=pass header.d=bank.example",
    "x\"; dkim=pass header.d=bank.example", "\\",
    "\\\"; dkim=pass", ")", "(", ") dkim=pass (", "\u{2028}", "\u{85}", "=", "a b", "", "none", "\u{7F}", "é\r\n",
    "a@evil.com\r\nBcc: x@y.z", "\\\r\n", "\"\r\nX: y\"@example.com",
  ])
  func nothingBreaksOut(text: String) throws {
    var method = MethodResult(text, text, comment: text, reason: text, properties: [Property(text, text, text)])
    (method.method, method.result) = (text, text)
    var writer = HeaderFieldWriter()
    AuthenticationResults(text, results: [method]).write(to: &writer)
    let section = HeaderSection(writer.octets)
    #expect(section.fields.count == 1 && section.count(of: "authentication-results") == 1)
    let field = try #require(section.fields.first)
    #expect(field.whole == 0..<writer.octets.count)
    let parsed = try AuthenticationResults(parsing: Array(writer.octets[field.value]))
    #expect(parsed.results.count == 1 && parsed.results[0].properties.count == 1)
    #expect(parsed.results[0].method != "dkim" && parsed.results[0].reason != nil)
    let plain = text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : String($0) }.joined()
    #expect(
      parsed.authenticationService == plain && parsed.results[0].comment == plain && parsed.results[0].reason == plain)
  }

  @Test(arguments: [-1, 0, 1])
  func lengths(more: Int) throws {
    let value = String(repeating: "\"", count: AuthenticationResults.largestValueCount + more)
    let text = String(repeating: "\\", count: AuthenticationResults.largestTextCount + more)
    let results = AuthenticationResults(
      text, results: [MethodResult("x", "pass", reason: text, properties: [Property("a", "b", value)])])
    let parsed = try AuthenticationResults(parsing: String(results.field.dropFirst(23).dropLast()))
    #expect(parsed.results[0].reason?.utf8.count == AuthenticationResults.largestTextCount + min(more, 0))
    #expect(parsed.authenticationService.utf8.count == AuthenticationResults.largestTextCount + min(more, 0))
    #expect(parsed.results[0]["a", "b"] == (more > 0 ? nil : value))
    #expect(results.field.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 998 })
  }

  @Test func linesAreShort() {
    let properties = (1...40).map { Property("header", "name\($0)", "value\($0)") }
    let field = AuthenticationResults("mx.example.org", results: [MethodResult("x", "pass", properties: properties)])
      .field
    #expect(field.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 78 })
  }

  // MARK: Read: RFC 8601 appendix B

  /// §B.2: nothing was done.
  @Test func nothingDone() throws {
    let results = try AuthenticationResults(parsing: " example.org 1; none")
    #expect(results == AuthenticationResults("example.org", version: 1))
  }

  /// §B.3.
  @Test func servicesProvided() throws {
    let results = try AuthenticationResults(parsing: " example.com;\r\n          spf=pass smtp.mailfrom=example.net")
    #expect(
      results
        == AuthenticationResults(
          "example.com", results: [MethodResult("spf", "pass", properties: [.init("smtp", "mailfrom", "example.net")])])
    )
  }

  /// §B.4.
  @Test func severalMethods() throws {
    let results = try AuthenticationResults(
      parsing: """
         example.com;\r
                  auth=pass (cram-md5) smtp.auth=sender@example.net;\r
                  spf=pass smtp.mailfrom=example.net
        """)
    #expect(results.results.map(\.method) == ["auth", "spf"])
    #expect(results.results[0].comment == "cram-md5" && results.results[0]["smtp", "auth"] == "sender@example.net")
    let second = try AuthenticationResults(parsing: " example.com; iprev=pass\r\n          policy.iprev=192.0.2.200")
    #expect(second.results[0]["policy", "iprev"] == "192.0.2.200")
  }

  /// §B.5 and §B.6.
  @Test func severalSignatures() throws {
    let results = try AuthenticationResults(
      parsing: """
         example.com;\r
              dkim=pass reason="good signature"\r
                header.i=@mail-router.example.net;\r
              dkim=fail reason="bad signature"\r
                header.i=@newyork.example.com
        """)
    #expect(results.results.map(\.result) == ["pass", "fail"])
    #expect(results.results.map(\.reason) == ["good signature", "bad signature"])
    #expect(results.results.map { $0["header", "i"] } == ["@mail-router.example.net", "@newyork.example.com"])
  }

  /// §B.7: comments and folds in every place.
  @Test func commentsEverywhere() throws {
    let results = try AuthenticationResults(
      parsing: """
         foo.example.net (foobar) 1 (baz);\r
            dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r
              policy (A dot can go here) . (like that) expired\r
              (this surprised me) = (as I wasn't expecting it) 1362471462
        """)
    #expect(results.authenticationService == "foo.example.net" && results.version == 1)
    #expect(results.results.count == 1)
    #expect(
      results.results[0].method == "dkim" && results.results[0].methodVersion == 1
        && results.results[0].result == "fail")
    #expect(results.results[0]["policy", "expired"] == "1362471462")
  }

  @Test(arguments: [
    "example.com; dkim=pass", "\"example.com\";dkim=pass", " (a(b)\\)c) example.com ;dkim=pass;",
    "EXAMPLE.com; DKIM=PASS",
    "example.com; none", "example.com; none ;", "h 999; x=y header.b=\"a\\\"b\" body.z=1 smtp.q=a/b=c",
    "h; x=y smtp.mailfrom=\"a b\"@example.com",
    "h; unheard-of/7=whatever new.thing=x", "bücher.example; x=y", "h; x=y (a) reason=z (b) p.q=r (c)",
    "h; reason=pass",
    "h; none=pass", "h; x=y policy.ip=2001:db8::1",
    // RFC 8601 appendix B.
    " example.org 1; none", " example.com;\r\n          spf=pass smtp.mailfrom=example.net",
    " example.com;\r\n   auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n   spf=pass smtp.mailfrom=example.net",
    " example.com; iprev=pass\r\n          policy.iprev=192.0.2.200",
    " example.com;\r\n  dkim=pass reason=\"good signature\"\r\n    header.i=@mail-router.example.net;\r\n"
      + "  dkim=fail reason=\"bad signature\"\r\n    header.i=@newyork.example.com",
  ])
  func readAndWrittenAgain(value: String) throws {
    let results = try AuthenticationResults(parsing: value)
    let section = HeaderSection(Array(results.field.utf8))
    let again = try AuthenticationResults(parsing: Array(section.octets[section.fields[0].value]))
    #expect(again == results)
  }

  /// As large receivers write it.
  @Test func receiversFields() throws {
    let google = try AuthenticationResults(
      parsing: """
         mx.google.com;\r
               dkim=pass header.i=@example.com header.s=s1 header.b=Ab+/c1D=;\r
               arc=pass (i=1 spf=pass spfdomain=example.com dkim=pass dkdomain=example.com dmarc=pass);\r
               spf=pass (google.com: domain of a.b@example.com designates 2001:db8::1 as permitted sender)\
         smtp.mailfrom="a=b@example.com";\r
               dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=example.com;\r
               dara=neutral header.i=@example.org
        """)
    #expect(google.results.map(\.method) == ["dkim", "arc", "spf", "dmarc", "dara"])
    #expect(google.results[0]["header", "b"] == "Ab+/c1D=")
    #expect(google.results[2]["smtp", "mailfrom"] == "a=b@example.com")
    #expect(google.results[3].comment == "p=REJECT sp=REJECT dis=NONE")
    // No blank before a comment, and a semicolon at the end.
    let yahoo = try AuthenticationResults(
      parsing: " atlas1.free.mail.yahoo.com;\r\n dkim=pass header.i=@example.com header.s=s1;\r\n"
        + " spf=pass smtp.mailfrom=example.com;\r\n dmarc=pass(p=REJECT) header.from=example.com;")
    #expect(yahoo.results.map(\.result) == ["pass", "pass", "pass"] && yahoo.results[2].comment == "p=REJECT")
  }

  /// Exchange Online names no service, and `action=` is no property: by RFC 8601 §2.2 that is nobody's statement.
  @Test(arguments: [
    (
      " spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=example.com; dkim=pass (signature was verified)\r\n"
        + " header.d=example.com;dmarc=pass action=none header.from=example.com;compauth=pass reason=100", 5
    ),
    (" mx.example.org; dmarc=pass action=none header.from=example.com", 35),
  ])
  func fieldsThatBreakTheGrammar(value: String, column: Int) {
    let error = #expect(throws: AuthenticationResults.SyntaxError.self) { try AuthenticationResults(parsing: value) }
    #expect(error?.column == column)
  }

  @Test(
    arguments: [
      ("", 1), (" ", 2), ("; none", 1), ("h", nil), ("h dkim=pass", 3), ("h; dkim", 8), ("h; dkim=", 9),
      ("h; =pass", 4),
      ("h; dkim=pass x", 15), ("h; dkim=pass x.", 16), ("h; dkim=pass x.y", 17), ("h; dkim=pass x.y=", 18),
      ("h; none; dkim=pass", 10), ("h; none;;", 9),
      ("h; dkim=pass; none", 19), ("h; dkim/=pass", 9), ("h; dkim/1234=pass", 12), ("h 1234; none", 6),
      ("h; dkim=pass (a", 14),
      ("h; dkim=pass reason=\"a", 21), ("\"h; none", 1), ("h; dkim=pass\u{0}", 13), ("h; a=b\r\nX: y", 7),
      ("h; a=b\n c=d", 7),
      ("h; dkim=pass reason=a reason=b", 29), ("h;; a=b", 3), ("h 1 1; none", 5), ("h; dkim=pass p.q=a\"", 19),
      ("(", 1), ("h\\; none", 2),
    ] as [(String, Int?)])
  func syntaxErrors(value: String, column: Int?) throws {
    guard let column else {
      // A service and nothing more: taken as none, and stripped as malformed.
      #expect(try AuthenticationResults(parsing: value).results.isEmpty)
      return
    }
    let error = #expect(throws: AuthenticationResults.SyntaxError.self) { try AuthenticationResults(parsing: value) }
    #expect(error?.column == column, "\(error.map(\.description) ?? "")")
  }

  @Test(arguments: [-1, 0, 1])
  func limits(more: Int) {
    func isRead(_ value: String) -> Bool { (try? AuthenticationResults(parsing: value)) != nil }
    #expect(isRead("h" + String(repeating: ";a=b", count: AuthenticationResults.resultLimit + more)) == (more <= 0))
    #expect(
      isRead("h;a=b" + String(repeating: " c.d=e", count: AuthenticationResults.propertyLimit + more)) == (more <= 0))
    #expect(
      isRead("h;a=b" + String(repeating: " ", count: AuthenticationResults.largestCount - 5 + more)) == (more <= 0))
  }

  @Test(arguments: ["(", "\"", "\\", ";", "a=b;", "(\\", "\r\n ", "h ", "()", "a.b=c "])
  func bombs(unit: String) {
    let value = "h;" + String(repeating: unit, count: 60_000 / unit.utf8.count)
    #expect((try? AuthenticationResults(parsing: value))?.results.isEmpty != false)
  }

  /// Any octets: a value or an error within them, and what is read can be written and read again.
  @Test func anyOctets() throws {
    var generator = SeededGenerator(seed: 11)
    let words = [
      "h", " ", ";", "dkim", "=", "pass", "(", ")", "\"", "\\", "reason", ".", "header", "a@b.c", "/", "1", "none",
      "\r\n ", "\u{0}",
      "é", "\r", ",", " header.d=x", " reason=y", "; spf=fail", " (c)", " body.z=\"a b\"", "; none", "\r\n\t",
    ]
    var count = 0
    for _ in 0..<5_000 {
      let tail = (0..<6).map { _ in words.randomElement(using: &generator) ?? "" }.joined()
      let results: AuthenticationResults
      do throws(AuthenticationResults.SyntaxError) {
        results = try AuthenticationResults(parsing: "h; dkim=pass" + tail)
      } catch {
        #expect((1...tail.utf8.count + 13).contains(error.column), "\(tail)")
        continue
      }
      let section = HeaderSection(Array(results.field.utf8))
      let field = try #require(section.fields.first)
      #expect(try AuthenticationResults(parsing: Array(section.octets[field.value])) == results, "\(tail)")
      count += 1
    }
    #expect(count > 10)
  }
}
