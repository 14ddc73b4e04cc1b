import MailModel

@testable import SMTPProtocol

extension ClientTranscript {
  /// DATA in the group of MAIL and RCPT, and RSET before it (RFC 2920).
  static let grouped: [ClientTranscript] = [
    ClientTranscript(
      name: "two messages, each in one group",
      configuration: .pipelining,
      transactions: [.test(to: "b@example.org", "c@example.org"), .test(to: "d@example.org")],
      lines: ready("PIPELINING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        C: RCPT TO:<c@example.org>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 550 5.1.1 unknown
        S: 354 go
        C: Subject: x
        C:
        C: hello
        C: .
        S: 250 2.0.0 queued
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<d@example.org>
        C: DATA
        """,
      outcomes: [[.accepted("250 2.0.0 queued"), .refused("550 5.1.1 unknown", at: .recipient)]], stage: .sender),
    ClientTranscript(
      name: "a group for a server without PIPELINING",
      configuration: .pipelining,
      transactions: [.test(to: "b@example.org")],
      lines: ready() + """
        C: MAIL FROM:<a@example.com>
        S: 250 ok
        C: RCPT TO:<b@example.org>
        S: 250 ok
        C: DATA
        """, stage: .data),
    ClientTranscript(
      name: "a group whose recipients are all refused, and DATA with them; RSET in the next group",
      configuration: .pipelining,
      transactions: [.test(to: "b@example.org", "c@example.org"), .test(to: "d@example.org")],
      lines: ready("PIPELINING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        C: RCPT TO:<c@example.org>
        C: DATA
        S: 250 ok
        S: 550 5.1.1 unknown
        S: 450 4.2.1 busy
        S: 554 5.5.1 nobody
        C: RSET
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<d@example.org>
        C: DATA
        S: 250 reset
        S: 250 ok
        S: 250 ok
        S: 354 go
        C: Subject: x
        C:
        C: hello
        C: .
        S: 250 2.0.0 queued
        """,
      outcomes: [
        [.refused("550 5.1.1 unknown", at: .recipient), .refused("450 4.2.1 busy", at: .recipient)],
        [.accepted("250 2.0.0 queued")],
      ], stage: .idle),
    ClientTranscript(
      name: "354 for nobody gets an empty message",
      configuration: .pipelining,
      transactions: [.test(to: "b@example.org"), .test(to: "c@example.org")],
      lines: ready("PIPELINING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        C: DATA
        S: 250 ok
        S: 550 5.1.1 unknown
        S: 354 go
        C: .
        S: 554 5.5.1 nobody
        C: RSET
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<c@example.org>
        C: DATA
        """, outcomes: [[.refused("550 5.1.1 unknown", at: .recipient)]], stage: .reset),
    ClientTranscript(
      name: "354 for nobody, and the empty message is taken: refused all the same",
      configuration: .pipelining,
      transactions: [.test(to: "b@example.org")],
      lines: ready("PIPELINING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        C: DATA
        S: 250 ok
        S: 550 5.1.1 unknown
        S: 354 go
        C: .
        S: 250 2.0.0 queued
        """, outcomes: [[.refused("550 5.1.1 unknown", at: .recipient)]], stage: .idle),
    ClientTranscript(
      name: "MAIL refused, and all else of the group taken",
      configuration: .pipelining,
      transactions: [.test(to: "b@example.org", "c@example.org")],
      lines: ready("PIPELINING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        C: RCPT TO:<c@example.org>
        C: DATA
        S: 450 4.7.1 later
        S: 250 ok
        S: 250 ok
        S: 354 go
        C: .
        S: 250 2.0.0 queued
        """,
      outcomes: [[.refused("450 4.7.1 later", at: .sender), .refused("450 4.7.1 later", at: .sender)]], stage: .idle),
    ClientTranscript(
      name: "MAIL refused, and all else of the group",
      configuration: .pipelining,
      transactions: [.test(to: "b@example.org")],
      lines: ready("PIPELINING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        C: DATA
        S: 550 5.7.1 no
        S: 503 5.5.1 no MAIL
        S: 503 5.5.1 no MAIL
        """, outcomes: [[.refused("550 5.7.1 no", at: .sender)]], stage: .idle),
    ClientTranscript(
      name: "DATA of a group refused",
      configuration: .pipelining,
      transactions: [.test(to: "b@example.org", "c@example.org")],
      lines: ready("PIPELINING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        C: RCPT TO:<c@example.org>
        C: DATA
        S: 250 ok
        S: 550 5.1.1 unknown
        S: 250 ok
        S: 451 4.3.0 later
        """,
      outcomes: [[.refused("550 5.1.1 unknown", at: .recipient), .refused("451 4.3.0 later", at: .data)]], stage: .idle),
    ClientTranscript(
      name: "354 one reply too early",
      configuration: .pipelining,
      transactions: [.test(to: "b@example.org", "c@example.org")],
      lines: ready("PIPELINING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        C: RCPT TO:<c@example.org>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go
        """,
      outcomes: [
        Array(
          repeating: .interrupted(ClientFailure(.protocolError("unexpected reply 354"), at: .recipient)), count: 2)
      ], failure: ClientFailure(.protocolError("unexpected reply 354"), at: .recipient), stage: .quit),
    ClientTranscript(
      name: "a group answered with one reply too many",
      configuration: .pipelining,
      transactions: [.test(to: "b@example.org")],
      content: "",
      lines: ready("PIPELINING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go
        C: .
        S: 354 go on
        """,
      outcomes: [[.interrupted(ClientFailure(.protocolError("unexpected reply 354"), at: .endOfContent))]],
      failure: ClientFailure(.protocolError("unexpected reply 354"), at: .endOfContent), stage: .quit),
    ClientTranscript(
      name: "RSET of a group refused",
      transactions: [.test(to: "b@example.org"), .test(to: "c@example.org")],
      lines: ready("PIPELINING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        S: 250 ok
        S: 550 5.1.1 unknown
        C: RSET
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<c@example.org>
        S: 502 5.5.1 what?
        """,
      outcomes: [[.refused("550 5.1.1 unknown", at: .recipient)], [.refused("502 5.5.1 what?", at: .reset)]],
      failure: .refused("502 5.5.1 what?", at: .reset), stage: .quit),
  ]
}
