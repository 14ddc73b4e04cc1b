import Testing

@testable import MailModel

struct InternationalizedMailboxTests {
  @Test(arguments: [
    ("ä@example.com", "ä@example.com"), ("\"ä b\"@example.com", "\"ä b\"@example.com"),
    ("用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v"), ("अजय@डाटा.भारत", "अजय@xn--c2bd1gb.xn--h2brj9c"),
    ("квіточка@пошта.укр", "квіточка@xn--80a1acn3a.xn--j1amh"),
    ("χρήστης@παράδειγμα.ελ", "χρήστης@xn--hxajbheg2az3al.xn--qxam"),
    ("Dörte@Sörensen.example.com", "Dörte@xn--srensen-90a.example.com"),
    ("Dörte@sörensen.example.com", "Dörte@xn--srensen-90a.example.com"),
    ("user@bücher.example", "user@xn--bcher-kva.example"), ("ä.ö@[192.0.2.1]", "ä.ö@[192.0.2.1]"),
    ("💌@example.com", "💌@example.com"), ("e\u{301}@example.com", "e\u{301}@example.com"),
    ("क\u{94D}\u{200D}ष@example.com", "क\u{94D}\u{200D}ष@example.com"),
  ])
  func reads(text: String, expected: String?) {
    let mailbox = Mailbox(text)
    // By octets: strings that Unicode takes for the same are equal.
    #expect(mailbox.map { Array($0.description.utf8) } == expected.map { Array($0.utf8) })
    if let mailbox { #expect(Mailbox(mailbox.description) == mailbox) }
  }

  @Test(arguments: [
    "\u{80}@example.com", "a\u{85}@example.com", "a\u{9B}@example.com", "\"\u{9F}\"@example.com",
    "a\u{2028}@example.com",
    "\"a\u{2029}\"@example.com", "a\u{202E}@example.com", "a\u{2066}b@example.com", "ä..b@example.com",
    ".ä@example.com", "ä.@example.com",
    "\"a\\ä\"@example.com", "a ä@example.com", "ä@", "ä@ü_.example", "ä\u{FF20}example.com", "a@[ä]", "a@[IPv6:ä]",
    "a@example\u{3002}com", "a@example\u{FF0E}com",
  ])
  func refuses(text: String) {
    #expect(Mailbox(text) == nil)
  }

  @Test(arguments: [0xFDD0, 0xFFFE, 0x1FFFF, 0x10FFFF] as [UInt32])
  func refusesNoncharacters(value: UInt32) throws {
    let scalar = try #require(Unicode.Scalar(value))
    #expect(Mailbox("a\(scalar)@example.com") == nil)
    #expect(Mailbox("a@ü\(scalar).example") == nil)
  }

  @Test func saysWhatNeedsSMTPUTF8() throws {
    #expect(try #require(Mailbox("ä@example.com")).isInternationalized)
    #expect(try #require(Mailbox("\"ä\"@example.com")).isInternationalized)
    #expect(!(try #require(Mailbox("a@bücher.example")).isInternationalized))
  }

  @Test func localPartsAreOctets() {
    #expect(Mailbox("\u{E9}@example.com") != Mailbox("e\u{301}@example.com"))
    #expect(Mailbox("Ä@example.com") != Mailbox("ä@example.com"))
    #expect(Mailbox("a@bücher.example") == Mailbox("a@xn--bcher-kva.EXAMPLE"))
  }

  /// 64 octets, not characters.
  @Test(arguments: [(62, true), (63, false)])
  func boundsTheLocalPart(count: Int, isValid: Bool) {
    let local = "ä" + String(repeating: "a", count: count)
    #expect((Mailbox(local + "@example.com") != nil) == isValid)
    let quoted = "\"ä" + String(repeating: "a", count: count - 2) + "\""
    #expect((Mailbox(quoted + "@example.com") != nil) == isValid)
  }

  /// 254 octets as it goes out, where the domain is in A-labels.
  @Test(arguments: [(63, 253), (64, 254)])
  func boundsTheWhole(local: Int, octets: Int) {
    let label = "ü" + String(repeating: "a", count: 55)  // 63 octets
    let domain = [label, label, String(repeating: "b", count: 61)].joined(separator: ".")  // 189 octets
    let mailbox = Mailbox(String(repeating: "l", count: local) + "@" + domain)
    #expect(mailbox?.description.utf8.count == octets)
    #expect(Mailbox(String(repeating: "l", count: local) + "@" + domain + "bb") == nil)
  }
}

/// What validators of addresses are tried with; none of the lists is theirs.
struct MailboxSyntaxTests {
  @Test(arguments: [
    "x@x", "1@1", "a-b@c-d.e", "_@example.com", "-@example.com", "a-@example.com", "+@example.com", "=@example.com",
    "a=?utf-8?q?b?=@example.com", "\"\\ \"@example.com", "\"\\a\"@example.com", "\"a.\"@example.com",
    "\".\"@example.com", "\"@\"@example.com", "\" \"@example.com", "\">\"@example.com", "\"<>\"@example.com",
    "\"()[]:;,\"@example.com", "a@1.2.3.4.example", "a@123.example", "a@1", "a@192.0.2.1", "a@[0.0.0.0]",
    "a@[255.255.255.255]", "a@[IPv6:::]", "a@[IPv6:::1]", "a@[ipv6:2001:DB8::1]", "a@[IPv6:1:2:3:4:5:6:7:8]",
    "a@[IPv6:1::8]", "a@[IPv6:1:2:3:4:5:6:192.0.2.1]", "a@[IPv6:::192.0.2.1]", "a@x--y.example", "a@xn--a.example",
  ])
  func reads(text: String) throws {
    let mailbox = try #require(Mailbox(text))
    #expect(Mailbox(mailbox.description) == mailbox)
    #expect(ReversePath(mailbox.description) == .mailbox(mailbox))
    #expect(ForwardPath(mailbox.description) == .mailbox(mailbox))
  }

  @Test(arguments: [
    "a%b@c@d", "a@b.", "a@.b", "a@b..c", "a@-b", "a@b-", "a@b_c", "a@b c", "a@b,c", "a@b;c", "a@b:25", "a@b/c",
    "a@b%25c", "a@(b)",
    "(c)a@b", "a(c)@b", "a @b", "a@ b", "a@b ", "a\\@b", "a\\ b@c", "a;b@c", "a:b@c", "a<b@c", "a>b@c", "a[b@c",
    "a]b@c",
    "\"a\" @b", "\"a\"\"b\"@c", "\"a\".b@c", "a.\"b\"@c", "\"a@b", "a\"@b", "\"\\\"@b", "\"\"@b", "\"a\\", "\"a\"",
    "\"a\"@",
    "a@[", "a@]", "a@[]", "a@[1.2.3]", "a@[1.2.3.4.5]", "a@[1.2.3.04]", "a@[256.1.1.1]", "a@[1.2.3.4]x", "a@x[1.2.3.4]",
    "a@[1.2.3.4", "a@[IPv6:]", "a@[IPv6::]", "a@[IPv6:1::2::3]", "a@[IPv6:1:2:3:4:5:6:7]", "a@[IPv6:1:2:3:4:5:6:7:8:9]",
    "a@[IPv6:1:2:3:4:5:6:7::8:9]", "a@[IPv6:12345::]", "a@[IPv6:g::]", "a@[IPv6:::1%eth0]", "a@[IPv6:1:]",
    "a@[IPv6::1]",
    "a@[IPv61::2]", "a@[IPv4:1.2.3.4]", "a@[X-tag:text]", "a@[\\1.2.3.4]", "a@[1.2.3.4 ]", "a@[[1.2.3.4]]",
    "@a:b@c", "@a,@b:c@d", "<a@b>", "mailto:a@b", "a@b\u{0}", "a\u{7F}@b", "\"a\tb\"@c", "a\u{B}@b", "undisclosed",
  ])
  func refuses(text: String) {
    #expect(Mailbox(text) == nil)
  }

  /// RFC 5321 §4.5.3.1: 64 octets in the local part, and 256 in a path with its brackets.
  @Test(arguments: [(253, true), (254, true), (255, false)])
  func boundsThePath(count: Int, isValid: Bool) {
    let label = String(repeating: "d", count: 63)
    let front = String(repeating: "l", count: 64) + "@" + [label, label].joined(separator: ".") + "."
    let text = front + String(repeating: "e", count: count - front.utf8.count)
    #expect(text.utf8.count == count)
    #expect((Mailbox(text) != nil) == isValid)
  }

  /// Octets that were not chosen by anybody: what is taken is lawful and comes back.
  @Test func whateverComes() {
    var generator = SplitMix(state: 5321)
    let alphabet = Array("ab1.-_@\"\\[]:; <>+=xnäüé\u{301}。例\u{200D}\u{85}".utf8) + [0, 13, 10, 0x80, 0xC0, 0xED, 0xFF]
    var taken = 0
    for _ in 0..<30_000 {
      var octets: [UInt8] = []
      for _ in 0..<Int.random(in: 0...12, using: &generator) {
        octets.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)])
      }
      if Bool.random(using: &generator) { octets += Array("@b".utf8) }
      guard let mailbox = Mailbox(octets.span) else { continue }
      taken += 1
      let text = Array(mailbox.description.utf8)
      #expect(text.allSatisfy { $0 >= 0x20 && $0 != 0x7F } && text.count <= 254)
      #expect(mailbox.host.description.utf8.allSatisfy { $0 < 0x80 })
      #expect(Mailbox(text.span) == mailbox)
    }
    #expect(taken > 100)
  }
}

/// A generator whose numbers are the same in each run.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
  }
}
