import MailDNS
import MailModel
import Testing

@Suite struct DNSNameTests {
  private static let label63 = String(repeating: "a", count: 63)

  @Test(arguments: [
    ("example.com", "example.com"), ("Example.COM.", "example.com"), (".", "."),
    ("_dmarc.example.com", "_dmarc.example.com"),
    ("*.example.com", "*.example.com"), ("a\\.b.c", "a\\046b.c"), ("a\\046b.c", "a\\046b.c"), ("\\a", "a"),
    ("\\065\\066", "ab"), ("a b", "a\\032b"), ("\\000.\\255", "\\000.\\255"), ("a\\\\b", "a\\092b"),
    ("\"(x);@$\"", "\\034\\040x\\041\\059\\064\\036\\034"), ("é", "\\195\\169"), ("1.2/3.x", "1.2/3.x"),
    ("\\..a", "\\046.a"),
    ("~!#%&'*+,-/:<=>?[]^_`{|}", "~!#%&'*+,-/:<=>?[]^_`{|}"), ("\u{7F}\u{1}\u{20}", "\\127\\001\\032"),
  ])
  func isWrittenInOneWay(_ text: String, _ description: String) throws {
    let read = try name(text)
    #expect(read.description == description)
    #expect(try name(read.description) == read)
    #expect(DNSName(labels: read.labels) == read)
    let whole = read == .root ? "." : read.description + "."
    #expect(DNSName(whole) == read)
  }

  @Test(arguments: ["", "..", ".a", "a..b", "a..", "a\\", "a\\1", "a\\12", "a\\12x", "a\\256", "\\999", "a.\\"])
  func whatIsNoName(_ text: String) { #expect(DNSName(text) == nil) }

  @Test func everyOctetComesBack() throws {
    for octet in UInt8.min...UInt8.max {
      let made = try #require(DNSName(labels: [[octet], [0x78]]))
      #expect(made.labels == [[octet.asciiLowercased], [0x78]])
      #expect(DNSName(made.description) == made)
    }
  }

  @Test func longestLabel() {
    #expect(DNSName(Self.label63 + ".x") != nil)
    #expect(DNSName(Self.label63 + "a.x") == nil)
    #expect(DNSName(labels: [Array(repeating: 0, count: 63)]) != nil)
    #expect(DNSName(labels: [Array(repeating: 0, count: 64)]) == nil)
    #expect(DNSName(labels: [[0x61], []]) == nil)
  }

  /// 255 octets as it is sent: four labels with their lengths, and the root.
  @Test(arguments: [(60, true), (61, true), (62, false)])
  func longestName(_ last: Int, _ isName: Bool) throws {
    let text = [Self.label63, Self.label63, Self.label63, String(repeating: "b", count: last)].joined(separator: ".")
    #expect((DNSName(text) != nil) == isName)
    #expect((DNSName(text + ".") != nil) == isName)
    // The same where each octet is escaped: the longest text there is.
    let escaped = text.split(separator: ".").map { $0.utf8.map { "\\\(String(1000 + Int($0)).dropFirst())" }.joined() }
    #expect((DNSName(escaped.joined(separator: ".") + ".") != nil) == isName)
    #expect(DNSName(text + ".") == DNSName(escaped.joined(separator: ".")))
  }

  @Test func longTextIsNoName() { #expect(DNSName(String(repeating: "a.", count: 1 << 20)) == nil) }

  @Test func manyLabels() throws {
    let longest = Array(repeating: "a", count: 127).joined(separator: ".")
    #expect(try name(longest).labels.count == 127)
    #expect(DNSName(longest + ".a") == nil)
    #expect(try name(longest).prefixed("b") == nil)
  }

  @Test func parents() throws {
    #expect(try name("a.b.c").parent == name("b.c"))
    #expect(try name("c").parent == .root)
    #expect(DNSName.root.parent == nil)
    #expect(try name("a\\.b.c").parent == name("c"))
    #expect(DNSName.root.labels == [])
    #expect(DNSName(labels: []) == .root)
  }

  @Test func prefixes() throws {
    #expect(try name("example.com").prefixed("_dmarc") == name("_dmarc.example.com"))
    #expect(try name("example.com").prefixed("s._domainkey") == name("s._domainkey.example.com"))
    #expect(DNSName.root.prefixed("com") == DNSName("com"))
    for text in ["", "a..", ".a", "a\\", "a\\1"] { #expect(try name("example.com").prefixed(text) == nil) }
    let long = try name([Self.label63, Self.label63, Self.label63].joined(separator: "."))
    #expect(long.prefixed(String(repeating: "b", count: 61)) != nil)
    #expect(long.prefixed(String(repeating: "b", count: 62)) == nil)
  }

  @Test(arguments: [
    ("a.example.com", "example.com", true), ("example.com", "example.com", true),
    ("example.com", "a.example.com", false),
    ("badexample.com", "example.com", false), ("a\\.example.com", "example.com", false), ("a", ".", true),
    (".", ".", true),
    (".", "a", false), ("A.Example.COM", "example.com.", true), ("xexample.com", ".", true), ("b.com", "a.com", false),
  ])
  func standsBelow(_ lower: String, _ upper: String, _ isWithin: Bool) throws {
    #expect(try name(lower).isWithin(name(upper)) == isWithin)
  }

  @Test func order() throws {
    let names = try ["b.a", "a.b", ".", "a", "a.a", "\\000.a", "_a"].map(name)
    let sorted = names.sorted()
    #expect(sorted == names.reversed().sorted())
    #expect(sorted.map(\.description) == sorted.map(\.description).sorted())
    let (upper, lower) = (try name("A"), try name("a"))
    #expect(upper >= lower && lower >= upper)
  }

  @Test func domains() throws {
    let domain = try #require(DomainName("mail.example.com"))
    #expect(DNSName(domain).description == "mail.example.com")
    #expect(DNSName(domain).domain == domain)
    #expect(try name("Mail.Example.com.").domain == domain)
    for text in [".", "_dmarc.example.com", "a\\046b.com", "*.example.com"] { #expect(try name(text).domain == nil) }
    let longest = try #require(DomainName([String](repeating: "a", count: 127).joined(separator: ".")))
    #expect(DNSName(DNSName(longest).description) == DNSName(longest))
  }
}
