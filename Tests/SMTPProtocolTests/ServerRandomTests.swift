import MailModel
import SMTPProtocol
import SMTPProtocolTesting
import Testing

/// Whatever a client says, and however its octets are cut: the replies are the same, what is taken is the same, and no sink
/// is left open.
@Suite struct ServerRandomTests {
  private static let envelope = "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n"

  private static let words = [
    envelope, envelope, envelope + "DATA\r\nx: y\r\n.\r\n", envelope + "DATA\r\n..\r\n.\r\n",
    envelope + "BDAT 2 LAST\r\n\r\n",
    envelope + "BDAT 4\r\nab\r\nBDAT 3 LAST\r\n\r\n\r", "\r\n.\r\n", "\r\n.\r\nRSET\r\n",
    "EHLO x\r\n", "HELO x\r\n", "AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\n", "AUTH LOGIN\r\n", "*\r\n",
    "MAIL FROM:<a@example.com>\r\n", "MAIL FROM:<a@example.com> SIZE=900 BODY=8BITMIME\r\n",
    "RCPT TO:<b@example.org>\r\n",
    "RCPT TO:<bad@-x>\r\n", "DATA\r\n", "x: y\r\n", "\r\n", "..stuffed\r\n", ".\r\n", ".\n", "\n.\r\n", "bare\rCR\r\n",
    "\0",
    "BDAT 4\r\nab\r\n", "BDAT 3\r\nab\r", "BDAT 1\r\n\n", "BDAT 2 LAST\r\n\r\n", "BDAT 0 LAST\r\n", "BDAT 900\r\n",
    "BDAT x\r\n",
    "RSET\r\n", "NOOP\r\n", "VRFY b\r\n", "XYZZY\r\n", "\u{FC}\r\n", "STARTTLS\r\n", String(repeating: "a", count: 90),
  ]

  private struct Outcome: Equatable {
    var replies: [UInt8]
    var messages: [[UInt8]]
    var aborted: Int
    var state: String
  }

  private func outcome(of octets: [UInt8], pieces: (inout Int) -> Int) async throws -> (Outcome, open: Int) {
    let (driver, policy) = try server(security: .implicitTLS) { configuration in
      configuration.limits.commandLine = 64
      configuration.limits.discardedLine = 200
      configuration.limits.messageSize = 400
      configuration.limits.textLine = 60
      configuration.limits.discardedContent = 2_000
      configuration.limits.errors = 30
    }
    var replies = await driver.connect()
    replies += await driver.receive(Array("EHLO x\r\nAUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\n".utf8))
    var index = 0
    var turn = 0
    while index < octets.count, !driver.isClosed {
      let end = min(octets.count, index + max(1, pieces(&turn)))
      replies += await driver.receive(Array(octets[index..<end]))
      index = end
    }
    let state = driver.stateName
    driver.disconnect()
    let record = policy.record
    return (
      Outcome(
        replies: replies, messages: record.messages.map(\.content), aborted: record.aborted, state: state), record.open
    )
  }

  @Test(arguments: 0..<8)
  func howOctetsAreCutMeansNothing(seed: Int) async throws {
    var random = SeededGenerator(seed: UInt64(seed))
    var accepted = 0
    for _ in 0..<250 {
      let count = Int.random(in: 1...40, using: &random)
      let octets = (0..<count).flatMap { _ in Array((Self.words.randomElement(using: &random) ?? "").utf8) }
      let (whole, open) = try await outcome(of: octets) { _ in octets.count }
      let (dripped, openDripped) = try await outcome(of: octets) { _ in 1 }
      var cuts = random
      let (cut, openCut) = try await outcome(of: octets) { _ in Int.random(in: 1...30, using: &cuts) }
      guard whole == dripped, whole == cut, open + openDripped + openCut == 0 else {
        Issue.record("\(String(decoding: octets, as: UTF8.self).debugDescription): \(whole) \(dripped) \(cut)")
        return
      }
      accepted += whole.messages.count
    }
    #expect(accepted > 20, "the streams reach what matters")
  }
}
