import MailModel
import Testing

@Suite struct AddressDisplayTests {
  @Test(arguments: [
    ("g1e2m3n4h5a6i@yahoo.co.in", "g*e*m*n*h*a*i@yahoo.co.in"),
    ("yes@test.com", "y*s@test.com"),
    ("a@example.org", "a@example.org"),
    ("ab@example.org", "a*@example.org"),
    ("first.last+tag@example.org", "f*r*t*l*s*+*a*@example.org"),
    (#""a b"@example.org"#, #""* *"@example.org"#),
    (#""a@b"@example.org"#, #""*@*"@example.org"#),
    (#""a\"@b"@example.org"#, #""*\*@*"@example.org"#),
    ("bob@[192.0.2.1]", "b*b@[192.0.2.1]"),
    ("bob@[IPv6:2001:db8::1]", "b*b@[IPv6:2001:db8::1]"),
    ("пётр@example.org", "п*т*@example.org"),
    ("用户@example.org", "用*@example.org"),
  ])
  func mailboxes(address: String, masked: String) throws {
    let mailbox = try #require(Mailbox(address))
    #expect(AddressDisplay.masked.shown(mailbox) == masked)
    #expect(AddressDisplay.plain.shown(mailbox) == address)
    // The same wherever it stands.
    #expect(AddressDisplay.masked.shown(.mailbox(mailbox) as ForwardPath) == masked)
    #expect(AddressDisplay.masked.shown(.mailbox(mailbox) as ReversePath) == masked)
    #expect(AddressDisplay.masked.shown(text: address) == masked)
    #expect(AddressDisplay.masked.shown(text: "550 5.1.1 <\(address)>: unknown") == "550 5.1.1 <\(masked)>: unknown")
    #expect(AddressDisplay.plain.shown(text: "550 <\(address)>: unknown") == "550 <\(address)>: unknown")
  }

  @Test(arguments: AddressDisplay.allCases) func pathsWithoutAMailbox(display: AddressDisplay) {
    #expect(display.shown(ReversePath.null) == "<>")
    #expect(display.shown(ForwardPath.postmaster) == "postmaster")
  }

  @Test func theCompositionOfCharactersIsNoHidingPlace() {
    // One grapheme, three scalars.
    #expect(
      AddressDisplay.masked.shown(text: "e\u{301}\u{323}@x.example").unicodeScalars.elementsEqual(
        "e*\u{323}@x.example".unicodeScalars))
  }

  @Test(arguments: [
    ("no address here", "no address here"),
    ("", ""),
    ("@", "@"),
    ("@@@", "@*@"),
    ("5 apples @ 2 each", "5 apples @ 2 each"),
    ("abc@", "a*c@"),
    ("<@relay.example,@b.example:user@example.org>", "<@relay.example,@b.example:u*e*@example.org>"),
    ("two: abc@x.example,def@y.example;ghi@z.example", "two: a*c@x.example,d*f@y.example;g*i@z.example"),
    ("(abc@x.example)[def@y.example]{ghi@z.example}", "(a*c@x.example)[d*f@y.example]{g*i@z.example}"),
    ("orcpt=rfc822;abc@x.example", "orcpt=rfc822;a*c@x.example"),
    ("list+bob=x.example@y.example", "l*s*+*o*=*.*x*m*l*@y.example"),
    ("user@inner.example@outer.example", "u*e*@*n*e*.*x*m*l*@outer.example"),
    ("tab\tabc@x.example\r\ndef@y.example", "tab\ta*c@x.example\r\nd*f@y.example"),
    (#"no "such user" here: "john doe"@x.example"#, #"no "such user" here: "*o*n*d*e*@x.example"#),
    (#"abc"@x.example"#, #"a*c*@x.example"#),
    (#"a \"b cde"@x.example"#, #"a \"b c*e*@x.example"#),
    (#""a\\"@x.example"#, #""*\*"@x.example"#),
    (#""a"@x.example "b"@y.example"#, #""*"@x.example "*"@y.example"#),
  ])
  func texts(text: String, masked: String) {
    #expect(AddressDisplay.masked.shown(text: text) == masked)
    #expect(AddressDisplay.plain.shown(text: text) == text)
  }

  /// Every octet is looked at a few times at most, whatever stands there: with a square of these, the test would not end.
  @Test(
    .timeLimit(.minutes(10)),
    arguments: [
      "@", "\"@", "\\\"@", "a\"@b ", "\"@x\"", "\\", "\"", "a", "a@", "\\\\\"@ ",
    ])
  func longTexts(pattern: String) {
    let text = String(repeating: pattern, count: 100_000) + "@x.example"
    let masked = AddressDisplay.masked.shown(text: text)
    #expect(masked.unicodeScalars.count == text.unicodeScalars.count)
  }
}
