import MailModel
import Testing

@testable import SMTPProtocol

/// No argument of a command can hold what ends a line: the values refuse it.
@Suite("Arguments of commands")
struct ClientInjectionTests {
  private static let intruders = [
    "\r\nRCPT TO:<x@example.org>", "\n", "\r", "\0", "\u{85}", "\u{2028}", "\u{7F}", "\u{1B}",
  ]

  private func texts(_ intruder: String, in text: String) -> [String] {
    let place = text.index(text.startIndex, offsetBy: text.count / 2)
    return [intruder + text, text[..<place] + intruder + text[place...], text + intruder]
  }

  @Test(arguments: intruders)
  func namesAndPathsTakeNone(_ intruder: String) {
    for text in texts(intruder, in: "client.example") {
      #expect(DomainName(text) == nil)
      #expect(DomainName(Array(text.utf8).span) == nil)
      #expect(Mailbox.Host(Array(text.utf8).span) == nil)
    }
    for text in texts(intruder, in: "[192.0.2.1]") + texts(intruder, in: "[IPv6:2001:db8::1]") {
      #expect(Mailbox.Host(Array(text.utf8).span) == nil)
    }
    for address in ["a@example.com", "\"a b\"@example.com", "jürgen@example.com", "a@[192.0.2.1]"] {
      for text in texts(intruder, in: address) {
        #expect(Mailbox(text) == nil)
        #expect(Mailbox(Array(text.utf8).span) == nil)
        #expect(ReversePath(text) == nil)
        #expect(ForwardPath(text) == nil)
      }
    }
    for text in texts(intruder, in: "postmaster") { #expect(ForwardPath(text) == nil) }
  }

  @Test(arguments: intruders)
  func parametersTakeNone(_ intruder: String) {
    for text in texts(intruder, in: "QQ314") { #expect(EnvelopeID(text) == nil) }
    for text in texts(intruder, in: "b@example.org") {
      #expect(OriginalRecipient(addressType: "rfc822", address: text) == nil)
      #expect(OriginalRecipient(addressType: "utf-8", address: text) == nil)
    }
    for text in texts(intruder, in: "rfc822") { #expect(OriginalRecipient(addressType: text, address: "b") == nil) }
    // A SUBMITTER that was written in xtext comes out as a mailbox or not at all.
    for text in ["a@example.com+0D+0ARSET", "a+0A@example.com", "+00", "a@example.com\r\n"] {
      #expect(ReversePath(submitter: Array(text.utf8).span) == nil)
    }
  }

  /// Credentials may be any text but NUL; base 64 hides it from the dialogue.
  @Test(arguments: ["PLAIN", "LOGIN"])
  func credentialsGoOutInBase64(_ mechanism: String) {
    let harness = ClientHarness(.test(.none, user: "u\r\nQUIT\r\n", password: "p\r\n.\r\n", inClear: true))
    harness.open("AUTH \(mechanism)")
    if mechanism == "LOGIN" {
      harness.hear("334 VXNlcm5hbWU6\r\n")
      harness.hear("334 UGFzc3dvcmQ6\r\n")
    }
    let lines = harness.said.split(separator: "\r\n")
    #expect(lines.count == (mechanism == "LOGIN" ? 4 : 2))
    #expect(lines.dropFirst().allSatisfy { line in line.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } })
    #expect(!harness.said.contains("QUIT"))
  }

  @Test(arguments: [
    (Int.min, "0"), (-1, "0"), (0, "0"), (9, "9"), (10, "10"), (4_096, "4096"), (.max, "9223372036854775807"),
  ])
  func aSizeIsItsDigits(_ size: Int, _ digits: String) {
    let harness = ClientHarness(.test, [.test(to: "b@example.org", size: size)])
    harness.open("SIZE")
    #expect(harness.said.hasSuffix("\r\nMAIL FROM:<a@example.com> SIZE=\(digits)\r\n"))
  }

  @Test func aClientWithoutANameSaysItsAddress() throws {
    for (text, name) in [("192.0.2.1", "[192.0.2.1]"), ("2001:db8::1", "[IPv6:2001:db8::1]")] {
      var configuration = ClientConfiguration(helloName: .literal(try #require(IPAddress(text))))
      configuration.security = .none
      let harness = ClientHarness(configuration)
      harness.hear("220 mx\r\n")
      #expect(harness.said == "EHLO \(name)\r\n")
    }
  }

  /// Content cannot end itself, nor begin a command: see ``DotStuffer`` and ``ChunkWriter``.
  @Test(arguments: ["a\r\n.\nQUIT\r\n", "a\n.\n", "a\r.\r", "a\0b", "a\r", "\n"], [false, true])
  func contentOfUnlawfulLinesIsNotSent(_ content: String, _ isChunked: Bool) {
    let harness = ClientHarness(
      isChunked ? .chunking : .test, [.test(to: "b@example.org")], pieces: [content])
    harness.open("PIPELINING", "CHUNKING")
    harness.hear("250 ok\r\n250 ok\r\n")
    if !isChunked { harness.hear("354 go\r\n") }
    #expect(harness.failure == ClientFailure(.unsendableContent, at: .content))
    #expect(!harness.said.contains("LAST"))
    #expect(!harness.said.contains("QUIT"))
    guard case .unsuitable(let code, _) = harness.outcomes.last?.first else {
      Issue.record("\(harness.outcomes)")
      return
    }
    #expect("\(code)" == "5.6.0")
  }
}
