import MailModel
import SMTPProtocol
import SMTPProtocolTesting
import Testing

/// A server as the documents describe it, and a policy that accepts everything.
func server(
  security: ConnectionSecurity = .startTLSRequired, script: RecordingPolicy.Script = .init(),
  change: (inout ServerConfiguration) -> Void = { _ in }
) throws -> (SessionDriver<RecordingPolicy>, RecordingPolicy) {
  var configuration = ServerConfiguration(hostName: try #require(DomainName("mail.example.net")))
  configuration.security = security
  change(&configuration)
  let policy = RecordingPolicy(script)
  let client = SocketEndpoint(address: .v4(0x7F00_0001), port: 40_000)
  let tls = security == .implicitTLS ? TLSFacts(version: "TLSv1.3") : nil
  let driver = SessionDriver(
    policy: policy, configuration: configuration, connection: ConnectionFacts(client: client), tls: tls)
  return (driver, policy)
}

/// The dialogue up to where commands count.
let opening = """
  S: 220 mail.example.net ESMTP
  C: EHLO client.example.org
  S: 250-mail.example.net
  S: 250-PIPELINING
  S: 250-SIZE 31457280
  S: 250-8BITMIME
  S: 250-SMTPUTF8
  S: 250-CHUNKING
  S: 250-DSN
  S: 250-MT-PRIORITY
  S: 250-STARTTLS
  S: 250-LIMITS RCPTMAX=50 MAILMAX=1000
  S: 250 ENHANCEDSTATUSCODES
  C: STARTTLS
  S: 220 2.0.0 Ready to start TLS
  C: <TLS>
  C: EHLO client.example.org
  S: 250-mail.example.net
  S: 250-PIPELINING
  S: 250-SIZE 31457280
  S: 250-8BITMIME
  S: 250-SMTPUTF8
  S: 250-CHUNKING
  S: 250-DSN
  S: 250-MT-PRIORITY
  S: 250-AUTH PLAIN LOGIN
  S: 250-LIMITS RCPTMAX=50 MAILMAX=1000
  S: 250 ENHANCEDSTATUSCODES

  """

let authenticated =
  opening + """
    C: AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk
    S: 235 2.7.0 Authentication successful

    """

@Suite struct ServerTranscriptTests {
  @Test(arguments: Transcript.Delivery.allCases)
  func theDocumentsTranscript(delivery: Transcript.Delivery) async throws {
    let (driver, policy) = try server()
    let transcript = try Transcript(
      """
      S: 220 mail.example.net ESMTP
      C: EHLO localhost
      S: 250-mail.example.net
      S: 250-PIPELINING
      S: 250-SIZE 31457280
      S: 250-8BITMIME
      S: 250-SMTPUTF8
      S: 250-CHUNKING
      S: 250-DSN
      S: 250-MT-PRIORITY
      S: 250-STARTTLS
      S: 250-LIMITS RCPTMAX=50 MAILMAX=1000
      S: 250 ENHANCEDSTATUSCODES
      C: STARTTLS
      S: 220 2.0.0 Ready to start TLS
      C: <TLS>
      C: auth login
      S: 334 VXNlcm5hbWU6
      C: dXNlcm5hbWU=
      S: 334 UGFzc3dvcmQ6
      C: cGFzc3dvcmQ=
      S: 235 2.7.0 Authentication successful
      C: mail from: mailer@example.com
      S: 250 2.1.0 Ok
      C: rcpt to: recipient@test.com
      S: 250 2.1.5 Ok
      C: data
      S: 354 End data with <CR><LF>.<CR><LF>
      C: from: Mailer <mailer@example.com>
      C: to: Recipient <recipent@test.com>
      C: Subject: IBM Cloud Event Notifications SMTP interface
      C: Get the all events securely from IBM EN SMTP Interface
      C: .
      S: 250 2.0.0 Ok: queued as 1
      C: quit
      S: 221 2.0.0 Bye
      """)
    try await transcript.run(driver, delivery: delivery)
    let message = try #require(policy.record.messages.first)
    #expect(message.request.envelope.reversePath.description == "mailer@example.com")
    #expect(message.request.envelope.recipients.map(\.path.description) == ["recipient@test.com"])
    #expect(message.request.clientName == nil)
    #expect(message.request.protocolKeyword == "ESMTPSA")
    #expect(String(decoding: message.content, as: UTF8.self).hasSuffix("EN SMTP Interface\r\n"))
    #expect(driver.isClosed)
  }

  /// Each fragment follows the opening, AUTH done; both ways of delivery.
  @Test(arguments: [
    // Order.
    "C: RCPT TO:<a@example.org>\nS: 503 5.5.1 Send MAIL first",
    "C: DATA\nS: 503 5.5.1 Send MAIL first",
    "C: MAIL FROM:<a@example.com>\nS: 250 2.1.0 Ok\nC: MAIL FROM:<a@example.com>\nS: 503 5.5.1 Sender already…",
    "C: MAIL FROM:<a@example.com>\nS: 250 2.1.0 Ok\nC: DATA\nS: 503 5.5.1 No valid recipient…",
    "C: AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\nS: 503 5.5.1 Already authenticated",
    "C: STARTTLS\nS: 503 5.5.1 TLS is already in use",
    // RSET and EHLO end a transaction.
    "C: MAIL FROM:<a@example.com>\nS: 250 2.1.0 Ok\nC: RSET\nS: 250 2.0.0 Ok\nC: RCPT TO:<b@example.org>\nS: 503 5.5.1…",
    "C: MAIL FROM:<a@example.com>\nS: 250 2.1.0 Ok\nC: HELO again\nS: 250 mail.example.net\nC: DATA\nS: 503 5.5.1…",
    // What is always taken.
    "C: noop anything\nS: 250 2.0.0 Ok\nC: HELP\nS: 214 2.0.0 …\nC: VRFY someone\nS: 252 2.0.0 …",
    "C: EXPN list\nS: 502 5.5.1 …",
    "C: MAIL   FROM:  <a@example.com>  \nS: 250 2.1.0 Ok",
    "C: mAiL fRoM:<a@example.com> bOdY=8bitmime size=10\nS: 250 2.1.0 Ok",
    "C: MAIL FROM:<> AUTH=<>\nS: 250 2.1.0 Ok\nC: RCPT TO:<Postmaster>\nS: 250 2.1.5 Ok",
    "C: MAIL FROM:<\"a b>\\\\\"c\"@example.com>\nS: 250 2.1.0 Ok",
    "C: MAIL FROM:<a@[192.0.2.1]>\nS: 250 2.1.0 Ok\nC: RCPT TO:<a@[IPv6:2001:db8::1]>\nS: 250 2.1.5 Ok",
    // Syntax.
    "C: EHLO\nS: 501 5.5.4 Syntax: EHLO hostname",
    "C: EHLO a b\nS: 501 5.5.4 Syntax: EHLO hostname",
    "C: MAIL\nS: 501 5.5.4 Syntax: MAIL FROM:<address>",
    "C: MAIL FROM:\nS: 501 5.1.7 Bad sender address…",
    "C: MAIL FROM:<a>\nS: 501 5.1.7 Bad sender address…",
    "C: MAIL FROM:<a@example.com>x\nS: 501 5.1.7 Bad sender address…",
    "C: MAIL FROM:<@relay.example:a@example.com>\nS: 553 5.1.7 No source routes…",
    "C: MAIL FROM:a@example.com SIZE=1\nS: 501 5.1.7 Bad sender address…",
    "C: MAIL FROM:\"a\"@example.com\nS: 501 5.1.7 Bad sender address…",
    "C: MAIL FROM:a@[192.0.2.1]\nS: 501 5.1.7 Bad sender address…",
    "C: MAIL FROM:<a@example.com> SIZE=1 SIZE=1\nS: 501 5.5.4 …",
    "C: MAIL FROM:<a@example.com> SIZE=\nS: 501 5.5.4 …",
    "C: MAIL FROM:<a@example.com> BODY=BINARYMIME\nS: 555 5.5.4 BINARYMIME is not offered; BODY is 7BIT or 8BITMIME",
    "C: MAIL FROM:<a@example.com> AUTH=a+0Ab\nS: 501 5.5.4 …",
    "C: MAIL FROM:<a@example.com> FOO=1\nS: 555 5.5.4 Parameter not recognised",
    "C: MAIL FROM:<a\\0@example.com>\nS: 501 5.5.4 No control…",
    "C: MAIL FROM:<a\\rb@example.com>\nS: 501 5.5.4 No control…",
    "C: MAIL FROM:<\\xC3\\xA4@example.com>\nS: 553 5.6.7 Only US-ASCII…",
    "C: MAIL FROM:<a@example.com>\nS: 250 2.1.0 Ok\nC: RCPT TO:<b@-example.org>\nS: 501 5.1.3 Bad recipient…",
    "C: MAIL FROM:<a@example.com>\nS: 250 2.1.0 Ok\nC: RCPT TO:<b@example.org> FOO=1\nS: 555 5.5.4 …",
    "C: MAIL FROM:<a@example.com>\nS: 250 2.1.0 Ok\nC: RCPT TO:<>\nS: 501 5.1.3 Bad recipient…",
    "C: DATA now\nS: 501 5.5.4 DATA takes no parameter",
    "C: XYZZY\nS: 500 5.5.2 Command not recognised",
    "C: \nS: 500 5.5.2 Command not recognised",
    "C: MAILX FROM:<a@example.com>\nS: 500 5.5.2 Command not recognised",
    "C: \\x80\\x81\nS: 500 5.5.2 Command not recognised",
    // Size.
    "C: MAIL FROM:<a@example.com> SIZE=31457279\nS: 250 2.1.0 Ok",
    "C: MAIL FROM:<a@example.com> SIZE=31457280\nS: 250 2.1.0 Ok",
    "C: MAIL FROM:<a@example.com> SIZE=31457281\nS: 552 5.3.4 …",
    "C: MAIL FROM:<a@example.com> SIZE=99999999999999999999\nS: 552 5.3.4 …",
    "C: MAIL FROM:<a@example.com> SIZE=999999999999999999999\nS: 501 5.5.4 …",
  ])
  func behindAUTH(fragment: String) async throws {
    for delivery in Transcript.Delivery.allCases {
      let (driver, policy) = try server()
      try await Transcript(authenticated + fragment + "\nC: QUIT\nS: 221 2.0.0 Bye").run(driver, delivery: delivery)
      #expect(policy.record.open == 0)
    }
  }

  @Test(arguments: [
    "C: AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk", "C: MAIL FROM:<a@example.com>", "C: RCPT TO:<a@example.com>", "C: DATA",
    "C: VRFY a", "C: EXPN a", "C: MAIL nonsense",
  ])
  func beforeTLS(command: String) async throws {
    let (driver, _) = try server()
    try await Transcript(
      """
      S: 220 mail.example.net ESMTP
      C: HELO x
      S: 250 mail.example.net
      \(command)
      S: 530 5.7.0 Must issue a STARTTLS command first
      C: NOOP
      S: 250 2.0.0 Ok
      """
    ).run(driver)
  }

  @Test(arguments: [
    "C: MAIL FROM:<a@example.com>\nS: 530 5.7.0 Authentication required",
    "C: AUTH PLAIN\nS: 334 \nC: AHVzZXJuYW1lAHBhc3N3b3Jk\nS: 235 2.7.0 Authentication successful",
    "C: AUTH LOGIN dXNlcm5hbWU=\nS: 334 UGFzc3dvcmQ6\nC: cGFzc3dvcmQ=\nS: 235 2.7.0 Authentication successful",
    "C: AUTH PLAIN AHVzZXJuYW1lAHdyb25n\nS: 535 5.7.8 Authentication credentials invalid",
    "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: *\nS: 501 5.7.0 Authentication cancelled\nC: NOOP\nS: 250 2.0.0 Ok",
    "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: not base64\nS: 501 5.5.2 Not valid base 64\nC: NOOP\nS: 250 2.0.0 Ok",
    "C: AUTH PLAIN A\nS: 501 5.5.2 Not valid base 64",
    "C: AUTH PLAIN ====\nS: 501 5.5.2 Not valid base 64",
    "C: AUTH PLAIN =\nS: 535 5.7.8 …",
    "C: AUTH CRAM-MD5\nS: 504 5.5.4 Unrecognised authentication mechanism",
    "C: AUTH\nS: 501 5.5.4 Syntax: AUTH mechanism [initial-response]",
    "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: =\nS: 501 5.5.2 …",
  ])
  func authentication(fragment: String) async throws {
    for delivery in Transcript.Delivery.allCases {
      let (driver, _) = try server()
      try await Transcript(opening + fragment).run(driver, delivery: delivery)
    }
  }

  @Test func aBareLineFeedEndsTheConnectionWithAHint() async throws {
    for line in ["EHLO x\\n\\", "AUTH LOGIN\\n\\"] {
      let (driver, _) = try server()
      try await Transcript(
        """
        S: 220 mail.example.net ESMTP
        C: \(line)
        S: 500 5.5.2 Lines must end in CRLF (openssl: add -crlf)
        """
      ).run(driver)
      #expect(driver.isClosed)
    }
  }

  @Test func aBareLineFeedWithinAUTH() async throws {
    let (driver, _) = try server()
    try await Transcript(
      opening + """
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: dXNlcm5hbWU=\\n\\
        S: 500 5.5.2 Lines must end in CRLF (openssl: add -crlf)
        """
    ).run(driver)
    #expect(driver.isClosed)
  }

  @Test func helloIsNeededWhereNoneCame() async throws {
    let (driver, _) = try server(security: .implicitTLS)
    try await Transcript(
      """
      S: 220 mail.example.net ESMTP
      C: MAIL FROM:<a@example.com>
      S: 503 5.5.1 Send EHLO first
      C: AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk
      S: 503 5.5.1 Send EHLO first
      C: EHLO x
      S: 250-mail.example.net
      S: 250-PIPELINING
      S: 250-SIZE 31457280
      S: 250-8BITMIME
      S: 250-SMTPUTF8
      S: 250-CHUNKING
      S: 250-DSN
      S: 250-MT-PRIORITY
      S: 250-AUTH PLAIN LOGIN
      S: 250-LIMITS RCPTMAX=50 MAILMAX=1000
      S: 250 ENHANCEDSTATUSCODES
      """
    ).run(driver)
  }

  @Test func theLenienciesAreNoWiderThanTheySay() async throws {
    let withoutHello = "C: <TLS>\nC: AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\n"
    let start = """
      S: 220 mail.example.net ESMTP
      C: HELO x
      S: 250 mail.example.net
      C: STARTTLS
      S: 220 2.0.0 Ready to start TLS

      """
    let (lenient, _) = try server()
    try await Transcript(
      start + withoutHello + """
        S: 235 2.7.0 Authentication successful
        C: MAIL FROM:<a@example.com> SIZE=1
        S: 503 5.5.1 Send EHLO after STARTTLS before using parameters
        C: MAIL FROM:<a@example.com>
        S: 250 2.1.0 Ok
        C: RCPT TO:<b@example.org> NOTIFY=NEVER
        S: 503 5.5.1 Send EHLO after STARTTLS before using parameters
        C: RCPT TO:b@example.org
        S: 250 2.1.5 Ok
        """
    ).run(lenient)
    let (strict, _) = try server {
      $0.acceptsMissingHelloAfterTLS = false
      $0.acceptsPathWithoutBrackets = false
    }
    try await Transcript(
      start + withoutHello + """
        S: 503 5.5.1 Send EHLO first
        C: HELO x
        S: 250 mail.example.net
        C: AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk
        S: 235 2.7.0 Authentication successful
        C: MAIL FROM:a@example.com
        S: 501 5.1.7 Bad sender address; syntax: MAIL FROM:<address>
        """
    ).run(strict)
  }

  @Test func aPipelinedGroupIsAnsweredInOrder() async throws {
    let (driver, policy) = try server(
      script: {
        var script = RecordingPolicy.Script()
        script.recipients["no@example.org"] = SMTPReply(550, EnhancedStatusCode("5.1.1"), "No such mailbox")
        return script
      }())
    try await Transcript(
      authenticated + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<yes@example.org>
        C: RCPT TO:<no@example.org>
        C: RCPT TO:<too@example.org>
        C: DATA
        S: 250 2.1.0 Ok
        S: 250 2.1.5 Ok
        S: 550 5.1.1 No such mailbox
        S: 250 2.1.5 Ok
        S: 354 End data with <CR><LF>.<CR><LF>
        C: Subject: x
        C: 
        C: ..stuffed
        C: .
        C: QUIT
        S: 250 2.0.0 Ok: queued as 1
        S: 221 2.0.0 Bye
        """
    ).run(driver)
    let message = try #require(policy.record.messages.first)
    #expect(message.request.envelope.recipients.map(\.path.description) == ["yes@example.org", "too@example.org"])
    #expect(String(decoding: message.content, as: UTF8.self) == "Subject: x\r\n\r\n.stuffed\r\n")
    #expect(message.request.clientName?.description == "client.example.org")
  }
}
