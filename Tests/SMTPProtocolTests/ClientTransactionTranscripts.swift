import MailModel

@testable import SMTPProtocol

extension ClientTranscript {
  /// A server that offers these extensions, up to the point where it is ready.
  static func ready(_ extensions: String...) -> String {
    let lines = ["mx.example"] + extensions
    return "S: 220 mx.example\nC: EHLO client.example\n"
      + lines.enumerated().map { "S: 250\($0.offset == lines.count - 1 ? " " : "-")\($0.element)\n" }.joined()
  }

  static let transactions: [ClientTranscript] = [
    ClientTranscript(
      name: "one command at a time",
      transactions: [.test(to: "b@example.org", "c@example.org", from: "", size: 22)],
      lines: ready() + """
        C: MAIL FROM:<>
        S: 250 ok
        C: RCPT TO:<b@example.org>
        S: 250 ok
        C: RCPT TO:<c@example.org>
        S: 251 will forward
        C: DATA
        S: 354 go
        C: Subject: x
        C:
        C: hello
        C: .
        S: 250 2.0.0 queued
        """, outcomes: [[.accepted("250 2.0.0 queued"), .accepted("250 2.0.0 queued")]], stage: .idle),
    ClientTranscript(
      name: "pipelined, with mixed results, SIZE and 8BITMIME",
      transactions: [
        .test(to: "b@example.org", "c@example.org", "postmaster", "d@[192.0.2.1]", body: .eightBitMIME, size: 22)
      ],
      lines: ready("PIPELINING", "SIZE 1000", "8BITMIME") + """
        C: MAIL FROM:<a@example.com> SIZE=22 BODY=8BITMIME
        C: RCPT TO:<b@example.org>
        C: RCPT TO:<c@example.org>
        C: RCPT TO:<postmaster>
        C: RCPT TO:<d@[192.0.2.1]>
        S: 250 2.1.0 ok
        S: 550 5.1.1 unknown
        S: 250 2.1.5 ok
        S: 450 4.2.1 busy
        S: 250 2.1.5 ok
        C: DATA
        S: 354 go
        C: Subject: x
        C:
        C: hello
        C: .
        S: 250 2.0.0 queued
        """,
      outcomes: [
        [
          .refused("550 5.1.1 unknown", at: .recipient), .accepted("250 2.0.0 queued"),
          .refused("450 4.2.1 busy", at: .recipient), .accepted("250 2.0.0 queued"),
        ]
      ], stage: .idle),
    ClientTranscript(
      name: "MAIL refused, pipelined",
      transactions: [.test(to: "b@example.org", "c@example.org")],
      lines: ready("PIPELINING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        C: RCPT TO:<c@example.org>
        S: 550 5.7.1 no
        S: 503 5.5.1 no MAIL
        S: 503 5.5.1 no MAIL
        """,
      outcomes: [[.refused("550 5.7.1 no", at: .sender), .refused("550 5.7.1 no", at: .sender)]], stage: .idle),
    ClientTranscript(
      name: "MAIL refused, then another transaction",
      transactions: [.test(to: "b@example.org"), .test(to: "c@example.org")],
      lines: ready() + """
        C: MAIL FROM:<a@example.com>
        S: 452 4.3.1 full
        C: MAIL FROM:<a@example.com>
        """, outcomes: [[.refused("452 4.3.1 full", at: .sender)]], stage: .sender),
    ClientTranscript(
      name: "nobody is left: no DATA, and RSET before the next",
      transactions: [.test(to: "b@example.org"), .test(to: "c@example.org")],
      lines: ready("PIPELINING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        S: 250 ok
        S: 550 5.1.1 unknown
        C: RSET
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<c@example.org>
        S: 250 ok
        """, outcomes: [[.refused("550 5.1.1 unknown", at: .recipient)]], stage: .sender),
    ClientTranscript(
      name: "nobody is left, one command at a time",
      transactions: [.test(to: "b@example.org"), .test(to: "c@example.org")],
      lines: ready() + """
        C: MAIL FROM:<a@example.com>
        S: 250 ok
        C: RCPT TO:<b@example.org>
        S: 550 5.1.1 unknown
        C: RSET
        S: 250 ok
        C: MAIL FROM:<a@example.com>
        """, outcomes: [[.refused("550 5.1.1 unknown", at: .recipient)]], stage: .sender),
    ClientTranscript(
      name: "DATA refused",
      transactions: [.test(to: "b@example.org", "c@example.org")],
      lines: ready("PIPELINING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        C: RCPT TO:<c@example.org>
        S: 250 ok
        S: 550 5.1.1 unknown
        S: 250 ok
        C: DATA
        S: 554 5.3.0 no
        """,
      outcomes: [[.refused("550 5.1.1 unknown", at: .recipient), .refused("554 5.3.0 no", at: .data)]], stage: .idle),
    ClientTranscript(
      name: "the end of the content refused, then another transaction without RSET",
      transactions: [.test(to: "b@example.org"), .test(to: "c@example.org")],
      content: "",
      lines: ready() + """
        C: MAIL FROM:<a@example.com>
        S: 250 ok
        C: RCPT TO:<b@example.org>
        S: 250 ok
        C: DATA
        S: 354 go
        C: .
        S: 554-5.7.1 spam
        S: 554 5.7.1 really
        C: MAIL FROM:<a@example.com>
        """,
      outcomes: [
        [
          .refused(
            SMTPReply(554, EnhancedStatusCode(.permanentFailure, 7, 1), lines: ["spam", "really"]), at: .endOfContent)
        ]
      ], stage: .sender),
    ClientTranscript(
      name: "8-bit content for a server without 8BITMIME",
      transactions: [.test(to: "b@example.org", body: .eightBitMIME)],
      lines: ready("PIPELINING"),
      outcomes: [
        [
          .unsuitable(
            EnhancedStatusCode(trusted: .permanentFailure, 6, 3),
            "The message holds 8-bit content, and the next host does not offer 8BITMIME")
        ]
      ], stage: .idle),
    ClientTranscript(
      name: "8-bit content for a server that refused EHLO and took HELO, then another",
      transactions: [.test(to: "b@example.org", "c@example.org", body: .eightBitMIME), .test(to: "d@example.org")],
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 502 5.5.1 what?
        C: HELO client.example
        S: 250 mx.example
        C: MAIL FROM:<a@example.com>
        """,
      outcomes: [[.refused("502 5.5.1 what?", at: .hello), .refused("502 5.5.1 what?", at: .hello)]], stage: .sender),
    ClientTranscript(
      name: "nobody to send to", transactions: [.test()], lines: ready("PIPELINING"), outcomes: [[]], stage: .idle),
  ]

  static let endings: [ClientTranscript] = [
    ClientTranscript(
      name: "421 among the RCPT",
      transactions: [.test(to: "b@example.org", "c@example.org", "d@example.org")],
      lines: ready("PIPELINING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        C: RCPT TO:<c@example.org>
        C: RCPT TO:<d@example.org>
        S: 250 ok
        S: 550 5.1.1 unknown
        S: 421 4.7.0 enough
        """,
      outcomes: [
        [
          .refused("550 5.1.1 unknown", at: .recipient), .refused("421 4.7.0 enough", at: .recipient),
          .refused("421 4.7.0 enough", at: .recipient),
        ]
      ], failure: .refused("421 4.7.0 enough", at: .recipient), stage: .quit),
    ClientTranscript(
      name: "421 to the end of the content",
      transactions: [.test(to: "b@example.org")],
      content: "x",
      lines: ready() + """
        C: MAIL FROM:<a@example.com>
        S: 250 ok
        C: RCPT TO:<b@example.org>
        S: 250 ok
        C: DATA
        S: 354 go
        C: x
        C: .
        S: 421 4.3.2 going down
        """,
      outcomes: [[.refused("421 4.3.2 going down", at: .endOfContent)]],
      failure: .refused("421 4.3.2 going down", at: .endOfContent), stage: .quit),
    ClientTranscript(
      name: "421 between transactions",
      lines: ready() + "S: 421 4.4.2 idle too long", failure: .refused("421 4.4.2 idle too long", at: .idle),
      stage: .quit),
    ClientTranscript(
      name: "a reply that nobody asked for",
      lines: ready() + "S: 250 by the way",
      failure: ClientFailure(.protocolError("unexpected reply 250"), at: .idle), stage: .quit),
    ClientTranscript(
      name: "250 to DATA",
      transactions: [.test(to: "b@example.org")],
      lines: ready() + """
        C: MAIL FROM:<a@example.com>
        S: 250 ok
        C: RCPT TO:<b@example.org>
        S: 250 ok
        C: DATA
        S: 250 ok
        """,
      outcomes: [
        [.interrupted(ClientFailure(.protocolError("unexpected reply 250"), at: .data))]
      ], failure: ClientFailure(.protocolError("unexpected reply 250"), at: .data), stage: .quit),
    ClientTranscript(
      name: "354 to RCPT",
      transactions: [.test(to: "b@example.org")],
      lines: ready() + """
        C: MAIL FROM:<a@example.com>
        S: 250 ok
        C: RCPT TO:<b@example.org>
        S: 354 ok
        """,
      outcomes: [[.interrupted(ClientFailure(.protocolError("unexpected reply 354"), at: .recipient))]],
      failure: ClientFailure(.protocolError("unexpected reply 354"), at: .recipient), stage: .quit),
    ClientTranscript(
      name: "content that is not fit to be sent",
      transactions: [.test(to: "b@example.org")],
      content: "Subject: x\r\n\r\na\n.\r\nb",
      lines: ready() + """
        C: MAIL FROM:<a@example.com>
        S: 250 ok
        C: RCPT TO:<b@example.org>
        S: 250 ok
        C: DATA
        S: 354 go
        """,
      outcomes: [
        [
          .unsuitable(
            EnhancedStatusCode(trusted: .permanentFailure, 6, 0),
            "The message holds a NUL, or a CR or LF alone, and is not sent")
        ]
      ], failure: ClientFailure(.unsendableContent, at: .content), stage: .quit),
  ]
}
