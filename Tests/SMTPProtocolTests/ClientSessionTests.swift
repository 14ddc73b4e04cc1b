import MailModel
import Testing

@testable import SMTPProtocol

@Suite("A client's session")
struct ClientSessionTests {
  // MARK: STARTTLS

  @Test(arguments: ["250-mx.example\r\n250 AUTH PLAIN\r\n", "2", "\r\n", "\u{16}\u{3}\u{1}"])
  func octetsBehindStartTLSEndTheSession(_ injected: String) {
    let harness = ClientHarness(.test(.required, user: "user"))
    harness.open("STARTTLS")
    let before = harness.said
    harness.hear("220 go\r\n" + injected)
    #expect(
      harness.actions == [
        .failed(
          ClientFailure(.protocolError("octets in clear came behind the reply to STARTTLS"), at: .handshake), [])
      ])
    #expect(harness.said == before)
  }

  @Test func whatWasOfferedBeforeTLSIsForgotten() {
    let harness = ClientHarness(.test(.required), [.test(to: "b@example.org", size: 5)])
    harness.open("STARTTLS", "PIPELINING", "SIZE")
    harness.hear("220 go\r\n")
    harness.hear("250 mx.example\r\n")
    #expect(harness.said.hasSuffix("STARTTLS\r\nEHLO client.example\r\nMAIL FROM:<a@example.com>\r\n"))
  }

  @Test func tlsThatFailsEndsTheSession() {
    var session = ClientSession(configuration: .test(.implicit))
    #expect(session.start(at: .zero) == .startTLS)
    #expect(session.stage == .handshake)
    let failure = ClientFailure(.tlsFailed("certificate has expired"), at: .handshake)
    #expect(session.fail(failure.reason) == .failed(failure, []))
    #expect(session.stage == .quit)
    #expect(session.fail(.connectionLost("closed")) == .close)
  }

  @Test func octetsBeforeTLSStandsAreNotHeard() {
    var session = ClientSession(configuration: .test(.implicit))
    _ = session.start(at: .zero)
    var output: [UInt8] = []
    let step = session.receive(Array("220 mx\r\n".utf8).span, at: .zero, output: &output)
    #expect(
      step.action
        == .failed(ClientFailure(.protocolError("octets in clear came before TLS stood"), at: .handshake), []))
    #expect(output.isEmpty)
  }

  // MARK: Ends

  @Test func aConnectionThatBreaksAfterTheLastDotLeavesTheOutcomeUnknown() {
    let harness = ClientHarness(.test, [.test(to: "b@example.org", "c@example.org")], content: "x\r\n")
    harness.open("PIPELINING")
    harness.hear("250 ok\r\n250 ok\r\n550 5.1.1 unknown\r\n")
    harness.hear("354 go\r\n")
    #expect(harness.stage == .endOfContent)
    let failure = ClientFailure(.connectionLost("closed"), at: .endOfContent)
    #expect(
      harness.session.fail(failure.reason)
        == .failed(failure, [.interrupted(failure), .refused("550 5.1.1 unknown", at: .recipient)]))
    #expect(failure.description.hasSuffix("whether it took the message is unknown"))
  }

  @Test func aRefusalOfTheContentLeavesNothingUnknown() {
    #expect(
      ClientFailure.refused("421 4.3.2 going", at: .endOfContent).description
        == "answered end of content with 421 4.3.2")
    #expect(
      ClientFailure(.timeout, at: .endOfContent).description
        == "took too long at end of content; whether it took the message is unknown")
  }

  /// From AUTH on a server may repeat credentials, then addresses.
  @Test func aServersWordsAreShownUpToSTARTTLS() {
    for stage in [ClientStage.greeting, .hello, .startTLS] {
      #expect(ClientFailure.refused("554 5.7.1 no SMTP", at: stage).description.hasSuffix(" with 554 5.7.1 no SMTP"))
    }
    for stage in [
      ClientStage.authentication, .idle, .reset, .sender, .recipient, .data, .content, .endOfContent, .quit,
    ] {
      #expect(ClientFailure.refused("554 5.7.1 not b@example.org", at: stage).description.hasSuffix(" with 554 5.7.1"))
      #expect(ClientFailure.refused("554 not b@example.org", at: stage).description.hasSuffix(" with 554"))
    }
  }

  /// RFC 5321 §3.2: HELO is for servers that do not know EHLO.
  @Test(arguments: [500, 501, 502, 503, 504, 521, 530, 550, 554])
  func onlyAnUnknownCommandMakesUsSayHELO(_ code: Int) {
    let harness = ClientHarness()
    harness.hear("220 mx\r\n")
    harness.hear("\(code) no\r\n")
    if [500, 502, 504].contains(code) {
      #expect(harness.said == "EHLO client.example\r\nHELO client.example\r\n")
      #expect(harness.failure == nil)
    } else {
      #expect(harness.said == "EHLO client.example\r\n")
      #expect(harness.failure == .refused("\(code) no", at: .hello))
    }
  }

  @Test func aDowngradeIsKnown() {
    for (reply, security, isDowngrade) in [
      ("454 4.7.0 later", ClientSecurity.opportunistic, true), ("502 5.5.1 what?", .opportunistic, true),
      ("220 go", .opportunistic, false), ("454 4.7.0 later", .required, false),
    ] {
      let harness = ClientHarness(.test(security))
      harness.open("STARTTLS")
      harness.hear(reply + "\r\n")
      #expect(harness.session.downgrade == (isDowngrade ? .refused(reply, at: .startTLS) : nil))
    }
  }

  @Test(arguments: ["250 2.0.0 kept\r\n", "334 more\r\n", "552 5.3.4 too large\r\n"])
  func aReplyWhileContentIsComingEndsTheSession(_ reply: String) {
    var session = ClientSession(configuration: .test)
    var output: [UInt8] = []
    func hear(_ text: String) -> ClientAction {
      session.receive(Array(text.utf8).span, at: .zero, output: &output).action
    }
    _ = session.start(at: .zero)
    _ = hear("220 mx\r\n")
    #expect(hear("250 mx\r\n") == .ready)
    _ = session.begin(.test(to: "b@example.org"), at: .zero, output: &output)
    _ = hear("250 ok\r\n")
    _ = hear("250 ok\r\n")
    #expect(hear("354 go\r\n") == .sendContent)
    #expect(session.writeContent(Array("abc\r\n".utf8).span, at: .zero, output: &output) == .read)
    guard case .failed(let failure, let outcomes) = hear(reply) else {
      Issue.record("the session goes on")
      return
    }
    #expect(failure.stage == .content)
    if reply.hasPrefix("552") {
      #expect(outcomes == [.refused("552 5.3.4 too large", at: .content)])
    } else {
      #expect(outcomes == [.interrupted(failure)])
    }
    // The driver may not have noticed yet.
    let length = output.count
    #expect(session.writeContent(Array("abc\r\n".utf8).span, at: .zero, output: &output) == .close)
    #expect(session.finishContent(at: .zero, output: &output) == .close)
    #expect(output.count == length)
  }

  @Test(arguments: ["221 2.0.0 bye\r\n", "421 4.3.2 bye\r\n", "500 what?\r\n", "nonsense\r\n"])
  func nothingThatAnswersQuitMatters(_ answer: String) {
    let harness = ClientHarness()
    harness.open()
    #expect(harness.session.quit(at: .zero, output: &harness.output) == .read)
    #expect(harness.said.hasSuffix("\r\nQUIT\r\n"))
    #expect(harness.stage == .quit)
    harness.hear(answer)
    #expect(harness.actions == [.ready, .close])
  }

  // MARK: Time

  @Test func everyStageHasItsTime() {
    let harness = ClientHarness(.test, [.test(to: "b@example.org", "c@example.org")], content: "x\r\n")
    func expectTime(_ duration: Duration, _ stage: ClientStage) {
      #expect(harness.stage == stage)
      #expect(harness.session.nextDeadline == harness.now.advanced(by: duration), "\(stage)")
      harness.now = harness.now.advanced(by: .seconds(1))
    }
    expectTime(.seconds(300), .greeting)
    harness.hear("220 mx\r\n")
    expectTime(.seconds(300), .hello)
    harness.hear("250-mx\r\n250 PIPELINING\r\n")
    expectTime(.seconds(300), .sender)
    harness.hear("250 ok\r\n")
    expectTime(.seconds(300), .recipient)
    harness.hear("250 ok\r\n")
    expectTime(.seconds(300), .recipient)
    harness.hear("250 ok\r\n")
    expectTime(.seconds(120), .data)
    harness.hear("354 go\r\n")
    expectTime(.seconds(600), .endOfContent)
    harness.hear("250 kept\r\n")
    #expect(harness.session.nextDeadline == nil)
    #expect(harness.session.expire(at: MonotonicInstant(nanoseconds: .max)) == .read)
    _ = harness.session.quit(at: harness.now, output: &harness.output)
    expectTime(.seconds(10), .quit)
    #expect(harness.session.expire(at: harness.now.advanced(by: .seconds(9))) == .close)
  }

  @Test func aDeadlineIsTheFirstInstantThatIsTooLate() {
    var session = ClientSession(configuration: .test)
    _ = session.start(at: .zero)
    let deadline = session.nextDeadline ?? .zero
    #expect(session.expire(at: MonotonicInstant(nanoseconds: deadline.nanoseconds - 1)) == .read)
    #expect(session.stage == .greeting)
    #expect(session.expire(at: deadline) == .failed(ClientFailure(.timeout, at: .greeting), []))
  }

  @Test func aServerThatDripsALongReplyGainsNoTime() {
    let harness = ClientHarness()
    let deadline = harness.session.nextDeadline
    harness.now = harness.now.advanced(by: .seconds(299))
    harness.hear("220-mx\r\n220-")
    #expect(harness.session.nextDeadline == deadline)
    #expect(harness.session.expire(at: deadline ?? .zero) != .read)
  }

  @Test func eachBlockOfContentHasItsTime() {
    var session = ClientSession(configuration: .test)
    var output: [UInt8] = []
    _ = session.start(at: .zero)
    for text in ["220 mx\r\n", "250 mx\r\n"] { _ = session.receive(Array(text.utf8).span, at: .zero, output: &output) }
    _ = session.begin(.test(to: "b@example.org"), at: .zero, output: &output)
    for text in ["250 ok\r\n", "250 ok\r\n", "354 go\r\n"] {
      _ = session.receive(Array(text.utf8).span, at: .zero, output: &output)
    }
    #expect(session.nextDeadline == .zero.advanced(by: .seconds(180)))
    let later = MonotonicInstant.zero.advanced(by: .seconds(100))
    _ = session.writeContent(Array("abc".utf8).span, at: later, output: &output)
    #expect(session.nextDeadline == later.advanced(by: .seconds(180)))
    let failure = ClientFailure(.timeout, at: .content)
    #expect(
      session.expire(at: later.advanced(by: .seconds(180))) == .failed(failure, [.interrupted(failure)]))
  }

  // MARK: Values

  @Test func credentialsAreCheckedAndNeverShown() {
    let longest = String(repeating: "x", count: 4_096)
    #expect(ClientCredentials(username: longest, password: longest) != nil)
    #expect(ClientCredentials(username: longest + "x", password: "p") == nil)
    #expect(ClientCredentials(username: "u", password: longest + "x") == nil)
    #expect(ClientCredentials(username: "", password: "p") == nil)
    #expect(ClientCredentials(username: "u", password: "") == nil)
    #expect(ClientCredentials(username: "u\0v", password: "p") == nil)
    #expect(ClientCredentials(username: "u", password: "p\0") == nil)
    let credentials = ClientCredentials(username: "somebody", password: "geheim")
    var shown = "\(String(describing: credentials)) \(String(reflecting: credentials))"
    dump(credentials, to: &shown)
    dump(ClientConfiguration.test(.none, user: "somebody", password: "geheim"), to: &shown)
    #expect(!shown.contains("geheim") && !shown.contains("somebody") && !shown.contains("103"))
  }
}

extension MonotonicInstant {
  static let zero = MonotonicInstant(nanoseconds: 0)
}
