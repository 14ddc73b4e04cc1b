import MailModel
import Testing

@testable import SMTPProtocol

@Suite("What a server offers")
struct ClientCapabilityTests {
  private func read(_ lines: String...) -> ClientCapabilities {
    ClientCapabilities(SMTPReply(250, nil, lines: ["mx.example"] + lines))
  }

  @Test func everyKeywordInAnyCase() {
    var expected = ClientCapabilities()
    (expected.pipelining, expected.startTLS, expected.eightBitMIME) = (true, true, true)
    (expected.smtpUTF8, expected.chunking, expected.notifications) = (true, true, true)
    (expected.enhancedStatusCodes, expected.size, expected.authentication) = (true, true, true)
    (expected.transferPriorities, expected.sizeLimit) = (true, 1_000)
    expected.mechanisms = [.plain, .login]
    (expected.recipientLimit, expected.transactionLimit) = (50, 10)
    let lines = [
      "Pipelining", "StartTLS", "8BitMIME", "SMTPutf8", "chunking", "dsn", "EnhancedStatusCodes", "size 1000",
      "auth Plain CRAM-MD5 login", "limits rcptmax=50 Future=x mailMAX=10", "mt-priority MIXER", "XFOO", "HELP",
    ]
    #expect(ClientCapabilities(SMTPReply(250, nil, lines: ["mx"] + lines)) == expected)
    #expect(ClientCapabilities(SMTPReply(250, nil, lines: ["mx"] + lines.map { $0.uppercased() })) == expected)
  }

  /// The first line is a greeting, whatever it says.
  @Test func theFirstLineOffersNothing() {
    #expect(ClientCapabilities(SMTPReply(250, nil, "PIPELINING")) == ClientCapabilities())
    #expect(read("", " ", "PIPELINING8", "X-DSN", "SIZES 5", "AUTHOR PLAIN", "PRIORITY") == ClientCapabilities())
  }

  @Test(
    arguments: [
      ("SIZE", nil), ("SIZE 0", nil), ("SIZE 1", 1), ("SIZE 0035", 35), ("SIZE 9223372036854775807", .max),
      ("SIZE 9223372036854775808", nil), ("SIZE 99999999999999999999", nil), ("SIZE 000000000000000000001", nil),
      ("SIZE -1", nil), ("SIZE +1", nil), ("SIZE 1k", nil), ("SIZE ?", nil),
    ] as [(String, Int?)])
  func sizes(_ line: String, _ limit: Int?) {
    let capabilities = read(line)
    #expect(capabilities.size && capabilities.sizeLimit == limit)
  }

  @Test(
    arguments: [
      ("RCPTMAX=1", 1), ("RCPTMAX=999999", 999_999), ("RCPTMAX=1000000", nil), ("RCPTMAX=0", nil), ("RCPTMAX=05", nil),
      ("RCPTMAX=", nil), ("RCPTMAX", nil), ("RCPTMAX=-1", nil), ("RCPTMAX=+1", nil), ("RCPTMAX=1=2", nil),
      ("RCPTMAX==1", nil), ("RCPTMAX=9 RCPTMAX=7 RCPTMAX=8", 7), ("RCPTMAX=x RCPTMAX=7", 7), ("XRCPTMAX=7", nil),
    ] as [(String, Int?)])
  func limits(_ words: String, _ limit: Int?) {
    #expect(read("LIMITS \(words)").recipientLimit == limit)
    #expect(read("LIMITS \(words.replacing("RCPT", with: "MAIL"))").transactionLimit == limit)
    #expect(read("LIMITS \(words)").transactionLimit == nil)
  }

  @Test func mechanismsInTheOldFormToo() {
    #expect(read("AUTH=PLAIN LOGIN").mechanisms == [.plain, .login])
    #expect(read("AUTH=LOGIN").mechanisms == [.login])
    #expect(read("AUTH CRAM-MD5", "AUTH=PLAIN").mechanisms == [.plain])
    #expect(read("AUTH=").mechanisms == [])
    #expect(read("AUTH").authentication)
    #expect(!read("AUTHPLAIN", "XAUTH PLAIN").authentication)
  }

  /// As many words as a reply can hold leave nothing behind.
  @Test func aReplyOfAHundredLinesOffersWhatOneOffers() {
    let harness = ClientHarness()
    harness.hear("220 mx\r\n")
    let words = Array(repeating: "X-MECHANISM", count: 54).joined(separator: " ")
    for _ in 0..<98 { harness.hear("250-AUTH \(words)\r\n") }
    harness.hear("250 AUTH PLAIN\r\n")
    #expect(harness.actions == [.ready])
    let capabilities = harness.session.capabilities
    #expect(capabilities == read("AUTH PLAIN"))
  }

  @Test func whatTheHolderIsToldOfIt() {
    let session = ClientSession(configuration: .test)
    let (passesNothing, isUnlimited) = (!session.passesNotifications, session.transactionsLeft == nil)
    #expect(passesNothing && isUnlimited)
    let harness = ClientHarness(.test, [.test(to: "b@example.org")])
    harness.open("DSN", "LIMITS MAILMAX=1")
    let (passes, left) = (harness.session.passesNotifications, harness.session.transactionsLeft)
    #expect(passes && left == 0)
  }
}
