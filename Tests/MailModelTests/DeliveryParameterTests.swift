import Testing

@testable import MailModel

struct XtextTests {
  private func decode(_ text: String) -> String? {
    let octets = Array(text.utf8)
    return Xtext.decode(octets.span) { $0.text() }
  }

  private func encode(_ text: String) -> String {
    var output: [UInt8] = []
    Xtext.encode(text, into: &output)
    return String(decoding: output, as: UTF8.self)
  }

  @Test(arguments: [
    ("", ""), ("abc", "abc"), ("e=mc2@example.com", "e+3Dmc2@example.com"),  // RFC 4954 §5.1
    ("Bob+list", "Bob+2Blist"), ("a b", "a+20b"), ("\u{7F}", "+7F"), ("ä", "+C3+A4"),
    ("!\"#$%&'()*,-./~", "!\"#$%&'()*,-./~"),
  ])
  func bothWays(text: String, xtext: String) {
    #expect(encode(text) == xtext)
    #expect(decode(xtext) == text)
    #expect(Xtext.encodedCount(Array(text.utf8).span) == xtext.utf8.count)
  }

  @Test func spellsWhatNeedNotBeSpelt() {
    #expect(decode("+41+42") == "AB")
  }

  @Test(arguments: ["+", "+4", "a+", "+4g", "+g4", "+3d", "+aF", "=", "a=b", "a b", "\t", "ä", "\u{0}", "+4+1", "++41"])
  func refuses(xtext: String) {
    #expect(decode(xtext) == nil)
  }

  @Test func everyOctetComesBack() {
    let octets = (0...255).map { UInt8($0) }
    var xtext: [UInt8] = []
    Xtext.encode(octets.span, into: &xtext)
    #expect(xtext.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "=") })
    #expect(Xtext.decode(xtext.span) { $0.array() } == octets)
    // Over the 1,024 octets that need no allocation.
    let long = [UInt8](repeating: 0x2B, count: 2_000)
    var longXtext: [UInt8] = []
    Xtext.encode(long.span, into: &longXtext)
    #expect(Xtext.decode(longXtext.span) { $0.array() } == long)
  }
}

struct EnvelopeIDTests {
  private func read(_ xtext: String) -> EnvelopeID? { EnvelopeID(xtext: Array(xtext.utf8).span) }

  @Test(arguments: [("QQ314159", "QQ314159"), ("a+2Bb+3Dc+20d", "a+b=c d"), ("+41", "A")])
  func reads(xtext: String, text: String) {
    #expect(read(xtext)?.description == text)
    #expect(read(xtext) == EnvelopeID(text))
  }

  @Test(arguments: ["", "a b", "a=b", "+0D+0A", "+00", "+7F", "+80", "+C3+A4", "+1B[1m", "ä", "+2"])
  func refuses(xtext: String) {
    #expect(read(xtext) == nil)
  }

  @Test(arguments: ["", "ä", "a\r\nb", "\u{0}", "\u{7F}", "\u{1B}"])
  func refusesText(text: String) {
    #expect(EnvelopeID(text) == nil)
  }

  /// As it is written, and as it would be.
  @Test(arguments: [(99, true), (100, true), (101, false)])
  func bounds(count: Int, isValid: Bool) {
    #expect((read(String(repeating: "a", count: count)) != nil) == isValid)
    #expect((EnvelopeID(String(repeating: "a", count: count)) != nil) == isValid)
    let spelt = "+2B" + String(repeating: "a", count: count - 3)
    #expect((read(spelt) != nil) == isValid)
    #expect((EnvelopeID("+" + String(repeating: "a", count: count - 3)) != nil) == isValid)
    #expect((read("+41" + String(repeating: "a", count: count - 3)) != nil) == isValid)
  }
}

struct OriginalRecipientTests {
  private func read(_ text: String) -> OriginalRecipient? { OriginalRecipient(wire: Array(text.utf8).span) }

  private func written(_ original: OriginalRecipient) -> String {
    var output: [UInt8] = []
    RecipientParameters(originalRecipient: original).appendDSN(to: &output)
    return String(decoding: output, as: UTF8.self)
  }

  @Test(arguments: [
    ("rfc822;Bob@Example.COM", "rfc822", "Bob@Example.COM", "rfc822;Bob@Example.COM"),
    ("RFC822;George@Tax-+20ME+20.example", "rfc822", "George@Tax- ME .example", "rfc822;George@Tax-+20ME+20.example"),
    ("x400;/G+3DA/S+3DB;C", "x400", "/G=A/S=B;C", "x400;/G+3DA/S+3DB;C"),
    ("rfc822;\\x{E4}", "rfc822", "\\x{E4}", "rfc822;\\x{E4}"),
    ("utf-8;ä@example.org", "utf-8", "ä@example.org", "utf-8;\\x{E4}@example.org"),
    ("UTF-8;\\x{E4}@example.org", "utf-8", "\\x{E4}@example.org", "utf-8;\\x{E4}@example.org"),
    (
      "utf-8;a\\x{2B}b\\x{3D}\\x{5C}\\x{20}", "utf-8", "a\\x{2B}b\\x{3D}\\x{5C}\\x{20}",
      "utf-8;a\\x{2B}b\\x{3D}\\x{5C}\\x{20}"
    ),
    ("utf-8;例💌\\x{1f48c}", "utf-8", "例💌\\x{1f48c}", "utf-8;\\x{4F8B}\\x{1F48C}\\x{1f48c}"),
  ])
  func reads(text: String, type: String, address: String, out: String) throws {
    let original = try #require(read(text))
    #expect(original.addressType == type)
    #expect(original.address == address)
    #expect(OriginalRecipient(addressType: type, address: address) == original)
    #expect(written(original) == " ORCPT=" + out)
    #expect(read(out)?.addressType == type)
  }

  @Test(arguments: [
    "", ";", "rfc822", "rfc822;", ";a@b", "rfc 822;a", "rfc(822);a", "ä;a", "rfc822;a b", "rfc822;a=b", "rfc822;a+",
    "rfc822;+0A",
    "rfc822;+0d", "rfc822;+00", "rfc822;+7F", "rfc822;ä", "rfc822;+C3+A4", "utf-8;", "utf-8;+41", "utf-8;a+b",
    "utf-8;a=b",
    "utf-8;a b", "utf-8;\\", "utf-8;\\x", "utf-8;\\x{", "utf-8;\\x{}", "utf-8;\\x{A}", "utf-8;\\x{0A}", "utf-8;\\x{0D}",
    "utf-8;\\x{00}", "utf-8;\\x{7F}", "utf-8;\\x{85}", "utf-8;\\x{2028}", "utf-8;\\x{202E}", "utf-8;\\x{D800}",
    "utf-8;\\x{110000}", "utf-8;\\x{0E4}", "utf-8;\\x{41}", "utf-8;\\x{E4", "utf-8;\\X{E4}", "utf-8;\\x{GG}",
    "utf-8;\\x{1234567}",
    "utf-8;\\x{10FFFF}", "utf-8;\u{85}", "utf-8;\u{2029}",
  ])
  func refuses(text: String) {
    #expect(read(text) == nil)
  }

  @Test(arguments: [(499, true), (500, true), (501, false)])
  func bounds(count: Int, isValid: Bool) {
    #expect((read("rfc822;" + String(repeating: "a", count: count - 7)) != nil) == isValid)
    #expect((read("rfc822;+41" + String(repeating: "a", count: count - 10)) != nil) == isValid)
    let address = "+" + String(repeating: "a", count: count - 10)
    #expect((OriginalRecipient(addressType: "rfc822", address: address) != nil) == isValid)
    // `ä` goes out in six octets.
    #expect((read("utf-8;ä" + String(repeating: "a", count: count - 12)) != nil) == isValid)
    #expect((read("utf-8;" + String(repeating: "a", count: count - 6)) != nil) == isValid)
  }
}

struct NotificationTests {
  private func read(_ text: String) -> Notifications? { Notifications(wire: Array(text.utf8).span) }

  @Test(
    arguments: [
      ("NEVER", [], "NEVER"), ("never", [], "NEVER"), ("SUCCESS", .success, "SUCCESS"),
      ("failure", .failure, "FAILURE"),
      ("Delay", .delay, "DELAY"), ("DELAY,SUCCESS", [.success, .delay], "SUCCESS,DELAY"),
      ("success,failure,delay", [.success, .failure, .delay], "SUCCESS,FAILURE,DELAY"),
    ] as [(String, Notifications, String)])
  func bothWays(text: String, expected: Notifications, out: String) {
    #expect(read(text) == expected)
    var output: [UInt8] = []
    RecipientParameters(notifications: expected).appendDSN(to: &output)
    #expect(String(decoding: output, as: UTF8.self) == " NOTIFY=" + out)
  }

  @Test(arguments: [
    "", ",", "SUCCESS,", ",SUCCESS", "SUCCESS,,DELAY", "SUCCESS,SUCCESS", "NEVER,SUCCESS", "SUCCESS,NEVER",
    "NEVER,NEVER", "ALL",
    "SUCCESS DELAY", "SUCCESS;DELAY", "SUCCES", "SUCCESSS",
  ])
  func refuses(text: String) {
    #expect(read(text) == nil)
  }
}

struct MessageParameterTests {
  @Test(
    arguments: [
      ("<>", .null), ("+3C+3E", .null), ("e+3Dmc2@example.com", ReversePath("e=mc2@example.com")),
      ("+C3+A4@example.com", ReversePath("ä@example.com")),
      ("+22a+20b+22@example.com", ReversePath("\"a b\"@example.com")),
      ("", nil), ("a", nil), ("a+40b@c", nil), ("a+0A@b", nil), ("a+00@b", nil), ("+C0+AF@b", nil), ("e=mc2@b", nil),
      ("<a@b>", nil),
      ("a+C2+85@b", nil), ("<", nil), ("a@b+", nil),
    ] as [(String, ReversePath?)])
  func submitters(xtext: String, expected: ReversePath?) {
    #expect(ReversePath(submitter: Array(xtext.utf8).span) == expected)
  }

  @Test func writesWhatThereIs() {
    var parameters = MessageParameters()
    var output: [UInt8] = []
    parameters.appendDSN(to: &output)
    RecipientParameters().appendDSN(to: &output)
    #expect(output.isEmpty)
    parameters.returnedContent = .headers
    parameters.envelopeID = EnvelopeID("a+b c")
    parameters.appendDSN(to: &output)
    #expect(String(decoding: output, as: UTF8.self) == " RET=HDRS ENVID=a+2Bb+20c")
    let recipient = RecipientParameters(
      notifications: .never, originalRecipient: OriginalRecipient(addressType: "rfc822", address: "a =\\x{E4}"))
    output = []
    recipient.appendDSN(to: &output)
    #expect(String(decoding: output, as: UTF8.self) == " NOTIFY=NEVER ORCPT=rfc822;a+20+3D\\x{E4}")
  }
}
