import MailModel
import Testing

struct MailboxTests {
  private static let label = String(repeating: "a", count: 63)
  private static let longDomain = [label, label, label, String(label.dropLast(2))].joined(separator: ".")  // 253 octets

  @Test(arguments: [
    ("a", true), ("Example.COM", true), ("xn--bcher-kva.example", true), ("1.example", true), ("a-b.c--d", true),
    (label, true), (label + "a", false), (longDomain, true), (longDomain + "a", false), (longDomain + ".a", false),
    ("", false), (".", false), ("a.", false), (".a", false), ("a..b", false), ("-a", false), ("a-", false),
    ("a.-b", false), ("a-.b", false), ("a_b", false), ("a b", false), ("a\u{0}", false),
    ("a\r\nb", false), ("a\n", false), ("[192.0.2.1]", false), ("a@b", false), ("%2e", false),
  ])
  func domainNames(text: String, isValid: Bool) {
    #expect(DomainName(text)?.description == (isValid ? text.lowercased() : nil))
  }

  @Test func domainNamesHaveNoCase() throws {
    #expect(DomainName("EXAMPLE.com") == DomainName("example.COM"))
    let (one, other) = (try #require(DomainName("A.example")), try #require(DomainName("b.example")))
    #expect(one < other && !(other < one))
  }

  @Test(arguments: [
    "a@example.com", "first.last@example.com", "user+tag@example.com", "!#$%&'*+-/=?^_`{|}~@example.com",
    "A@example.com",
    "\"a b\"@example.com", "\"a@b\"@example.com", "\"\\\"\"@example.com", "\"\\\\\"@example.com",
    "\"a..b\"@example.com",
    "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]", "a@localhost", "a%b@example.com", "host!user@example.com",
  ])
  func reads(text: String) {
    #expect(Mailbox(text)?.description == text)
  }

  @Test(arguments: [
    "", "@", "a", "a@", "@example.com", "a@b@c", "a b@example.com", ".a@example.com", "a.@example.com",
    "a..b@example.com", "a@.example.com", "a@example.com.", "a@example..com", " a@example.com", "a@example.com ",
    "<a@example.com>", "@relay.example:a@example.com", "a\u{0}@example.com",
    "a\r\n@example.com", "a@example.com\r\n", "a\t@example.com", "(c)a@example.com", "a,b@example.com",
    "\"\"@example.com", "\"a@example.com", "a\"b@example.com", "\"a\"b@example.com", "\"a\\\"@example.com",
    "\"a\u{0}\"@example.com", "\"a\r\n\"@example.com", "\"a\\\u{1}\"@example.com", "\"\\",
    "a@[]", "a@[192.0.2.1", "a@192.0.2.1]", "a@[192.0.2.256]", "a@[2001:db8::1]", "a@[IPv6:]", "a@[IPv6:192.0.2.1]",
    "a@[IPv6:::1%1]", "a@[tag:x]", "a@[ 192.0.2.1]",
  ])
  func refuses(text: String) {
    #expect(Mailbox(text) == nil)
  }

  @Test func keepsTheLocalPartAndFoldsTheDomain() throws {
    let mailbox = try #require(Mailbox("First.Last@EXAMPLE.com"))
    #expect(mailbox.localPart == "First.Last")
    #expect(mailbox.domain == DomainName("example.com"))
    #expect(mailbox.description == "First.Last@example.com")
    #expect(mailbox != Mailbox("first.last@example.com"))
    // The text behind the last `@` outside quotes decides.
    #expect(Mailbox("\"evil@bad.example x\"@good.example")?.domain == DomainName("good.example"))
    #expect(Mailbox("a@[IPv6:::ffff:192.0.2.1]")?.host == .literal(.v4(0xC000_0201)))
    #expect(Mailbox("a@[192.0.2.1]")?.domain == nil)
  }

  @Test(arguments: [(63, true), (64, true), (65, false)])
  func boundsTheLocalPart(count: Int, isValid: Bool) {
    #expect((Mailbox(String(repeating: "l", count: count) + "@example.com") != nil) == isValid)
    let quoted = "\"" + String(repeating: "l", count: count - 2) + "\""
    #expect((Mailbox(quoted + "@example.com") != nil) == isValid)
  }

  @Test func paths() {
    #expect(ReversePath("") == .null)
    #expect(ReversePath("a@example.com")?.mailbox?.description == "a@example.com")
    #expect(ReversePath.null.description.isEmpty && ReversePath.null.mailbox == nil)
    #expect(ReversePath(" ") == nil && ReversePath("<>") == nil && ReversePath("postmaster") == nil)
    #expect(ForwardPath("PostMaster") == .postmaster)
    #expect(ForwardPath("postmaster@example.com").map { $0 == .postmaster } == false)
    #expect(ForwardPath("") == nil && ForwardPath("postmasters") == nil)
    #expect(ForwardPath("a@example.com")?.description == "a@example.com")
    #expect(ForwardPath(ForwardPath.postmaster.description) == .postmaster)
  }
}
