import Testing

@testable import MailModel

struct PunycodeTests {
  /// RFC 3492 §7.1.
  @Test(arguments: [
    ("ليهمابتكلموشعربي؟", "egbpdaj6bu4bxfgehfvwxn"),
    ("他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"),
    ("他們爲什麽不說中文", "ihqwctvzc91f659drss3x8bo0yb"),
    ("Pro\u{10D}prost\u{11B}nemluv\u{ED}\u{10D}esky", "Proprostnemluvesky-uyb24dma41a"),
    ("למההםפשוטלאמדבריםעברית", "4dbcagdahymbxekheh6e0a7fei0b"),
    ("यहलोगहिन्दीक्योंनहींबोलसकतेहैं", "i1baa7eci9glrd9b2ae1bj0hfcgg6iyaf8o0a1dig0cd"),
    ("なぜみんな日本語を話してくれないのか", "n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa"),
    (
      "세계의모든사람들이한국어를이해한다면얼마나좋을까",
      "989aomsvi5e83db1d2a355cv1e0vak1dwrv93d5xbh15a0dt30a5jpsd879ccm6fea98c"
    ),
    ("почемужеонинеговорятпорусски", "b1abfaaepdrnnbgefbadotcwatmq2g4l"),
    ("Porqu\u{E9}nopuedensimplementehablarenEspa\u{F1}ol", "PorqunopuedensimplementehablarenEspaol-fmd56a"),
    (
      "T\u{1EA1}isaoh\u{1ECD}kh\u{F4}ngth\u{1EC3}ch\u{1EC9}n\u{F3}iti\u{1EBF}ngVi\u{1EC7}t",
      "TisaohkhngthchnitingVit-kjcr8268qyxafd2f1b9g"
    ),
    ("3年B組金八先生", "3B-ww4c5e180e575a65lsy2b"),
    ("安室奈美恵-with-SUPER-MONKEYS", "-with-SUPER-MONKEYS-pc58ag80a8qai00g7n9n"),
    ("Hello-Another-Way-それぞれの場所", "Hello-Another-Way--fc4qua05auwb3674vfr0b"),
    ("ひとつ屋根の下2", "2-u9tlzr9756bt3uc0v"),
    ("Majiで\u{4B}oiする5秒前", "MajiKoi5-783gue6qz075azm5e"),
    ("パフィーdeルンバ", "de-jg4avhby1noc0d"),
    ("そのスピードで", "d9juau41awczczp"),
    ("-> $1.00 <-", "-> $1.00 <--"),
  ])
  func samples(text: String, encoded: String) {
    var output: [UInt8] = []
    Punycode.encode(Array(text.unicodeScalars), into: &output)
    #expect(String(decoding: output, as: UTF8.self) == encoded)
  }
}

struct InternationalizedDomainTests {
  @Test(arguments: [
    ("bücher.example", "xn--bcher-kva.example"), ("BÜCHER.example", nil), ("Bücher.example", "xn--bcher-kva.example"),
    ("BUCHER.bücher", "bucher.xn--bcher-kva"), ("xn--bcher-kva.bücher", "xn--bcher-kva.xn--bcher-kva"),
    ("faß.example", "xn--fa-hia.example"), ("βόλος.example", "xn--nxasmm1c.example"),
    ("例え.テスト", "xn--r8jz45g.xn--zckzah"), ("münchen.de", "xn--mnchen-3ya.de"), ("人名.中国", "xn--gmqr3k.xn--fiqs8s"),
    ("한국.한국", "xn--3e0b707e.xn--3e0b707e"), ("правда.рф", "xn--80aafi6cg.xn--p1ai"),
    ("a-ü.example", "xn--a--yka.example"), ("l·l.example", "xn--ll-0ea.example"), ("〇.example", "xn--w6j.example"),
    ("ア・ア.example", "xn--ccka0y.example"), ("ü۰۱.example", "xn--tda261ada.example"),
  ])
  func becomesALabels(text: String, expected: String?) {
    #expect(DomainName(text)?.description == expected)
  }

  /// RFC 5892 and RFC 5891 §5.4: what is no U-label is refused, never mapped.
  @Test(arguments: [
    "ü..example", ".ü", "ü.", "-ü", "ü-", "ab--ü", "xn--ü", "ü_b", "ü b", "ü\u{0}", "ü\r\n",
    "\u{FF41}.example", "\u{212B}.example", "\u{1D400}.example", "Ａ", "ﬁü", "ſü",  // compatibility forms
    "a。b", "a．b", "a｡b", "ü\u{3002}example",  // dots of other scripts
    "\u{301}a", "\u{903}ü",  // a mark in front
    "e\u{301}", "u\u{308}", "か\u{3099}", "\u{E0B}\u{36A}\u{349}", "\u{9C7}\u{9BE}",  // not composed, not in order
    "a\u{200D}b", "क\u{94D}\u{200D}ष", "a\u{200C}b", "a\u{AD}b", "a\u{200B}ü", "ü\u{FEFF}", "ü\u{2060}", "ü\u{FE0F}",
    "ü\u{202E}b", "ü\u{85}", "ü\u{2028}", "☃.example", "💌.example", "ü\u{A0}", "€", "\u{E000}", "\u{10FFFF}",
    "·ll", "l·", "a·b", "a\u{375}", "a\u{5F3}", "ー・ー", "\u{661}\u{6F1}ü", "ـü", "\u{1100}\u{1161}", "\u{20D0}ü",
  ])
  func refuses(text: String) {
    #expect(DomainName(text) == nil)
  }

  @Test func oneNameInTwoForms() throws {
    let name = try #require(DomainName("bücher.example"))
    #expect(name == DomainName("XN--BCHER-KVA.example"))
    #expect(DomainName(name.description) == name)
  }

  /// `ü` and so many `a`: the A-label has 7 octets more than there are.
  @Test(arguments: [(54, 62), (55, 63), (56, nil)])
  func boundsTheLabel(count: Int, octets: Int?) {
    let name = DomainName("ü" + String(repeating: "a", count: count))
    #expect(name?.description.utf8.count == octets)
  }

  /// A domain that is short enough as it is written may be too long for DNS.
  @Test(arguments: [(2, 253), (3, nil)])
  func boundsTheName(last: Int, octets: Int?) {
    let label = "ü" + String(repeating: "a", count: 55)
    let name = [label, label, label, String(repeating: "a", count: 58), String(repeating: "b", count: last)]
    #expect(DomainName(name.joined(separator: "."))?.description.utf8.count == octets)
  }

  @Test(
    arguments: [
      [0xC0, 0xAF], [0xC1, 0xBF], [0xE0, 0x9F, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF], [0xED, 0xA0, 0x80],
      [0xF4, 0x90, 0x80, 0x80],
      [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xFE], [0x80], [0xC3], [0xE4, 0xBD], [0xF0, 0x90, 0x80], [0xC3, 0x41],
      [0xC3, 0xC3],
    ] as [[UInt8]])
  func brokenUTF8(octets: [UInt8]) {
    #expect(octets.span.scalar(at: 0) == nil)
    let name = Array("a".utf8) + octets + Array(".example".utf8)
    #expect(DomainName(name.span) == nil)
    let local = Array("a".utf8) + octets + Array("@example.org".utf8)
    #expect(Mailbox(local.span) == nil)
    let quoted = Array("\"a".utf8) + octets + Array("\"@example.org".utf8)
    #expect(Mailbox(quoted.span) == nil)
  }

  /// Every scalar is read back, with its neighbours in the table of RFC 3629 §4.
  @Test(arguments: [0x00, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF] as [UInt32])
  func wholeUTF8(value: UInt32) throws {
    let scalar = try #require(Unicode.Scalar(value))
    let octets = Array(String(scalar).utf8)
    #expect(octets.span.scalar(at: 0) == scalar)
    #expect(UTF8.width(scalar) == octets.count)
  }
}
