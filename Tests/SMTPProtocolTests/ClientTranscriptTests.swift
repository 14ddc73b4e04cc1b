import MailModel
import Testing

@testable import SMTPProtocol

@Suite("A client's dialogues")
struct ClientTranscriptTests {
  @Test(arguments: ClientTranscript.all, ClientTranscript.Cut.allCases)
  func dialogue(_ transcript: ClientTranscript, _ cut: ClientTranscript.Cut) {
    let (harness, said) = transcript.run(cut)
    #expect(said == transcript.exchanges().map { $0.client.joined() })
    #expect(
      harness.outcomes == transcript.outcomes + (transcript.failure != nil && transcript.outcomes.isEmpty ? [[]] : []))
    #expect(harness.failure == transcript.failure)
    #expect(harness.stage == transcript.stage)
  }
}

extension SMTPReply {
  static func of(_ text: String) -> SMTPReply {
    var reader = ReplyReader()
    var offset = 0
    let octets = Array("\(text)\r\n".utf8)
    guard case .reply(let reply) = reader.next(octets.span, from: &offset, limits: ClientLimits()) else {
      return SMTPReply(299, nil, "no reply: \(text)")
    }
    return reply
  }
}

extension ClientOutcome {
  static func accepted(_ text: String) -> ClientOutcome { .accepted(.of(text)) }
  static func refused(_ text: String, at stage: ClientStage) -> ClientOutcome { .refused(.of(text), at: stage) }
}

extension ClientFailure {
  static func refused(_ text: String, at stage: ClientStage) -> ClientFailure {
    ClientFailure(.refused(.of(text)), at: stage)
  }
}

extension ClientTranscript {
  static let all = opening + transactions + endings + grouped + chunked + extended

  private static let opportunisticTLS = """
    S: 220 mx.example
    C: EHLO client.example
    S: 250-mx.example
    S: 250 STARTTLS
    C: STARTTLS
    S: 220 go
    C: EHLO client.example
    S: 250-mx.example
    S: 250 AUTH PLAIN
    """

  static let opening: [ClientTranscript] = [
    ClientTranscript(
      name: "EHLO refused, HELO taken",
      transactions: [.test(to: "b@example.org", size: 22)],
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 502 5.5.1 what?
        C: HELO client.example
        S: 250 mx.example
        C: MAIL FROM:<a@example.com>
        S: 250 ok
        C: RCPT TO:<b@example.org>
        """, stage: .recipient),
    ClientTranscript(
      name: "EHLO refused for the time being",
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 451 4.3.0 later
        """, failure: .refused("451 4.3.0 later", at: .hello), stage: .quit),
    ClientTranscript(
      name: "EHLO refused, but TLS is required",
      configuration: .test(.required),
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 502 5.5.1 what?
        """, failure: .refused("502 5.5.1 what?", at: .hello), stage: .quit),
    ClientTranscript(
      name: "HELO refused too",
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 502 5.5.1 what?
        C: HELO client.example
        S: 550 5.7.1 no
        """, failure: .refused("550 5.7.1 no", at: .hello), stage: .quit),
    ClientTranscript(
      name: "refused at the greeting",
      lines: "S: 554-no SMTP\nS: 554 here",
      failure: ClientFailure(.refused(SMTPReply(554, nil, lines: ["no SMTP", "here"])), at: .greeting), stage: .quit),
    ClientTranscript(
      name: "421 at the greeting",
      lines: "S: 421 4.3.2 busy", failure: .refused("421 4.3.2 busy", at: .greeting), stage: .quit),
    ClientTranscript(
      name: "STARTTLS, AUTH PLAIN",
      configuration: .test(.required, user: "user"),
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250-auth LOGIN
        S: 250 starttls
        C: STARTTLS
        S: 220 2.0.0 go
        C: EHLO client.example
        S: 250-mx.example
        S: 250 AUTH LOGIN PLAIN
        C: AUTH PLAIN AHVzZXIAc2VjcmV0
        S: 235 2.7.0 welcome
        """, stage: .idle),
    ClientTranscript(
      name: "AUTH as it was offered before RFC 2554",
      configuration: .test(.none, user: "user", inClear: true),
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250 AUTH=LOGIN PLAIN
        C: AUTH PLAIN AHVzZXIAc2VjcmV0
        S: 235 2.7.0 welcome
        """, stage: .idle),
    ClientTranscript(
      name: "AUTH LOGIN",
      configuration: .test(.none, user: "user", inClear: true),
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250 AUTH LOGIN CRAM-MD5
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: dXNlcg==
        S: 334 UGFzc3dvcmQ6
        C: c2VjcmV0
        S: 235 2.7.0 welcome
        """, stage: .idle),
    ClientTranscript(
      name: "AUTH PLAIN, too long for an initial response",
      configuration: .test(.none, user: "user", password: String(repeating: "p", count: 367), inClear: true),
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250 AUTH PLAIN
        C: AUTH PLAIN
        S: 334
        C: \("AHVzZXIA" + String(repeating: "cHBw", count: 122) + "cA==")
        S: 235 2.7.0 welcome
        """, stage: .idle),
    ClientTranscript(
      name: "AUTH refused",
      configuration: .test(.none, user: "user", inClear: true),
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250 AUTH PLAIN
        C: AUTH PLAIN AHVzZXIAc2VjcmV0
        S: 535 5.7.8 no
        """, failure: .refused("535 5.7.8 no", at: .authentication), stage: .quit),
    ClientTranscript(
      name: "AUTH asks for more than there is",
      configuration: .test(.none, user: "user", inClear: true),
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250 AUTH PLAIN
        C: AUTH PLAIN AHVzZXIAc2VjcmV0
        S: 334 bW9yZQ==
        """, failure: ClientFailure(.protocolError("AUTH asks for more than its mechanism has"), at: .authentication),
      stage: .quit),
    ClientTranscript(
      name: "no mechanism in common",
      configuration: .test(.none, user: "user", inClear: true),
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250 AUTH CRAM-MD5
        """, failure: ClientFailure(.authenticationNotOffered, at: .authentication), stage: .quit),
    ClientTranscript(
      name: "no credentials without TLS",
      configuration: .test(.opportunistic, user: "user"),
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250 AUTH PLAIN
        """, failure: ClientFailure(.authenticationWithoutTLS, at: .authentication), stage: .quit),
    ClientTranscript(
      name: "no credentials for whoever has any certificate",
      configuration: .test(.opportunistic, user: "user"),
      lines: opportunisticTLS,
      failure: ClientFailure(.authenticationWithoutTLS, at: .authentication), stage: .quit),
    ClientTranscript(
      name: "credentials for whoever has any certificate",
      configuration: .test(.opportunistic, user: "user", inClear: true),
      lines: opportunisticTLS + "\nC: AUTH PLAIN AHVzZXIAc2VjcmV0", stage: .authentication),
    ClientTranscript(
      name: "TLS required, not offered",
      configuration: .test(.required),
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 250 mx.example
        """, failure: ClientFailure(.tlsNotOffered, at: .startTLS), stage: .quit),
    ClientTranscript(
      name: "TLS required, refused",
      configuration: .test(.required),
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250 STARTTLS
        C: STARTTLS
        S: 454 4.7.0 later
        """, failure: .refused("454 4.7.0 later", at: .startTLS), stage: .quit),
    ClientTranscript(
      name: "TLS opportunistic, refused",
      configuration: .test(.opportunistic),
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250 STARTTLS
        C: STARTTLS
        S: 454 4.7.0 later
        """, stage: .idle),
    ClientTranscript(
      name: "TLS opportunistic, not offered",
      configuration: .test(.opportunistic),
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 250 mx.example
        """, stage: .idle),
    ClientTranscript(
      name: "TLS not wanted",
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250 STARTTLS
        """, stage: .idle),
    ClientTranscript(
      name: "TLS from the first octet",
      configuration: .test(.implicit),
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 250-mx.example
        S: 250 STARTTLS
        """, stage: .idle),
  ]
}
