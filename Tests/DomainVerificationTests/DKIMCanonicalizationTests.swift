import MailModel
import Testing

@testable import DomainVerification

@Suite struct DKIMCanonicalizationTests {
  static func canonical(
    _ section: String, _ names: [String], _ algorithm: DKIMCanonicalization.Algorithm
  ) -> String {
    let fields = DKIMHeaderFields(HeaderSection(Array(section.utf8)))
    return String(decoding: fields.canonical(names, algorithm), as: UTF8.self)
  }

  /// RFC 6376 §3.4.5, and more of the same kind.
  @Test(arguments: [
    ("A: X\r\nB : Y\t\r\n\tZ  \r\n", "a:X\r\nb:Y Z\r\n"),
    ("A:\r\n", "a:\r\n"),
    ("A: \t\r\n", "a:\r\n"),
    ("A:\r\n b\r\n", "a:b\r\n"),
    ("A:b\r\n \r\n c\r\n", "a:b c\r\n"),
    ("A:\tb\t \tc  d\r\n", "a:b c d\r\n"),
    ("Subject: G\u{FC}n\r\n", "subject:G\u{FC}n\r\n"),
  ])
  func `header fields`(_ section: String, _ relaxed: String) {
    let names = HeaderSection(Array(section.utf8)).fields.count == 2 ? ["a", "b"] : ["a", "subject"]
    #expect(Self.canonical(section, names, .simple) == section)
    #expect(Self.canonical(section, names, .relaxed) == relaxed)
  }

  @Test func `the last field of a name comes first, a missing one is nothing`() {
    let section = "A: 1\r\nB: 2\r\na: 3\r\nA: 4\r\n"
    #expect(Self.canonical(section, ["a", "b", "a", "c", "b"], .simple) == "A: 4\r\nB: 2\r\na: 3\r\n")
    #expect(Self.canonical(section, ["a", "a", "a", "a"], .relaxed) == "a:4\r\na:3\r\na:1\r\n")
  }

  @Test func `a header section that ends without CRLF`() {
    #expect(Self.canonical("A: 1\r\nB: 2", ["b", "a"], .simple) == "B: 2\r\nA: 1\r\n")
  }

  @Test func `what c= says`() {
    #expect(DKIMCanonicalization("relaxed") == DKIMCanonicalization(header: .relaxed, body: .simple))
    for each in DKIMCanonicalization.allCases { #expect(DKIMCanonicalization(each.description) == each) }
    for text in ["", "/", "relaxed/", "/simple", "Relaxed/simple", "relaxed/simple/simple", "relaxed /simple", "nowsp"]
    {
      #expect(DKIMCanonicalization(text) == nil, "\(text)")
    }
  }
}
