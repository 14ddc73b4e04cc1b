import MailModel
import Testing

@testable import SMTPProtocol

/// A command line, one Latin-1 character an octet, so that a test can write any octet there is.
private func command(_ line: String, lenient: Bool = false) -> Command {
  Command(Array(line.utf8).span, acceptsPathWithoutBrackets: lenient)
}

private func command(octets: [UInt8]) -> Command { Command(octets.span, acceptsPathWithoutBrackets: true) }

struct GrammarCommandTests {
  @Test(
    arguments: [
      ("NOOP", .noop), ("noop", .noop), ("NoOp anything at all", .noop), ("RSET", .reset), ("RSET  ", .reset),
      ("QUIT", .quit),
      ("DATA", .data), ("HELP", .help), ("HELP MAIL", .help), ("EXPN list", .expand), ("EXPN", .expand),
      ("STARTTLS", .startTLS),
      ("VRFY Smith", .verify), ("VRFY <a@b>", .verify), ("VRFY a@b SMTPUTF8", .verify), ("VRFY ä@b SMTPUTF8", .verify),
      ("VRFY ä smtputf8", .verify), ("VRFY ä@b", .malformed(.needsSMTPUTF8, .verify)),
      ("VRFY", .malformed(.verifySyntax, .verify)), ("VRFY a\u{85}ä SMTPUTF8", .malformed(.verifySyntax, .verify)),
      ("RSET x", .malformed(.resetSyntax, .reset)), ("QUIT x", .malformed(.quitSyntax, .quit)),
      ("DATA x", .malformed(.dataSyntax, .data)), ("STARTTLS x", .malformed(.startTLSSyntax, .startTLS)),
      ("EHLO", .malformed(.helloSyntax, .hello)), ("HELO", .malformed(.oldHelloSyntax, .hello)),
      ("EHLO ä.example", .malformed(.helloSyntax, .hello)), ("AUTH", .malformed(.authenticateSyntax, .authenticate)),
      ("auth plain =", .authenticate(mechanism: "PLAIN", initialResponse: .octets([]))),
      ("AUTH PLAIN AGEAYg==", .authenticate(mechanism: "PLAIN", initialResponse: .octets([0, 0x61, 0, 0x62]))),
      ("AUTH PLAIN a b", .authenticate(mechanism: "PLAIN", initialResponse: .notBase64)),
      ("AUTH ABCDEFGHIJKLMNOPQRST", .authenticate(mechanism: "ABCDEFGHIJKLMNOPQRST", initialResponse: nil)),
      ("AUTH scram-sha_1", .authenticate(mechanism: "SCRAM-SHA_1", initialResponse: nil)),
      ("AUTH PLA\u{131}N", .malformed(.authenticateSyntax, .authenticate)),
      ("AUTH PLAIN\"", .malformed(.authenticateSyntax, .authenticate)),
      ("AUTH ABCDEFGHIJKLMNOPQRSTU", .malformed(.authenticateSyntax, .authenticate)),
    ] as [(String, Command)])
  func reads(line: String, expected: Command) {
    #expect(command(line) == expected)
  }

  /// RFC 3030 §2: `BDAT SP chunk-size [SP "LAST"]`, of at most 20 digits.
  @Test(arguments: [
    ("BDAT 0", 0, false), ("BDAT 0 LAST", 0, true), ("bdat 86 last", 86, true), ("BDAT 1000  LAST ", 1000, true),
    ("BDAT 00000000000000000012", 12, false), ("BDAT 9223372036854775807", .max, false),
    ("BDAT 9223372036854775808", .max, false), ("BDAT 99999999999999999999", .max, false),
    ("BDAT 99999999999999999999 LAST", .max, true), ("BDAT 000000000000000000001", 1, false),
    ("BDAT 999999999999999999999", .max, false), ("BDAT 00000000000000000000000000000000 LAST", 0, true),
  ])
  func chunks(line: String, octets: Int, isLast: Bool) {
    #expect(command(line) == .chunk(octets: octets, isLast: isLast))
  }

  @Test(arguments: [
    "BDAT", "BDAT ", "BDAT -1", "BDAT +1", "BDAT 1.5", "BDAT 0x10", "BDAT LAST", "BDAT 1 LASTX", "BDAT 1 LAST LAST",
    "BDAT 1 2",
    "BDAT 1LAST", "BDAT 1,LAST", "BDAT ١", "BDAT 1 LAST=1",
    "BDAT\t94 LAST", "bdat\u{0}1", "BDAT1", "BDAT-1", "BDAT\u{85}", "bDaT=1",
  ])
  func badChunks(line: String) {
    #expect(command(line) == .malformed(.chunkSyntax, .chunk))
  }

  @Test(arguments: [
    "", " ", "  MAIL FROM:<>", "MAILFROM:<>", "MAIL\tFROM:<>", "\u{0}", "\u{0}QUIT", "QUIT\u{0}", "RSET\t", "QUIT\r",
    "\r", "\n", "FOO", "EHLOX a",
    "EHL", "XCLIENT ADDR=1.2.3.4", "SEND FROM:<a@b>", "TURN", "ETRN x", "é", "ſTARTTLS", "MAİL FROM:<>", "GETS x",
    "SSH", "PROXYX",
    "BDATA 1", "BDA", "BDA 1", "GET", "POSTED x", "HEADER x", "1 HTTP 1.1", "Subject: x/1.0", "HTTP/1.1 200",
    "x HTTP/11", " HTTP/1.1x",
  ])
  func unknown(line: String) {
    #expect(command(line) == .unknown)
  }

  @Test(arguments: [[0x80, 0x81], [0xFF], [0xC0, 0xAF], [0x16], [0x16, 0x02], [0x00, 0x16, 0x03]] as [[UInt8]])
  func unknownOctets(octets: [UInt8]) {
    #expect(command(octets: octets) == .unknown)
  }

  @Test(arguments: [
    "MAIL FROM:<a@b>", "RCPT TO:<a@b>", "EHLO x", "NOOP x", "HELP x", "VRFY x", "EXPN x", "BDAT 1", "AUTH PLAIN x",
    "RSET ",
  ])
  func noControlCharacters(line: String) {
    for control in Array(UInt8(0)..<0x20) + [0x7F] {
      for place in [5, line.utf8.count] {
        var octets = Array(line.utf8)
        octets.insert(control, at: place)
        guard case .malformed(let reply, _) = command(octets: octets) else {
          Issue.record("\(control) at \(place) of \(line)")
          continue
        }
        #expect(reply == .controlCharacters)
      }
    }
  }

  /// Whatever comes, it is read without a trap, and what is taken is lawful.
  @Test func whateverComes() {
    var generator = Numbers(state: 321)
    let words = [
      "MAIL FROM:<", "RCPT TO:<", "BDAT ", "VRFY ", "AUTH ", "GET ", "@", ">", " SIZE=", " BODY=8BITMIME", " SMTPUTF8",
      " RET=FULL",
      " ENVID=", " AUTH=", " NOTIFY=", "SUCCESS,", " ORCPT=", "rfc822;", "utf-8;", "+", "=", "\\x{", "}", "\"", "a.b",
      "ä", "9", "[", "]", "IPv6:", " ",
    ].map { Array($0.utf8) }
    var taken = 0
    for _ in 0..<40_000 {
      let starts = ["", "MAIL FROM:<", "MAIL FROM:<a@b>", "RCPT TO:<a@b>"]
      var octets = Array(starts[Int.random(in: 0..<4, using: &generator)].utf8)
      for _ in 0..<Int.random(in: 0...9, using: &generator) {
        octets += words[Int.random(in: 0..<words.count, using: &generator)]
        if Int.random(in: 0..<8, using: &generator) == 0 { octets.append(.random(in: 0...255, using: &generator)) }
      }
      switch command(octets: octets) {
      case .mail(let path, let parameters):
        taken += 1
        #expect(path.description.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        #expect(parameters.needsSMTPUTF8 == octets.contains { $0 >= 0x80 })
      case .recipient(let recipient):
        taken += 1
        #expect(ForwardPath(recipient.path.description) == recipient.path)
        #expect(recipient.needsSMTPUTF8 == octets.contains { $0 >= 0x80 })
      default: break
      }
    }
    #expect(taken > 1_000)
  }
}

struct GrammarForeignTests {
  private func begins(_ octets: [UInt8]) -> Bool { ForeignProtocol.begins(octets.span) }

  @Test(arguments: [
    "GET / HTTP/1.1", "get / http/1.1", "POST /x HTTP/1.0", "PUT /", "HEAD / HTTP/1.1", "DELETE /x",
    "OPTIONS * HTTP/1.1",
    "CONNECT mail.example:25 HTTP/1.1", "TRACE / HTTP/1.1", "PATCH /x HTTP/1.1", "PRI * HTTP/2.0",
    "PROPFIND / HTTP/1.1",
    "patch / HTTP/1.1", "SSH-2.0-OpenSSH_9.2", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2", "PROXY UNKNOWN",
    "OPTIONS sip:x SIP/2.0",
    "INVITE sip:a@b SIP/2.0", "REGISTER sip:x SIP/2.0", "DESCRIBE rtsp://x RTSP/1.0", "\u{16}\u{3}\u{1}",
  ])
  func foreign(line: String) {
    #expect(command(line) == .foreign)
  }

  /// Decided on the first octets already, and on no fewer than tell.
  @Test(
    arguments: [
      ([0x16, 0x03], 2), ([0x16, 0x03, 0x01, 0x02, 0x00, 0x01], 2), (Array("GET /".utf8), 4),
      (Array("SSH-2.0".utf8), 4),
      (Array("PROXY TCP4".utf8), 6), (Array("\0\r\nQUIT\n!".utf8), 2),
      (Array("PRI * HTTP/2.0\r\n\r\nSM".utf8), 11),
      (Array("OPTIONS sip:x".utf8), 8), (Array("INVITE sip:x".utf8), 10),
    ] as [([UInt8], Int)])
  func decidesEarly(octets: [UInt8], enough: Int) {
    for count in 0...octets.count { #expect(begins(Array(octets.prefix(count))) == (count >= enough), "\(count)") }
  }

  @Test(arguments: [
    "", "E", "EHLO x", "HELO x", "HELP", "MAIL FROM:<>", "RCPT TO:<>", "DATA", "RSET", "NOOP", "QUIT", "VRFY x",
    "EXPN x", "STARTTLS", "AUTH x",
    "BDAT 1", "\r\n", "\r\n\r\n", "\r\n\r\nEHLO x", "GETS", "SSH", "\u{16}", "\u{16}a", "\u{80}\u{81}",
  ])
  func ours(line: String) {
    #expect(!begins(Array(line.utf8)))
  }
}

private struct Numbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 29
  }
}
