import MailModel
import Testing

@testable import SMTPProtocol

private func command(_ line: String, lenient: Bool = false) -> Command {
  Command(Array(line.utf8).span, acceptsPathWithoutBrackets: lenient)
}

private func refusal(_ line: String, lenient: Bool = false) -> SMTPReply? {
  if case .malformed(let reply, _) = command(line, lenient: lenient) { reply } else { nil }
}

private func mail(_ line: String, lenient: Bool = false) -> (path: ReversePath, parameters: MailParameters)? {
  if case .mail(let path, let parameters) = command(line, lenient: lenient) { (path, parameters) } else { nil }
}

private func recipient(_ line: String, lenient: Bool = false) -> RecipientArgument? {
  if case .recipient(let argument) = command(line, lenient: lenient) { argument } else { nil }
}

struct GrammarPathTests {
  @Test(arguments: [
    ("MAIL FROM:<>", ""), ("mail from:<a@b>", "a@b"), ("MAIL FROM:<a@B.Example>", "a@b.example"),
    ("MAIL FROM: <a@b> ", "a@b"),
    ("MAIL FROM:<\"a>b\"@c>", "\"a>b\"@c"), ("MAIL FROM:<\"a\\\">b\"@c>", "\"a\\\">b\"@c"),
    ("MAIL FROM:<userx@y.foo.org>", "userx@y.foo.org"), ("MAIL FROM:<a@[IPv6:::1]>", "a@[IPv6:::1]"),
    ("MAIL FROM:<ä@bücher.example>", "ä@xn--bcher-kva.example"),
  ])
  func senders(line: String, path: String) {
    #expect(mail(line)?.path.description == path)
  }

  @Test(arguments: [
    ("RCPT TO:<postmaster>", "postmaster"), ("RCPT TO:<POSTMASTER>", "postmaster"),
    ("rcpt to:<Postmaster@b>", "Postmaster@b"),
    ("RCPT TO:<a@b>", "a@b"), ("RCPT TO:<user%host@relay.example>", "user%host@relay.example"),
    ("RCPT TO:<host!user@relay.example>", "host!user@relay.example"),
    ("RCPT TO:<\"@evil.example:a\"@good.example>", "\"@evil.example:a\"@good.example"),
  ])
  func recipients(line: String, path: String) {
    #expect(recipient(line)?.path.description == path)
  }

  @Test(arguments: [
    "MAIL", "MAIL FROM", "MAIL FROM <a@b>", "MAIL TO:<a@b>", "MAIL FROM;<a@b>", "RCPT", "RCPT TO", "RCPT FROM:<a@b>",
    "RCPT TO <a@b>",
  ])
  func verbsAlone(line: String) {
    #expect(refusal(line) == (line.hasPrefix("M") ? .mailSyntax : .recipientSyntax))
  }

  @Test(arguments: [
    "MAIL FROM:", "MAIL FROM:a@b", "MAIL FROM:<a@b", "MAIL FROM:a@b>", "MAIL FROM:<a@b>>", "MAIL FROM:<<a@b>>",
    "MAIL FROM:<a@b>x", "MAIL FROM:<a@b>SIZE=1",
    "MAIL FROM:<postmaster>", "MAIL FROM:< >", "MAIL FROM:<a@b >", "MAIL FROM:<a>b@c>", "MAIL FROM:<\"a@b>",
    "MAIL FROM:<a@b> <c@d", "MAIL FROM:A <a@b>",
    "MAIL FROM:<a@[X:1]>", "MAIL FROM:<ä@b\u{85}>", "MAIL FROM:<a@b\u{3002}c>",
  ])
  func badSenders(line: String) {
    let isParameter = line.hasSuffix("<c@d")
    #expect(refusal(line) == (isParameter ? .unknownParameter : .badSenderAddress))
  }

  @Test(arguments: [
    "RCPT TO:<>", "RCPT TO:<a>", "RCPT TO:postmaster", "RCPT TO:<a@b>,<c@d>", "RCPT TO:<a@b,c@d>", "RCPT TO:",
    "RCPT TO:<postmaster@>",
  ])
  func badRecipients(line: String) {
    #expect(refusal(line) == .badRecipientAddress)
  }

  /// RFC 5321 appendix D.3 has the first; nobody is routed here.
  @Test(arguments: ["@hosta.int,@jkl.org:userc@d.bar.org", "@a:b@c", "@a", "@", "@a,@b", "@[192.0.2.1]:a@b"])
  func sourceRoutes(path: String) {
    #expect(refusal("RCPT TO:<\(path)>") == .sourceRouteOfRecipient)
    #expect(refusal("MAIL FROM:<\(path)>") == .sourceRouteOfSender)
  }

  /// The leniency for clients that leave the brackets out: a plain mailbox and nothing else.
  @Test func pathsWithoutBrackets() {
    #expect(mail("MAIL FROM:a@b", lenient: true)?.path == ReversePath("a@b"))
    #expect(recipient("RCPT TO: a@b ", lenient: true)?.path == ForwardPath("a@b"))
    #expect(mail("MAIL FROM:a@bücher.example", lenient: true)?.parameters.needsSMTPUTF8 == true)
    for path in ["\"a\"@b", "a@[192.0.2.1]", "a@b SIZE=1", "a@b>", "a@b@c", "postmaster", "a", "a@b,c@d"] {
      #expect(refusal("MAIL FROM:" + path, lenient: true) == .badSenderAddress)
      #expect(refusal("RCPT TO:" + path, lenient: true) == .badRecipientAddress)
    }
    #expect(refusal("MAIL FROM:@a:b@c", lenient: true) == .sourceRouteOfSender)
  }

  /// 256 octets with the brackets (RFC 5321 §4.5.3.1.3).
  @Test(arguments: [(255, true), (256, true), (257, false)])
  func boundsThePath(count: Int, isValid: Bool) {
    let label = String(repeating: "d", count: 63)
    let front = "<" + String(repeating: "l", count: 64) + "@\(label).\(label)."
    let path = front + String(repeating: "e", count: count - 1 - front.utf8.count) + ">"
    #expect(path.utf8.count == count)
    #expect((mail("MAIL FROM:" + path) != nil) == isValid)
    #expect((recipient("RCPT TO:\(path) NOTIFY=NEVER") != nil) == isValid)
    #expect((mail("MAIL FROM:" + path.dropFirst().dropLast(), lenient: true) != nil) == isValid)
  }
}

struct GrammarMailParameterTests {
  @Test func none() throws {
    let parameters = try #require(mail("MAIL FROM:<a@b>")).parameters
    #expect(parameters == MailParameters() && parameters.isEmpty && !parameters.hasSubmitter)
  }

  /// All of them, in two orders and cases.
  @Test(arguments: [
    "SIZE=500 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+2B1 MT-PRIORITY=-3 AUTH=e+3Dmc2@example.com",
    "auth=e+3Dmc2@example.com  mt-priority=-3 envid=QQ+2B1 ret=hdrs smtputf8 body=8bitmime size=500 ",
  ])
  func all(text: String) throws {
    let parameters = try #require(mail("MAIL FROM:<a@b> " + text)).parameters
    #expect(parameters.size == 500 && parameters.hasSubmitter && !parameters.isEmpty)
    #expect(parameters.used == .all && !parameters.needsSMTPUTF8)
    #expect(parameters.message.bodyType == .eightBitMIME && parameters.message.isInternationalized)
    #expect(parameters.message.returnedContent == .headers)
    #expect(parameters.message.envelopeID?.description == "QQ+1")
    #expect(parameters.message.priority == TransferPriority(-3))
    #expect(parameters.message.submitter == ReversePath("e=mc2@example.com"))
  }

  @Test(
    arguments: [
      ("BODY=7BIT", .eightBitMIME), ("BODY=8bitMIME", .eightBitMIME), ("SMTPUTF8", .smtpUTF8),
      ("RET=FULL", .deliveryStatusNotifications),
      ("ENVID=1", .deliveryStatusNotifications), ("MT-PRIORITY=0", .transferPriorities), ("SIZE=1", []),
      ("AUTH=<>", []),
    ] as [(String, MailExtensions)])
  func used(text: String, expected: MailExtensions) throws {
    let parameters = try #require(mail("MAIL FROM:<> " + text)).parameters
    #expect(parameters.used == expected && !parameters.isEmpty)
    // Each once.
    #expect(refusal("MAIL FROM:<> \(text) \(text)")?.code == 501)
  }

  @Test(arguments: [
    ("SIZE=0", 0), ("SIZE=00000000000000000001", 1), ("SIZE=99999999999999999999", .max),
    ("SIZE=9223372036854775808", .max),
    ("SIZE=000000000000000000001", nil), ("SIZE=", nil), ("SIZE", nil), ("SIZE=-1", nil), ("SIZE=1k", nil),
    ("SIZE==1", nil),
  ])
  func sizes(text: String, size: Int?) {
    let line = "MAIL FROM:<a@b> " + text
    #expect(mail(line)?.parameters.size == size)
    #expect(refusal(line) == (size == nil ? .badSize : nil))
  }

  @Test(
    arguments: [
      ("BODY=BINARYMIME", .noBinaryMIME), ("BODY=binarymime", .noBinaryMIME), ("BODY=9BIT", .badBody),
      ("BODY=", .badBody), ("BODY", .badBody),
      ("BODY=7BIT BODY=8BITMIME", .badBody), ("SMTPUTF8=", .badSMTPUTF8), ("SMTPUTF8=1", .badSMTPUTF8),
      ("SMTPUTF8 smtputf8", .badSMTPUTF8),
      ("RET=ALL", .badReturnedContent), ("RET=", .badReturnedContent), ("RET", .badReturnedContent),
      ("RET=FULL RET=HDRS", .badReturnedContent),
      ("ENVID", .badEnvelopeID), ("ENVID=", .badEnvelopeID), ("ENVID=a+0Ab", .badEnvelopeID),
      ("ENVID=a=b", .badEnvelopeID), ("ENVID=ä", .badEnvelopeID),
      ("MT-PRIORITY", .badPriority), ("MT-PRIORITY=", .badPriority), ("MT-PRIORITY=10", .badPriority),
      ("MT-PRIORITY=+1", .badPriority), ("MT-PRIORITY=urgent", .badPriority),
      ("MT-PRIORITY=1 mt-priority=1", .badPriority), ("MT-PRIORITYX=1", .unknownParameter),
      ("ENVID=1 ENVID=1", .badEnvelopeID), ("AUTH", .badSubmitter), ("AUTH=", .badSubmitter),
      ("AUTH=a+0D+0A@b", .badSubmitter), ("AUTH=a+00@b", .badSubmitter),
      ("AUTH=joe", .badSubmitter), ("AUTH=<a@b>", .badSubmitter), ("AUTH=<> AUTH=<>", .badSubmitter),
      ("FOO", .unknownParameter), ("FOO=1", .unknownParameter),
      ("=1", .unknownParameter), ("=", .unknownParameter), ("NOTIFY=NEVER", .unknownParameter),
      ("ORCPT=rfc822;a", .unknownParameter), ("SIZE=1,BODY=7BIT", .badSize),
      ("SMTPUTF8X", .unknownParameter), ("REQUIRETLS", .unknownParameter), ("HOLDFOR=1", .unknownParameter),
      ("XVERP", .unknownParameter),
    ] as [(String, SMTPReply)])
  func refuses(text: String, reply: SMTPReply) {
    #expect(refusal("MAIL FROM:<a@b> " + text) == reply)
    #expect(refusal("MAIL FROM:<a@b> SIZE=2000 ".replacingSize(of: text) + text) == reply)
    #expect(reply.code == 555 || reply.code == 501)
    #expect(reply.enhancedCode?.description == "5.5.4")
  }

  @Test(arguments: [
    ("MAIL FROM:<ä@b>", true), ("MAIL FROM:<ä@b> SMTPUTF8", true), ("MAIL FROM:<a@bücher.example>", true),
    ("MAIL FROM:<a@b> SMTPUTF8", false),
    ("MAIL FROM:<a@xn--bcher-kva.example>", false), ("MAIL FROM:<a@b> AUTH=+C3+A4@b", false),
  ])
  func saysWhatNeedsSMTPUTF8(line: String, expected: Bool) throws {
    #expect(try #require(mail(line)).parameters.needsSMTPUTF8 == expected)
  }

  /// RFC 4954 §5 and RFC 3461 §4.4 set the limits.
  @Test(arguments: [("ENVID=", 100), ("ENVID=", 101)])
  func boundsENVID(keyword: String, count: Int) {
    let line = "MAIL FROM:<a@b> " + keyword + String(repeating: "x", count: count)
    #expect((mail(line) != nil) == (count <= 100))
  }

  @Test(arguments: [(499, true), (500, true), (501, false)])
  func boundsAUTH(count: Int, isValid: Bool) {
    // 64 octets of `+61` and a domain of as many.
    let local = String(repeating: "+61", count: 64)
    let label = String(repeating: "+62", count: 30)
    let domain = [label, label, label].joined(separator: ".")
    let front = local + "@" + domain + "."
    let text = front + String(repeating: "c", count: count - front.utf8.count)
    #expect(text.utf8.count == count)
    #expect((mail("MAIL FROM:<a@b> AUTH=" + text) != nil) == isValid)
  }
}

extension String {
  /// A parameter in front of `text`, unless that is the same.
  fileprivate func replacingSize(of text: String) -> String {
    text.hasPrefix("SIZE") ? "MAIL FROM:<a@b> RET=FULL " : self
  }
}

struct GrammarRecipientParameterTests {
  @Test func none() throws {
    let argument = try #require(recipient("RCPT TO:<a@b>"))
    #expect(argument == RecipientArgument(try #require(ForwardPath("a@b"))) && !argument.hasParameters)
  }

  /// RFC 3461 §10 and §4.
  @Test(arguments: [
    "NOTIFY=SUCCESS ORCPT=rfc822;Carol@Ivory.EDU", "orcpt=RFC822;Carol@Ivory.EDU  notify=success",
  ])
  func both(text: String) throws {
    let argument = try #require(recipient("RCPT TO:<Carol@Ivory.EDU> " + text))
    #expect(argument.parameters.notifications == .success)
    #expect(argument.parameters.originalRecipient?.description == "rfc822;Carol@Ivory.EDU")
    #expect(argument.used == .deliveryStatusNotifications && argument.hasParameters && !argument.needsSMTPUTF8)
  }

  @Test(
    arguments: [
      ("NOTIFY", .badNotifications), ("NOTIFY=", .badNotifications), ("NOTIFY=NEVER,SUCCESS", .badNotifications),
      ("NOTIFY=SUCCESS,SUCCESS", .badNotifications), ("NOTIFY=NEVER NOTIFY=NEVER", .badNotifications),
      ("NOTIFY=ALL", .badNotifications),
      ("ORCPT", .badOriginalRecipient), ("ORCPT=", .badOriginalRecipient), ("ORCPT=rfc822", .badOriginalRecipient),
      ("ORCPT=rfc822;a+0Ab", .badOriginalRecipient), ("ORCPT=rfc822;a ORCPT=rfc822;a", .badOriginalRecipient),
      ("ORCPT=rfc822;ä", .badOriginalRecipient), ("SIZE=1", .unknownParameter), ("SMTPUTF8", .unknownParameter),
      ("FOO", .unknownParameter),
      ("RRVS=2014-04-03T23:01:00Z", .unknownParameter), ("=", .unknownParameter),
    ] as [(String, SMTPReply)])
  func refuses(text: String, reply: SMTPReply) {
    #expect(refusal("RCPT TO:<a@b> " + text) == reply)
  }

  @Test func saysWhatNeedsSMTPUTF8() throws {
    #expect(try #require(recipient("RCPT TO:<ä@b>")).needsSMTPUTF8)
    #expect(try #require(recipient("RCPT TO:<a@b> ORCPT=utf-8;ä@b")).needsSMTPUTF8)
    #expect(!(try #require(recipient("RCPT TO:<a@b> ORCPT=utf-8;\\x{E4}@b")).needsSMTPUTF8))
  }

  @Test(arguments: [(499, true), (500, true), (501, false)])
  func boundsORCPT(count: Int, isValid: Bool) {
    let value = "rfc822;" + String(repeating: "a", count: count - 7)
    #expect((recipient("RCPT TO:<a@b> ORCPT=" + value) != nil) == isValid)
  }
}
