import MailModel

@testable import SMTPProtocol

extension ClientTranscript {
  private static let notUTF8 = EnhancedStatusCode(trusted: .permanentFailure, 6, 7)

  /// Asks for all that DSN has.
  private static func asking(_ transaction: inout ClientTransaction) {
    transaction.envelope.parameters.returnedContent = .headers
    transaction.envelope.parameters.envelopeID = EnvelopeID("QQ 314=1")
    transaction.envelope.recipients[0].parameters = RecipientParameters(
      notifications: [.success, .delay],
      originalRecipient: OriginalRecipient(addressType: "rfc822", address: "b+c@example.org"))
  }

  private static func internationalized(_ transaction: inout ClientTransaction) {
    transaction.envelope.parameters.isInternationalized = true
  }

  private static func submitted(by path: ReversePath) -> (inout ClientTransaction) -> Void {
    { $0.envelope.parameters.submitter = path }
  }

  private static func ready(authenticated extensions: String) -> String {
    """
    S: 220 mx.example
    C: EHLO client.example
    S: 250-mx.example
    S: 250-PIPELINING
    S: 250 \(extensions)
    C: AUTH PLAIN AHVzZXIAc2VjcmV0
    S: 235 2.7.0 welcome

    """
  }

  /// What goes out of what a message asks for, and what comes of the rest.
  static let extended: [ClientTranscript] = notifications + submitters + utf8 + limits

  private static let notifications: [ClientTranscript] = [
    ClientTranscript(
      name: "DSN",
      transactions: [.test(to: "b@example.org", "c@example.org", size: 22, change: asking)],
      lines: ready("PIPELINING", "dsn", "size") + """
        C: MAIL FROM:<a@example.com> SIZE=22 RET=HDRS ENVID=QQ+20314+3D1
        C: RCPT TO:<b@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+2Bc@example.org
        C: RCPT TO:<c@example.org>
        """, stage: .sender),
    ClientTranscript(
      name: "DSN, one command at a time",
      transactions: [.test(to: "b@example.org", change: asking)],
      lines: ready("DSN") + """
        C: MAIL FROM:<a@example.com> RET=HDRS ENVID=QQ+20314+3D1
        S: 250 ok
        C: RCPT TO:<b@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+2Bc@example.org
        """, stage: .recipient),
    ClientTranscript(
      name: "DSN wanted, not offered",
      transactions: [.test(to: "b@example.org", change: asking)],
      lines: ready("PIPELINING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        """, stage: .sender),
    ClientTranscript(
      name: "ORCPT beyond US-ASCII, which every server with DSN takes so",
      transactions: [
        .test(to: "b@example.org") {
          internationalized(&$0)
          $0.envelope.recipients[0].parameters.originalRecipient = OriginalRecipient(
            addressType: "utf-8", address: "jürgen@example.org")
        }
      ],
      lines: ready("PIPELINING", "DSN", "SMTPUTF8") + """
        C: MAIL FROM:<a@example.com> SMTPUTF8
        C: RCPT TO:<b@example.org> ORCPT=utf-8;j\\x{FC}rgen@example.org
        """, stage: .sender),
    ClientTranscript(
      name: "ORCPT beyond US-ASCII where SMTPUTF8 is not spoken",
      transactions: [
        .test(to: "b@example.org") {
          $0.envelope.recipients[0].parameters.originalRecipient = OriginalRecipient(
            addressType: "utf-8", address: "jürgen𝕏@example.org")
        }
      ],
      lines: ready("PIPELINING", "DSN", "SMTPUTF8") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org> ORCPT=utf-8;j\\x{FC}rgen\\x{1D54F}@example.org
        """, stage: .sender),
  ]

  private static let submitters: [ClientTranscript] = [
    ClientTranscript(
      name: "the submitter, authenticated",
      configuration: .test(.none, user: "user", inClear: true),
      transactions: [.test(to: "b@example.org", change: submitted(by: ReversePath("e+f=g@example.com") ?? .null))],
      lines: ready(authenticated: "AUTH PLAIN") + """
        C: MAIL FROM:<a@example.com> AUTH=e+2Bf+3Dg@example.com
        C: RCPT TO:<b@example.org>
        """, stage: .sender),
    ClientTranscript(
      name: "an unknown submitter, authenticated",
      configuration: .test(.none, user: "user", inClear: true),
      transactions: [.test(to: "b@example.org", change: submitted(by: .null))],
      lines: ready(authenticated: "AUTH PLAIN") + """
        C: MAIL FROM:<a@example.com> AUTH=<>
        C: RCPT TO:<b@example.org>
        """, stage: .sender),
    ClientTranscript(
      name: "a submitter whom we cannot name, authenticated",
      configuration: .test(.none, user: "user", inClear: true),
      transactions: [.test(to: "b@example.org", change: submitted(by: ReversePath("jürgen@example.com") ?? .null))],
      lines: ready(authenticated: "AUTH PLAIN") + """
        C: MAIL FROM:<a@example.com> AUTH=<>
        C: RCPT TO:<b@example.org>
        """, stage: .sender),
    ClientTranscript(
      name: "the submitter, not authenticated",
      transactions: [.test(to: "b@example.org", change: submitted(by: ReversePath("e@example.com") ?? .null))],
      lines: ready("PIPELINING", "AUTH PLAIN") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        """, stage: .sender),
  ]

  private static let utf8: [ClientTranscript] = [
    ClientTranscript(
      name: "SMTPUTF8",
      transactions: [
        .test(
          to: "bjørn@exämple.org", from: "jürgen@example.com", body: .eightBitMIME, size: 22, change: internationalized)
      ],
      lines: ready("PIPELINING", "8BITMIME", "SIZE 22", "smtputf8") + """
        C: MAIL FROM:<jürgen@example.com> SIZE=22 BODY=8BITMIME SMTPUTF8
        C: RCPT TO:<bjørn@xn--exmple-cua.org>
        """, stage: .sender),
    ClientTranscript(
      name: "SMTPUTF8 for a recipient's sake, though the envelope does not say so",
      transactions: [.test(to: "b@example.org", "bjørn@example.org")],
      lines: ready("PIPELINING", "SMTPUTF8") + """
        C: MAIL FROM:<a@example.com> SMTPUTF8
        C: RCPT TO:<b@example.org>
        C: RCPT TO:<bjørn@example.org>
        """, stage: .sender),
    ClientTranscript(
      name: "internationalized header fields, SMTPUTF8 not offered",
      transactions: [.test(to: "b@example.org", change: internationalized)],
      lines: ready("PIPELINING", "8BITMIME"),
      outcomes: [
        [
          .unsuitable(
            EnhancedStatusCode(trusted: .permanentFailure, 6, 9),
            "The message may have internationalized header fields, and the next host does not offer SMTPUTF8")
        ]
      ], stage: .idle),
    ClientTranscript(
      name: "SMTPUTF8 declared and not needed, not offered",
      transactions: [
        .test(to: "b@exämple.org", body: .eightBitMIME) {
          internationalized(&$0)
          $0.isASCII = true
        }
      ],
      lines: ready("PIPELINING", "8BITMIME") + """
        C: MAIL FROM:<a@example.com> BODY=8BITMIME
        C: RCPT TO:<b@xn--exmple-cua.org>
        """, stage: .sender),
    ClientTranscript(
      name: "an internationalized sender, SMTPUTF8 not offered",
      transactions: [
        .test(to: "b@example.org", "c@example.org", from: "jürgen@example.com") { $0.isASCII = true }
      ],
      lines: ready("PIPELINING"),
      outcomes: [
        Array(
          repeating: .unsuitable(
            notUTF8, "The sender's address is internationalized, and the next host does not offer SMTPUTF8"), count: 2)
      ], stage: .idle),
    ClientTranscript(
      name: "an internationalized recipient among others, SMTPUTF8 not offered",
      transactions: [
        .test(to: "bjørn@example.org", "c@example.org", "bjørn@example.com", "d@example.org") {
          internationalized(&$0)
          $0.isASCII = true
        }
      ],
      lines: ready() + """
        C: MAIL FROM:<a@example.com>
        S: 250 ok
        C: RCPT TO:<c@example.org>
        S: 250 ok
        C: RCPT TO:<d@example.org>
        S: 550 5.1.1 unknown
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
          .unsuitable(
            notUTF8, "The recipient's address is internationalized, and the next host does not offer SMTPUTF8"),
          .accepted("250 2.0.0 queued"),
          .unsuitable(
            notUTF8, "The recipient's address is internationalized, and the next host does not offer SMTPUTF8"),
          .refused("550 5.1.1 unknown", at: .recipient),
        ]
      ], stage: .idle),
    ClientTranscript(
      name: "an internationalized recipient for a server that took HELO",
      transactions: [.test(to: "bjørn@example.org") { $0.isASCII = true }],
      lines: """
        S: 220 mx.example
        C: EHLO client.example
        S: 502 5.5.1 what?
        C: HELO client.example
        S: 250 mx.example
        """, outcomes: [[.refused("502 5.5.1 what?", at: .hello)]], stage: .idle),
    ClientTranscript(
      name: "8BITMIME declared and not needed, not offered",
      transactions: [.test(to: "b@example.org", body: .eightBitMIME) { $0.isASCII = true }],
      lines: ready("PIPELINING") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        """, stage: .sender),
  ]

  private static let limits: [ClientTranscript] = [
    ClientTranscript(
      name: "a message as large as the server takes, then a larger one",
      transactions: [.test(to: "b@example.org", size: 1_001), .test(to: "b@example.org", size: 1_000)],
      lines: ready("PIPELINING", "SIZE 1000") + """
        C: MAIL FROM:<a@example.com> SIZE=1000
        C: RCPT TO:<b@example.org>
        """,
      outcomes: [
        [
          .unsuitable(
            EnhancedStatusCode(trusted: .permanentFailure, 3, 4),
            "The message has 1001 octets, and the next host takes 1000")
        ]
      ], stage: .sender),
    ClientTranscript(
      name: "more recipients than RCPTMAX",
      transactions: [.test(to: "bjørn@example.org", "b@example.org", "c@example.org", "d@example.org")],
      lines: ready("PIPELINING", "LIMITS RCPTMAX=2") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        C: RCPT TO:<c@example.org>
        S: 250 ok
        S: 250 ok
        S: 450 4.2.1 busy
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
          .unsuitable(
            notUTF8, "The recipient's address is internationalized, and the next host does not offer SMTPUTF8"),
          .accepted("250 2.0.0 queued"), .refused("450 4.2.1 busy", at: .recipient),
          .postponed("The next host takes 2 recipients at a time"),
        ]
      ], stage: .idle),
    ClientTranscript(
      name: "more messages than MAILMAX; a refused one counts",
      transactions: [
        .test(to: "b@example.org"), .test(to: "c@example.org"), .test(to: "d@example.org", "e@example.org"),
      ],
      content: "",
      lines: ready("PIPELINING", "LIMITS MAILMAX=2") + """
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<b@example.org>
        S: 450 4.7.1 later
        S: 503 5.5.1 no MAIL
        C: RSET
        C: MAIL FROM:<a@example.com>
        C: RCPT TO:<c@example.org>
        S: 250 ok
        S: 250 ok
        S: 250 ok
        C: DATA
        S: 354 go
        C: .
        S: 250 2.0.0 queued
        """,
      outcomes: [
        [.refused("450 4.7.1 later", at: .sender)], [.accepted("250 2.0.0 queued")],
        Array(repeating: .postponed("The next host takes no more messages in this session"), count: 2),
      ], stage: .idle),
  ]
}
