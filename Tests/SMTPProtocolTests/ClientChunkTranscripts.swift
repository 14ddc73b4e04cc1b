import MailModel

@testable import SMTPProtocol

extension ClientTranscript {
  private static func envelope(_ recipient: String = "b") -> String {
    """
    C: MAIL FROM:<a@example.com>
    C: RCPT TO:<\(recipient)@example.org>
    S: 250 ok
    S: 250 ok

    """
  }

  /// With its CRLF as long as a chunk must be.
  private static let a = String(repeating: "a", count: 8_190)
  private static let b = String(repeating: "b", count: 8_190)

  /// Content by BDAT (RFC 3030).
  static let chunked: [ClientTranscript] = [
    ClientTranscript(
      name: "content in chunks, with mixed results",
      configuration: .chunking,
      transactions: [.test(to: "b@example.org", "c@example.org"), .test(to: "d@example.org")],
      pieces: [a + "\r\n", ".\r\n..z\r\n", "", "end"],
      lines: ready("PIPELINING", "CHUNKING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        C: RCPT TO:<c@example.org>
        S: 250 ok
        S: 550 5.1.1 unknown
        S: 250 ok
        C: BDAT 8192
        C: \(a)
        C: BDAT 13 LAST
        C: .
        C: ..z
        C: end
        S: 250 8192 octets
        S: 250 2.0.0 queued
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<d@example.org>
        """,
      outcomes: [[.refused("550 5.1.1 unknown", at: .recipient), .accepted("250 2.0.0 queued")]], stage: .sender),
    ClientTranscript(
      name: "no chunk ends between CR and LF",
      configuration: .chunking,
      transactions: [.test(to: "b@example.org")],
      pieces: [a + "aa\r", "\n", b + "\r", "\nc\r\n", "\r", "\n"],
      lines: ready("PIPELINING", "CHUNKING") + envelope() + """
        C: BDAT 8192
        C: \(a)aaBDAT 8192
        C:
        C: \(b)BDAT 7 LAST
        C:
        C: c
        C:
        S: 250 ok
        S: 250 ok
        S: 250 2.0.0 queued
        """, outcomes: [[.accepted("250 2.0.0 queued")]], stage: .idle),
    ClientTranscript(
      name: "no content at all, in chunks",
      configuration: .chunking,
      transactions: [.test(to: "b@example.org")],
      pieces: [],
      lines: ready("PIPELINING", "CHUNKING") + envelope() + """
        C: BDAT 0 LAST
        S: 250 2.0.0 queued
        """, outcomes: [[.accepted("250 2.0.0 queued")]], stage: .idle),
    ClientTranscript(
      name: "chunks wanted, CHUNKING without PIPELINING offered",
      configuration: .chunking,
      transactions: [.test(to: "b@example.org")],
      lines: ready("CHUNKING") + """
        C: MAIL FROM:<a@example.com>
        S: 250 ok
        C: RCPT TO:<b@example.org>
        S: 250 ok
        C: DATA
        """, stage: .data),
    ClientTranscript(
      name: "chunks wanted, CHUNKING not offered",
      configuration: .chunking,
      transactions: [.test(to: "b@example.org")],
      lines: ready("PIPELINING") + envelope() + "C: DATA", stage: .data),
    ClientTranscript(
      name: "CHUNKING offered, chunks not wanted",
      transactions: [.test(to: "b@example.org")],
      lines: ready("PIPELINING", "CHUNKING") + envelope() + "C: DATA", stage: .data),
    ClientTranscript(
      name: "nobody is left: no chunk",
      configuration: .chunking,
      transactions: [.test(to: "b@example.org")],
      lines: ready("PIPELINING", "CHUNKING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        S: 250 ok
        S: 550 5.1.1 unknown
        """, outcomes: [[.refused("550 5.1.1 unknown", at: .recipient)]], stage: .idle),
    ClientTranscript(
      name: "a chunk refused once all are sent, and RSET before the next message",
      configuration: .chunking,
      transactions: [.test(to: "b@example.org"), .test(to: "c@example.org")],
      pieces: [a + "\r\n", b + "\r\n"],
      lines: ready("PIPELINING", "CHUNKING") + envelope() + """
        C: BDAT 8192
        C: \(a)
        C: BDAT 8192
        C: \(b)
        C: BDAT 0 LAST
        S: 250 ok
        S: 452 4.3.1 full
        S: 503 5.5.1 no MAIL
        C: RSET
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<c@example.org>
        """, outcomes: [[.refused("452 4.3.1 full", at: .content)]], stage: .reset),
    ClientTranscript(
      name: "a chunk refused, and the end taken: refused all the same",
      configuration: .chunking,
      transactions: [.test(to: "b@example.org"), .test(to: "c@example.org")],
      pieces: [a + "\r\n"],
      lines: ready("PIPELINING", "CHUNKING") + envelope() + """
        C: BDAT 8192
        C: \(a)
        C: BDAT 0 LAST
        S: 554 5.6.0 no
        S: 250 2.0.0 queued
        C: RSET
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<c@example.org>
        """, outcomes: [[.refused("554 5.6.0 no", at: .content)]], stage: .reset),
    ClientTranscript(
      name: "the last chunk refused, and RSET before the next message",
      configuration: .chunking,
      transactions: [.test(to: "b@example.org"), .test(to: "c@example.org")],
      pieces: [a + "\r\n"],
      lines: ready("PIPELINING", "CHUNKING") + envelope() + """
        C: BDAT 8192
        C: \(a)
        C: BDAT 0 LAST
        S: 250 ok
        S: 554 5.7.1 spam
        C: RSET
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<c@example.org>
        """, outcomes: [[.refused("554 5.7.1 spam", at: .endOfContent)]], stage: .reset),
    ClientTranscript(
      name: "354 to a chunk",
      configuration: .chunking,
      transactions: [.test(to: "b@example.org")],
      pieces: [a + "\r\n"],
      lines: ready("PIPELINING", "CHUNKING") + envelope() + """
        C: BDAT 8192
        C: \(a)
        C: BDAT 0 LAST
        S: 354 go
        """,
      outcomes: [[.interrupted(ClientFailure(.protocolError("unexpected reply 354"), at: .endOfContent))]],
      failure: ClientFailure(.protocolError("unexpected reply 354"), at: .endOfContent), stage: .quit),
    ClientTranscript(
      name: "an LF alone in the second piece: the first has gone, and the connection ends",
      configuration: .chunking,
      transactions: [.test(to: "b@example.org")],
      pieces: [a + "\r\n", "b\n", "c"],
      lines: ready("PIPELINING", "CHUNKING") + envelope() + """
        C: BDAT 8192
        C: \(a)
        """,
      outcomes: [
        [
          .unsuitable(
            EnhancedStatusCode(trusted: .permanentFailure, 6, 0),
            "The message holds a NUL, or a CR or LF alone, and is not sent")
        ]
      ], failure: ClientFailure(.unsendableContent, at: .content), stage: .quit),
    ClientTranscript(
      name: "a chunk answered before the last one",
      configuration: .chunking,
      transactions: [.test(to: "b@example.org"), .test(to: "c@example.org")],
      pieces: [a + "\r\n"], readsBetweenChunks: true,
      lines: ready("PIPELINING", "CHUNKING") + envelope() + """
        C: BDAT 8192
        C: \(a)
        S: 250 8192 octets
        C: BDAT 0 LAST
        S: 250 2.0.0 queued
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<c@example.org>
        """, outcomes: [[.accepted("250 2.0.0 queued")]], stage: .sender),
    ClientTranscript(
      name: "two chunks, each answered before the next, once in two lines",
      configuration: .chunking,
      transactions: [.test(to: "b@example.org")],
      pieces: [a + "\r\n", b + "\r\n"], readsBetweenChunks: true,
      lines: ready("PIPELINING", "CHUNKING") + envelope() + """
        C: BDAT 8192
        C: \(a)
        S: 250 8192 octets
        C: BDAT 8192
        C: \(b)
        S: 250 8192 octets
        C: BDAT 0 LAST
        S: 250-2.0.0 queued
        S: 250 2.0.0 as 17
        """, outcomes: [[.accepted("250-2.0.0 queued\r\n250 2.0.0 as 17")]], stage: .idle),
    ClientTranscript(
      name: "a chunk refused before the next, and RSET before the next message",
      configuration: .chunking,
      transactions: [.test(to: "b@example.org"), .test(to: "c@example.org")],
      pieces: [a + "\r\n", b + "\r\n"], readsBetweenChunks: true,
      lines: ready("PIPELINING", "CHUNKING") + envelope() + """
        C: BDAT 8192
        C: \(a)
        S: 452 4.3.1 full
        C: RSET
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<c@example.org>
        S: 250 ok
        S: 250 ok
        S: 250 ok
        C: BDAT 8192
        C: \(a)
        S: 250 8192 octets
        C: BDAT 8192
        C: \(b)
        S: 250 8192 octets
        C: BDAT 0 LAST
        S: 250 2.0.0 queued
        """, outcomes: [[.refused("452 4.3.1 full", at: .content)], [.accepted("250 2.0.0 queued")]], stage: .idle),
  ]
}
