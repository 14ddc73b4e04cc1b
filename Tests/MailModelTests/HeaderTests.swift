import MailModel
import Testing

struct HeaderTests {
  /// Messages, with the text of the header section and of the body.
  static let messages: [(String, String, String)] = [
    ("A: 1\r\nB: 2\r\n\r\nbody\r\n", "A: 1\r\nB: 2\r\n", "body\r\n"),
    ("A: 1\r\n folded\r\n\tmore: x\r\nB:\r\n\r\n", "A: 1\r\n folded\r\n\tmore: x\r\nB:\r\n", ""),
    ("\r\nbody\r\n", "", "body\r\n"),
    ("A : 1\r\n\r\nx", "A : 1\r\n", "x"),  // RFC 5322 §4.5.8
    ("A: 1\r\nGet all events\r\n", "A: 1\r\n", "Get all events\r\n"),
    ("Subject: x\r\nGet the all events: now\r\n", "Subject: x\r\n", "Get the all events: now\r\n"),
    ("From user@example.com Mon Jan 1\r\nA: 1\r\n", "", "From user@example.com Mon Jan 1\r\nA: 1\r\n"),
    ("A: 1\r\n: no name\r\n", "A: 1\r\n", ": no name\r\n"),
    (" A: 1\r\n\r\n", "", " A: 1\r\n\r\n"),
    ("A: 1\r\nB\r\n\r\nbody", "A: 1\r\n", "B\r\n\r\nbody"),
    ("A: 1\r\n \r\n\r\nbody", "A: 1\r\n \r\n", "body"),
    ("A: 1\r\nÄ: 2\r\n", "A: 1\r\n", "Ä: 2\r\n"),
    ("A: ü\r\n\r\nb", "A: ü\r\n", "b"),
  ]

  /// In one piece, and as it grows octet by octet.
  @Test(arguments: messages)
  func findsTheEnd(message: String, header: String, body: String) {
    let octets = Array(message.utf8)
    for step in [octets.count, 1, 3] {
      var scanner = HeaderScanner()
      var end: HeaderScanner.End?
      var shown = 0
      while end == nil, shown < octets.count {
        shown = min(octets.count, shown + step)
        end = scanner.scan(octets.span.extracting(0..<shown))
      }
      let found = end ?? scanner.end(ofMessage: octets.count)
      #expect(String(decoding: octets[..<found.header], as: UTF8.self) == header)
      #expect(String(decoding: octets[found.body...], as: UTF8.self) == body)
    }
  }

  @Test(arguments: [
    ("", ""), ("A: 1\r\n", "A: 1\r\n"), ("A: 1\r\nB: 2\r\n", "A: 1\r\nB: 2\r\n"), ("A: 1\r\nB", "A: 1\r\n"),
    ("A: 1\r\nB ", "A: 1\r\n"), ("A: 1\r\n\r", "A: 1\r\n"),
  ])
  func endsWithTheMessage(message: String, header: String) {
    let octets = Array(message.utf8)
    var scanner = HeaderScanner()
    let found = scanner.scan(octets.span)
    #expect(found == nil)
    let end = scanner.end(ofMessage: octets.count)
    #expect(String(decoding: octets[..<end.header], as: UTF8.self) == header)
    #expect(end.body == end.header)
  }

  @Test func listsFields() {
    let source = "From: a@example.com\r\nSUBJECT : one\r\n two\r\nBcc:x\r\nsubject:\r\n"
    let section = HeaderSection(Array(source.utf8))
    func text(_ range: Range<Int>) -> String { String(decoding: section.octets[range], as: UTF8.self) }
    #expect(section.fields.map { text($0.name) } == ["From", "SUBJECT", "Bcc", "subject"])
    #expect(section.fields.map { text($0.value) } == [" a@example.com", " one\r\n two", "x", ""])
    #expect(section.fields.map { text($0.whole) }.joined() == source)
    #expect(section.count(of: "subject") == 2)
    #expect(section.contains("bcc") && !section.contains("cc") && !section.contains("subj"))
    #expect(
      String(decoding: section.octets(without: ["bcc", "from"]), as: UTF8.self)
        == "SUBJECT : one\r\n two\r\nsubject:\r\n")
    #expect(section.octets(without: []) == section.octets)
    #expect(HeaderSection([]).fields.isEmpty)
  }

  @Test(arguments: [
    "no colon\r\n", "A: 1", "A:", ":", ":\r\n", "\r\n", "\n", "A:\r", "A: 1\n B: 2\r\n", "\r\n\r\nA: 1\r\n",
    "A\r\n B: 1",
  ])
  func rangesAreSound(text: String) {
    let section = HeaderSection(Array(text.utf8))
    for field in section.fields {
      #expect(field.whole.contains(field.name.lowerBound) || field.name.isEmpty)
      #expect(field.name.upperBound < field.whole.upperBound)
      #expect(field.value.upperBound <= field.whole.upperBound && field.value.lowerBound > field.name.upperBound - 1)
    }
    #expect(section.octets(without: []).count <= text.utf8.count)
  }

  @Test(arguments: [
    ("A: One Two\r\n", "one two"), ("a:one", "one"), ("A :\r\n\t one \r\n \r\n", "one"),
    ("A: o\r\n ne\r\n", "o\r\n ne"),
    ("A:\r\n", ""), ("A: \r\n \r\n", ""), ("AB: one\r\n", nil), ("", nil), ("A: one\r\nB: x\r\na: one\r\n", nil),
  ])
  func tellsWhatTheOnlyFieldOfANameSays(text: String, value: String?) {
    #expect(HeaderSection(Array(text.utf8)).onlyValue(of: "a") == value)
  }

  @Test func writesFields() {
    var writer = HeaderFieldWriter()
    writer.write("Date", ["Sun, 22 Nov 2026 15:04:05 +0000"])
    writer.write("Empty", [])
    #expect(String(decoding: writer.octets, as: UTF8.self) == "Date: Sun, 22 Nov 2026 15:04:05 +0000\r\nEmpty:\r\n")
  }

  @Test(arguments: [(65, "X: a "), (70, "X: a "), (73, "X: a "), (74, "X: a\r\n\t"), (500, "X: a\r\n\t")])
  func foldsAt78(count: Int, start: String) {
    var writer = HeaderFieldWriter()
    let part = String(repeating: "p", count: count)
    writer.write("X", ["a", part])
    #expect(String(decoding: writer.octets, as: UTF8.self) == start + part + "\r\n")
  }

  @Test func foldsNothingBeforeTheFirstPart() {
    var writer = HeaderFieldWriter()
    let part = String(repeating: "p", count: 100)
    writer.write("X", [part, "b"])
    #expect(String(decoding: writer.octets, as: UTF8.self) == "X: \(part)\r\n\tb\r\n")
  }

  @Test func nothingBreaksOutOfAField() {
    var writer = HeaderFieldWriter()
    writer.write("X", ["a\r\nBcc: victim@example.com", "\u{0}\u{7F}\t\u{1B}", "ü"])
    #expect(String(decoding: writer.octets, as: UTF8.self) == "X: a??Bcc: victim@example.com ???? ü\r\n")
  }
}
