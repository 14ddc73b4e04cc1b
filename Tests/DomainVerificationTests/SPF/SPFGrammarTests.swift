import DomainVerification
import MailModel
import Testing

@Suite struct SPFGrammarTests {
  @Test(arguments: [
    ("v=spf1", true), ("v=spf1 ", true), ("V=SpF1 -all", true), ("v=spf1\t-all", false), ("v=spf10", false),
    ("v=spf1mx", false), (" v=spf1", false), ("v=spf", false), ("", false), ("spf1 -all", false),
  ])
  func version(_ text: String, isRecord: Bool) { #expect(SPFRecord.isRecord(Array(text.utf8)) == isRecord) }

  @Test(arguments: [
    "v=spf1", "v=spf1  ", "v=spf1   a   -all  ", "v=spf1 A MX PTR ALL", "v=spf1 +a -mx ~ptr ?all",
    "v=spf1 a:example.com a:example.com. a/24 a//64 a/24//64 a:example.com/24//64 a/0//0",
    "v=spf1 a:foo:bar/baz.example.com/8", "v=spf1 a:foo.example.xn--zckzah", "v=spf1 a:1.2.3.4-5", "v=spf1 a:.com",
    "v=spf1 a:%{d} a:%% a:a%_ a:a%- a:%{d}/24 a:%{d/}//64 a:%{i}.%{l2r-+,/_=.}.example.com",
    "v=spf1 ip4:192.0.2.1 ip4:0.0.0.0/0 ip4:255.255.255.255/32", "v=spf1 ip6:::/0 ip6:::1 ip6:2001:DB8::/32",
    "v=spf1 ip6:::ffff:192.0.2.1/128", "v=spf1 include:_spf.example.com exists:%{ir}.example.com ptr:example.com",
    "v=spf1 redirect=example.com exp=%{d}", "v=spf1 moo.cow-far_out=man:dog/cat x= y=%{d}%%", "v=spf1 a=b all=c",
    "v=spf1 all all -all", "v=spf1 Redirect=example.com EXP=a.example.com x=1 x=1",
  ])
  func lawful(_ text: String) throws { #expect(try SPFRecord(text).description == text) }

  /// A record that breaks the grammar, and where.
  @Test(arguments: [
    ("v=spf1 foo", 8), ("v=spf1 a -all moo", 15), ("v=spf1 -all.", 9), ("v=spf1 -all:foobar", 12),
    ("v=spf1 -all/8", 12),
    ("v=spf1 a/33", 10), ("v=spf1 a//129", 11), ("v=spf1 a/24/64", 13), ("v=spf1 a/24/32", 9), ("v=spf1 a/032", 10),
    ("v=spf1 a/", 9),
    ("v=spf1 a//", 9), ("v=spf1 a:example.com/", 18), ("v=spf1 a:", 10), ("v=spf1 a:museum", 10),
    ("v=spf1 a:museum.", 10),
    ("v=spf1 a:abc.123", 14), ("v=spf1 a:111.222.33.44", 21), ("v=spf1 a:example.-com", 18),
    ("v=spf1 a:example.com-", 18), ("v=spf1 a:example.com:8080", 18), ("v=spf1 a:%{d}com", 14), ("v=spf1 a:%{d}.", 14),
    ("v=spf1 a:%{x}.com", 10),
    ("v=spf1 a:a%.com", 11), ("v=spf1 a:a%", 11), ("v=spf1 a:%{d", 10), ("v=spf1 a:%{}", 10), ("v=spf1 a:%{", 10),
    ("v=spf1 a:%{d0}", 13), ("v=spf1 a:%{drr}", 10), ("v=spf1 a:%{d2r@}", 10), ("v=spf1 a:%{c}", 10),
    ("v=spf1 a:%(d).com", 10), ("v=spf1 -exists:%(ir).sbl.example.com", 16),
    ("v=spf1 include", 15), ("v=spf1 include:", 16), ("v=spf1 include/24", 15), ("v=spf1 include:example.com/24", 24),
    ("v=spf1 exists", 14), ("v=spf1 exists:", 15), ("v=spf1 ptr/0", 11), ("v=spf1 ptr:", 12), ("v=spf1 mx/33", 11),
    ("v=spf1 ip4", 11), ("v=spf1 ip4:", 12), ("v=spf1 ip4:1.2.3", 12), ("v=spf1 ip4:1.2.3.4:80", 12),
    ("v=spf1 ip4:1.2.3.4/33", 20), ("v=spf1 ip4:1.2.3.4/032", 20), ("v=spf1 ip4:1.2.3.4//32", 20),
    ("v=spf1 ip4:1.2.3.04", 12), ("v=spf1 ip4:::1", 12), ("v=spf1 ip4:1.2.3.4/", 20), ("v=spf1 ip4:1.2.3.4/1000", 20),
    ("v=spf1 ip6", 11), ("v=spf1 ip6:1.2.3.4", 12), ("v=spf1 ip6:::1/129", 16), ("v=spf1 ip6:::1//33", 16),
    ("v=spf1 ip6::CAFE::BABE", 12), ("v=spf1 ip6:::1::", 12),
    ("v=spf1 redirect=", 17), ("v=spf1 redirect=-all ?all", 17), ("v=spf1 redirect=a.com redirect=a.com", 23),
    ("v=spf1 exp=", 12), ("v=spf1 exp=a.com -all exp=b.com", 23), ("v=spf1 exp=%{r}.example.com", 12),
    ("v=spf1 redirect:example.com", 8), ("v=spf1 -redirect=example.com", 9), ("v=spf1 1up=foo", 8), ("v=spf1 =all", 8),
    ("v=spf1 moo.cow/far_out=man", 8), ("v=spf1 moo.cow:far=man", 8), ("v=spf1 x=%abc", 10), ("v=spf1 x=%{t}", 10),
    ("v=spf1 - all", 9), ("v=spf1 ++all", 9), ("v=spf1 all,", 8), ("v=spf1 a:b.com\r\n", 15), ("v=spf1 a\tmx", 8),
    ("v=spf1 a:b\u{0}.com", 11), ("v=spf1 x=é", 10), ("v=spf1 \u{FEFF}all", 8), ("v=spf2.0/pra", 1),
  ])
  func broken(_ text: String, column: Int) {
    let error = #expect(throws: SPFSyntaxError.self) { try SPFRecord(text) }
    #expect(error?.column == column, "\(error.map { "\($0)" } ?? "")")
  }

  @Test func theTermsAreThere() throws {
    let record = try SPFRecord(
      "v=spf1 A:%{d}/24//64 ~ip4:192.0.2.77/24 ?ip6:2001:db8::1/32 x=y redirect=b.example -all")
    #expect(record.directives.map(\.result) == [.pass, .softfail, .neutral, .fail])
    #expect(record.directives.map(\.column) == [8, 22, 41, 84])
    #expect(record.directives.map(\.text) == ["A:%{d}/24//64", "~ip4:192.0.2.77/24", "?ip6:2001:db8::1/32", "-all"])
    guard case .a(let domain?, let lengths) = record.directives[0].mechanism else { throw WrongMechanism() }
    #expect(domain.description == "%{d}")
    #expect(lengths.v4 == 24)
    #expect(lengths.v6 == 64)
    #expect(record.directives[1].mechanism == .ip4(try #require(IPNetwork("192.0.2.0/24"))))
    #expect(record.directives[2].mechanism == .ip6(try #require(IPNetwork("2001:db8::/32"))))
    #expect(record.modifiers.map(\.name) == ["x", "redirect"])
    #expect(record.redirect?.value.description == "b.example")
    #expect(record.redirect?.column == 65)
    #expect(record.explanation == nil)
  }

  private struct WrongMechanism: Error {}

  @Test(arguments: [(65_534, true), (65_535, true), (65_536, false)])
  func size(count: Int, isRead: Bool) throws {
    let text = "v=spf1 x=" + String(repeating: "y", count: count - 9)
    if isRead {
      #expect(try SPFRecord(text).modifiers.count == 1)
    } else {
      #expect(throws: SPFSyntaxError.self) { try SPFRecord(text) }
    }
  }

  /// What is in a broken record cannot write into a log.
  @Test func anErrorShowsNoControls() throws {
    let error = #expect(throws: SPFSyntaxError.self) { try SPFRecord("v=spf1 a\u{1B}[31m\r\nfoo") }
    #expect(error?.description == #"column 8: there is no mechanism "a\027[31m\013\010foo""#)
  }
}
