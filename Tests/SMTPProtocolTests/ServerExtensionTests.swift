import MailModel
import SMTPProtocol
import SMTPProtocolTesting
import Testing

/// Each extension in a dialogue, whole, octet by octet and coalesced; what the policy is told of it; and what it is where it
/// is not offered.
@Suite struct ServerExtensionTests {
  /// Plays `dialogue` behind AUTH, and gives the message that was accepted.
  private func message(
    _ dialogue: String, _ delivery: Transcript.Delivery
  ) async throws -> RecordingPolicy.Message {
    let (driver, policy) = try server()
    try await Transcript(authenticated + dialogue).run(driver, delivery: delivery)
    return try #require(policy.record.messages.first)
  }

  private static let content = """
    C: DATA
    S: 354 End data with <CR><LF>.<CR><LF>
    C: Subject: x
    C: .
    S: 250 2.0.0 Ok: queued as 1
    """

  @Test(arguments: Transcript.Delivery.allCases)
  func pipeliningAndSize(delivery: Transcript.Delivery) async throws {
    let message = try await message(
      """
      C: MAIL FROM:<a@example.com> SIZE=12
      C: RCPT TO:<b@example.org>
      C: RCPT TO:<c@example.org>
      S: 250 2.1.0 Ok
      S: 250 2.1.5 Ok
      S: 250 2.1.5 Ok

      """ + Self.content, delivery)
    #expect(message.request.declaredSize == 12)
    #expect(message.request.envelope.recipients.count == 2)
  }

  @Test(arguments: Transcript.Delivery.allCases)
  func eightBitMIME(delivery: Transcript.Delivery) async throws {
    let message = try await message(
      """
      C: MAIL FROM:<a@example.com> BODY=8BITMIME
      S: 250 2.1.0 Ok
      C: RCPT TO:<b@example.org>
      S: 250 2.1.5 Ok
      C: DATA
      S: 354 End data with <CR><LF>.<CR><LF>
      C: Subject: x
      C: 
      C: \\xC3\\xA4
      C: .
      S: 250 2.0.0 Ok: queued as 1
      """, delivery)
    #expect(message.request.envelope.parameters.bodyType == .eightBitMIME)
    #expect(message.content.contains(0xC3))
  }

  @Test(arguments: Transcript.Delivery.allCases)
  func internationalizedMail(delivery: Transcript.Delivery) async throws {
    let message = try await message(
      """
      C: MAIL FROM:<\\xC3\\xA4@example.com> SMTPUTF8 BODY=8BITMIME
      S: 250 2.1.0 Ok
      C: RCPT TO:<\\xC3\\xB6@b\\xC3\\xBCcher.example>
      S: 250 2.1.5 Ok

      """ + Self.content, delivery)
    #expect(message.request.envelope.parameters.isInternationalized)
    #expect(message.request.envelope.reversePath.description == "ä@example.com")
    #expect(message.request.envelope.recipients.first?.path.description.hasPrefix("ö@") == true)
    #expect(message.request.protocolKeyword == "UTF8SMTPSA")
  }

  @Test(arguments: Transcript.Delivery.allCases)
  func deliveryStatusNotifications(delivery: Transcript.Delivery) async throws {
    let message = try await message(
      """
      C: MAIL FROM:<a@example.com> RET=HDRS ENVID=QQ+2B314
      S: 250 2.1.0 Ok
      C: RCPT TO:<b@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+2Bx@example.org
      S: 250 2.1.5 Ok
      C: RCPT TO:<c@example.org> NOTIFY=NEVER
      S: 250 2.1.5 Ok
      C: RCPT TO:<d@example.org>
      S: 250 2.1.5 Ok

      """ + Self.content, delivery)
    let envelope = message.request.envelope
    #expect(envelope.parameters.returnedContent == .headers)
    #expect(envelope.parameters.envelopeID?.description == "QQ+314")
    #expect(envelope.recipients.map(\.parameters.notifications) == [[.success, .delay], .never, nil])
    #expect(envelope.recipients.first?.parameters.originalRecipient?.description == "rfc822;Bob+x@example.org")
  }

  @Test(arguments: Transcript.Delivery.allCases)
  func transferPriorities(delivery: Transcript.Delivery) async throws {
    let message = try await message(
      """
      C: MAIL FROM:<a@example.com> MT-PRIORITY=-9
      S: 250 2.1.0 Ok
      C: RSET
      S: 250 2.0.0 Ok
      C: MAIL FROM:<a@example.com> MT-PRIORITY=10
      S: 501 5.5.4 Syntax: MT-PRIORITY=number from -9 to 9, once
      C: MAIL FROM:<a@example.com> mt-priority=6
      S: 250 2.1.0 Ok
      C: RCPT TO:<b@example.org>
      S: 250 2.1.5 Ok

      """ + Self.content, delivery)
    #expect(message.request.envelope.parameters.priority == TransferPriority(6))
  }

  @Test(arguments: Transcript.Delivery.allCases)
  func chunking(delivery: Transcript.Delivery) async throws {
    let message = try await message(
      """
      C: MAIL FROM:<a@example.com>
      C: RCPT TO:<b@example.org>
      C: BDAT 14
      C: Subject: x
      C: 
      C: BDAT 12 LAST
      C: .dot
      C: .
      C: x
      C: NOOP
      S: 250 2.1.0 Ok
      S: 250 2.1.5 Ok
      S: 250 2.0.0 14 octets received
      S: 250 2.0.0 Ok: queued as 1
      S: 250 2.0.0 Ok
      """, delivery)
    #expect(String(decoding: message.content, as: UTF8.self) == "Subject: x\r\n\r\n.dot\r\n.\r\nx\r\n")
  }

  @Test(arguments: Transcript.Delivery.allCases)
  func submitter(delivery: Transcript.Delivery) async throws {
    let message = try await message(
      """
      C: MAIL FROM:<a@example.com> AUTH=e+3Dmc2@example.com
      S: 250 2.1.0 Ok
      C: RCPT TO:<b@example.org>
      S: 250 2.1.5 Ok

      """ + Self.content, delivery)
    #expect(message.request.envelope.parameters.submitter?.description == "e=mc2@example.com")
    #expect(message.request.identity == "username")
  }

  @Test(arguments: Transcript.Delivery.allCases)
  func initialResponseAndLimits(delivery: Transcript.Delivery) async throws {
    let (driver, _) = try server { $0.limits.recipients = 1 }
    try await Transcript(
      authenticated.replacing("RCPTMAX=50", with: "RCPTMAX=1") + """
        C: MAIL FROM:<a@example.com>
        S: 250 2.1.0 Ok
        C: RCPT TO:<b@example.org>
        S: 250 2.1.5 Ok
        C: RCPT TO:<c@example.org>
        S: 452 4.5.3 Too many recipients; send the rest in another message
        """
    ).run(driver, delivery: delivery)
  }

  static let choices: [(MailExtensions, String)] = [
    (.all, "8BITMIME SMTPUTF8 DSN MT-PRIORITY"), (.eightBitMIME, "8BITMIME"), (.smtpUTF8, ""), ([], ""),
    ([.smtpUTF8, .deliveryStatusNotifications], "DSN"), ([.eightBitMIME, .smtpUTF8], "8BITMIME SMTPUTF8"),
    (.transferPriorities, "MT-PRIORITY"),
  ]

  @Test(arguments: choices)
  func onlyWhatBothWantIsOffered(extensions: MailExtensions, expected: String) async throws {
    for isHostsChoice in [false, true] {
      var script = RecordingPolicy.Script()
      if !isHostsChoice { script.extensions = extensions }
      let (driver, _) = try server(security: .implicitTLS, script: script) {
        if isHostsChoice { $0.extensions = extensions }
      }
      _ = await driver.connect()
      let reply = await driver.send("EHLO x\r\n")
      let offered = ["8BITMIME", "SMTPUTF8", "DSN", "MT-PRIORITY"].filter { reply.contains("250-\($0)\r\n") }
      #expect(offered.joined(separator: " ") == expected)
      // Advertised or refused: nothing between.
      _ = await driver.send("AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\n")
      for (parameter, keyword) in [
        ("BODY=7BIT", "8BITMIME"), ("SMTPUTF8", "SMTPUTF8"), ("RET=FULL", "DSN"), ("ENVID=x", "DSN"),
        ("MT-PRIORITY=0", "MT-PRIORITY"),
      ] {
        let reply = await driver.send("RSET\r\nMAIL FROM:<a@example.com> \(parameter)\r\n")
        #expect(
          reply.hasSuffix(offered.contains(keyword) ? "250 2.1.0 Ok\r\n" : "555 5.5.4 Parameter not recognised\r\n"))
      }
      let recipient = await driver.send("RSET\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.org> NOTIFY=NEVER\r\n")
      #expect(
        recipient.hasSuffix(offered.contains("DSN") ? "250 2.1.5 Ok\r\n" : "555 5.5.4 Parameter not recognised\r\n"))
    }
  }

  @Test(arguments: [
    "MAIL FROM:<a@example.com> SIZE=1", "MAIL FROM:<a@example.com> BODY=8BITMIME", "MAIL FROM:<a@example.com> SMTPUTF8",
    "MAIL FROM:<a@example.com> AUTH=<>", "MAIL FROM:<a@example.com> MT-PRIORITY=0",
  ])
  func afterHELOThereAreNoParameters(command: String) async throws {
    let (driver, _) = try server(security: .implicitTLS) { $0.requiresAuthentication = false }
    _ = await driver.connect()
    _ = await driver.send("HELO x\r\n")
    #expect(await driver.send(command + "\r\n") == "555 5.5.4 Parameter not recognised\r\n")
    let plain = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org> NOTIFY=NEVER\r\n")
    #expect(plain == "250 2.1.0 Ok\r\n555 5.5.4 Parameter not recognised\r\n")
  }

  @Test func withoutAUTHThereIsNoSubmitter() async throws {
    let (driver, _) = try server(security: .plaintext) { $0.requiresAuthentication = false }
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\n")
    #expect(await driver.send("MAIL FROM:<> AUTH=<>\r\n") == "555 5.5.4 Parameter not recognised\r\n")
  }

  @Test func addressesBeyondASCIINeedSMTPUTF8() async throws {
    let (driver, _) = try server()
    try await Transcript(
      authenticated + """
        C: MAIL FROM:<\\xC3\\xA4@example.com>
        S: 553 5.6.7 Only US-ASCII in addresses without SMTPUTF8 behind MAIL
        C: MAIL FROM:<a@example.com>
        S: 250 2.1.0 Ok
        C: RCPT TO:<\\xC3\\xA4@example.com>
        S: 553 5.6.7 Only US-ASCII in addresses without SMTPUTF8 behind MAIL
        C: RCPT TO:<b@example.com>
        S: 250 2.1.5 Ok
        """
    ).run(driver)
  }

  @Test(arguments: [
    (ConnectionSecurity.plaintext, "HELO x", "", "SMTP"), (.plaintext, "EHLO x", "", "ESMTP"),
    (.plaintext, "EHLO x", " SMTPUTF8", "UTF8SMTP"), (.implicitTLS, "EHLO x", "", "ESMTPS"),
    (.implicitTLS, "HELO x", "", "ESMTPS"), (.implicitTLS, "EHLO x", " SMTPUTF8", "UTF8SMTPS"),
    (.implicitTLS, "EHLO x\r\nAUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk", "", "ESMTPSA"),
    (.implicitTLS, "EHLO x\r\nAUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk", " SMTPUTF8", "UTF8SMTPSA"),
  ])
  func protocolKeyword(
    security: ConnectionSecurity, hello: String, parameter: String, expected: String
  ) async throws {
    let (driver, policy) = try server(security: security) { $0.requiresAuthentication = false }
    _ = await driver.connect()
    _ = await driver.send(
      hello + "\r\nMAIL FROM:<a@example.com>\(parameter)\r\nRCPT TO:<b@example.org>\r\nDATA\r\n.\r\n")
    #expect(policy.record.messages.first?.request.protocolKeyword == expected)
  }

  @Test(arguments: [
    (1, 1, "250-LIMITS RCPTMAX=1 MAILMAX=1\r\n"), (999_999, 999_999, "250-LIMITS RCPTMAX=999999 MAILMAX=999999\r\n"),
    (1_000_000, 5, "250-LIMITS MAILMAX=5\r\n"), (5, 0, "250-LIMITS RCPTMAX=5\r\n"), (0, .max, ""),
  ])
  func limitsAreToldAsFarAsTheyCanBe(recipients: Int, messages: Int, expected: String) async throws {
    for advertises in [true, false] {
      let (driver, _) = try server(security: .implicitTLS) {
        $0.limits.recipients = recipients
        $0.limits.messages = messages
        $0.advertisesLimits = advertises
      }
      _ = await driver.connect()
      let lines = await driver.send("EHLO x\r\n").split(separator: "\r\n").filter { $0.contains("LIMITS") }
      #expect(lines.map { "\($0)\r\n" }.joined() == (advertises ? expected : ""))
    }
  }

  @Test func helpListsWhatIsTaken() async throws {
    let (driver, _) = try server()
    _ = await driver.connect()
    #expect(
      await driver.send("HELP\r\n")
        == "214 2.0.0 Commands: EHLO HELO STARTTLS MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT (RFC 5321, RFC 6409)\r\n"
    )
    let (secured, _) = try server(security: .implicitTLS) { $0.offersChunking = false }
    _ = await secured.connect()
    #expect(
      await secured.send("HELP\r\n")
        == "214 2.0.0 Commands: EHLO HELO AUTH MAIL RCPT DATA RSET NOOP VRFY HELP QUIT (RFC 5321, RFC 6409)\r\n")
  }

  @Test(arguments: [
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\n", "get /", "CONNECT x:25 HTTP/1.1\r\n", "SSH-2.0-x\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "\u{16}\u{3}\u{1}\n", "PROPFIND / HTTP/1.1\r\n",
  ])
  func otherProtocolsEndTheConnection(input: String) async throws {
    for security in [ConnectionSecurity.startTLSRequired, .implicitTLS] {
      let (driver, _) = try server(security: security)
      _ = await driver.connect()
      let replies = await driver.send(input + "MAIL FROM:<a@example.com>\r\n")
      #expect(replies == "502 5.5.1 This is SMTP, and you speak something else; closing the connection\r\n")
      #expect(driver.isClosed)
    }
  }
}
