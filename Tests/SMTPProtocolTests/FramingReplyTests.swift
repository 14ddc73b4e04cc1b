import MailModel
import Testing

@Suite("Replies on the wire")
struct FramingReplyTests {
  private func encoded(_ reply: SMTPReply) -> String {
    var output = Array("before".utf8)
    reply.encode(into: &output)
    return String(decoding: output, as: UTF8.self)
  }

  @Test func oneLineAndMany() {
    #expect(encoded(SMTPReply(250, (.success, 0, 0), "Ok")) == "before250 2.0.0 Ok\r\n")
    #expect(encoded(SMTPReply(354, nil, "Go on")) == "before354 Go on\r\n")
    #expect(encoded(SMTPReply(220, nil, lines: [])) == "before220 \r\n")
    #expect(
      encoded(SMTPReply(250, nil, lines: ["mail.example", "SIZE 1", "HELP"]))
        == "before250-mail.example\r\n250-SIZE 1\r\n250 HELP\r\n")
    #expect(
      encoded(SMTPReply(550, EnhancedStatusCode(.permanentFailure, 7, 1), lines: ["No", "Really"]))
        == "before550-5.7.1 No\r\n550 5.7.1 Really\r\n")
  }

  @Test func codesOfEveryLength() {
    for number: UInt16 in 0...999 {
      let code = EnhancedStatusCode(.persistentTransientFailure, number, 999 - number)
      #expect(encoded(SMTPReply(421, code, "x")) == "before421 4.\(number).\(999 - number) x\r\n")
    }
    for code: UInt16 in 200...599 { #expect(encoded(SMTPReply(code, nil, "x")) == "before\(code) x\r\n") }
  }
}
