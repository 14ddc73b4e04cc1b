import MailModel
import Testing

struct SMTPReplyTests {
  private func wire(_ reply: SMTPReply) -> String {
    var octets: [UInt8] = []
    reply.encode(into: &octets)
    return String(decoding: octets, as: UTF8.self)
  }

  @Test func writesOneLine() {
    let reply = SMTPReply(553, EnhancedStatusCode("5.7.1"), "Not yours")
    #expect(wire(reply) == "553 5.7.1 Not yours\r\n")
    #expect(reply.description == "553 5.7.1 Not yours")
    #expect(wire(SMTPReply(354, nil, "End data")) == "354 End data\r\n")
    #expect(wire(SMTPReply(250, nil, lines: [])) == "250 \r\n")
  }

  @Test func writesSeveralLines() {
    #expect(
      wire(SMTPReply(250, nil, lines: ["host", "SIZE 1", "STARTTLS"])) == "250-host\r\n250-SIZE 1\r\n250 STARTTLS\r\n")
    #expect(wire(SMTPReply(550, EnhancedStatusCode("5.1.1"), lines: ["a", "b"])) == "550-5.1.1 a\r\n550 5.1.1 b\r\n")
  }

  @Test(arguments: [
    ("a\r\n250 ok", "a??250 ok"), ("a\u{0}b\tc\u{7F}", "a?b?c?"), ("grün", "gr?n"), ("\u{2028}🗝️", "???"),
    ("plain ~", "plain ~"), ("e\u{301}", "e?"),
  ])
  func cannotBreakTheDialogue(text: String, line: String) {
    #expect(SMTPReply(250, nil, text).lines == [line])
  }

  @Test(arguments: [(399, 399), (400, 400), (401, 400), (100_000, 400)])
  func boundsALine(count: Int, kept: Int) {
    for character in ["x", "ü"] {
      let reply = SMTPReply(550, EnhancedStatusCode("5.999.999"), String(repeating: character, count: count))
      #expect(reply.lines[0].utf8.count == kept)
      #expect(wire(reply).utf8.count <= 512)
    }
  }

  @Test(arguments: [(0, 200), (199, 200), (200, 200), (599, 599), (600, 599), (65_535, 599)])
  func clampsTheCode(code: UInt16, kept: UInt16) {
    #expect(SMTPReply(code, nil, "").code == kept)
  }

  @Test(arguments: [
    (250, true, false, false), (299, true, false, false), (354, false, false, false), (400, false, true, false),
    (499, false, true, false), (500, false, false, true),
  ])
  func knowsItsClass(code: UInt16, isPositive: Bool, isTransient: Bool, isPermanent: Bool) {
    let reply = SMTPReply(code, nil, "")
    #expect(reply.isPositive == isPositive && reply.isTransient == isTransient && reply.isPermanent == isPermanent)
  }

  @Test(arguments: ["2.0.0", "4.3.1", "5.7.1", "5.999.999", "5.0.10"])
  func readsEnhancedCodes(text: String) {
    #expect(EnhancedStatusCode(text)?.description == text)
  }

  @Test(arguments: [
    "", "5", "5.7", "5.7.", "5..1", ".7.1", "5.7.1.", "5.7.1.2", "3.0.0", "1.0.0", "6.0.0", "0.0.0", "55.0.0",
    "5.1000.0",
    "5.0.1000", "5.7.1 ", " 5.7.1", "5.7.x", "-5.7.1", "5.٧.1", "99999999999999999999.0.0",
  ])
  func refusesEnhancedCodes(text: String) {
    #expect(EnhancedStatusCode(text) == nil)
  }

  @Test func boundsEnhancedCodes() {
    #expect(EnhancedStatusCode(.permanentFailure, 999, 999)?.description == "5.999.999")
    #expect(EnhancedStatusCode(.permanentFailure, 1_000, 0) == nil)
    #expect(EnhancedStatusCode(.success, 0, 1_000) == nil)
  }
}
