import MailModel
import SMTPProtocol
import SMTPProtocolTesting
import Testing

/// Where each command leads from each state: the reply, and the state behind it.
@Suite struct ServerStateTests {
  /// What brings a session that has TLS and EHLO into a state, and the state's name.
  enum Start: String, CaseIterable, Sendable {
    case ready = ""
    case transaction = "MAIL FROM:<a@example.com>\r\n"
    case withRecipient = "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n"
  }

  static let table: [(Start, String, code: String, state: String)] = [
    (.ready, "EHLO y", "250", "command"), (.ready, "NOOP", "250", "command"), (.ready, "RSET", "250", "command"),
    (.ready, "VRFY a", "252", "command"), (.ready, "HELP", "214", "command"), (.ready, "EXPN a", "502", "command"),
    (.ready, "AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk", "503", "command"), (.ready, "STARTTLS", "503", "command"),
    (.ready, "MAIL FROM:<a@example.com>", "250", "transaction"),
    (.ready, "MAIL FROM:<refused@example.com>", "553", "command"),
    (.ready, "RCPT TO:<b@example.org>", "503", "command"), (.ready, "DATA", "503", "command"),
    (.ready, "QUIT", "221", "closing"), (.ready, "XYZZY", "500", "command"), (.ready, "MAIL", "501", "command"),
    (.transaction, "EHLO y", "250", "command"), (.transaction, "NOOP", "250", "transaction"),
    (.transaction, "RSET", "250", "command"), (.transaction, "VRFY a", "252", "transaction"),
    (.transaction, "HELP", "214", "transaction"), (.transaction, "EXPN a", "502", "transaction"),
    (.transaction, "AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk", "503", "transaction"),
    (.transaction, "STARTTLS", "503", "transaction"), (.transaction, "MAIL FROM:<a@example.com>", "503", "transaction"),
    (.transaction, "RCPT TO:<b@example.org>", "250", "transaction"),
    (.transaction, "RCPT TO:<refused@example.org>", "550", "transaction"), (.transaction, "DATA", "503", "transaction"),
    (.transaction, "QUIT", "221", "closing"), (.transaction, "XYZZY", "500", "transaction"),
    (.withRecipient, "DATA", "354", "content"), (.withRecipient, "RSET", "250", "command"),
    (.withRecipient, "QUIT", "221", "closing"), (.withRecipient, "DATA x", "501", "transaction"),
  ]

  @Test(arguments: table)
  func transition(start: Start, command: String, code: String, state: String) async throws {
    var script = RecordingPolicy.Script()
    script.senders["refused@example.com"] = SMTPReply(553, EnhancedStatusCode("5.7.1"), "No")
    script.recipients["refused@example.org"] = SMTPReply(550, EnhancedStatusCode("5.7.1"), "No")
    let (driver, policy) = try server(security: .implicitTLS, script: script)
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\nAUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\n" + start.rawValue)
    let replies = await driver.send(command + "\r\n")
    #expect(replies.hasPrefix(code))
    #expect(driver.stateName == state)
    #expect(policy.record.open == (state == "content" ? 1 : 0))
  }

  @Test func authenticationAndContent() async throws {
    let (driver, policy) = try server(security: .implicitTLS)
    #expect(driver.stateName == "unconnected")
    _ = await driver.connect()
    #expect(driver.stateName == "command")
    _ = await driver.send("EHLO x\r\nAUTH LOGIN\r\n")
    #expect(driver.stateName == "authenticating")
    _ = await driver.send("*\r\n")
    #expect(driver.stateName == "command")
    _ = await driver.send("AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\n" + Start.withRecipient.rawValue + "DATA\r\nx\n")
    #expect(driver.stateName == "discarding content")
    #expect(policy.record.aborted == 1)
    _ = await driver.send("\r\n.\r\n")
    #expect(driver.stateName == "command")
    _ = await driver.send(String(repeating: "x", count: 3000))
    #expect(driver.stateName == "discarding line")
    _ = await driver.send("\r\n")
    #expect(driver.stateName == "command")
  }

  @Test func startTLS() async throws {
    let (driver, _) = try server()
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\nSTARTTLS\r\n")
    #expect(driver.stateName == "starting TLS")
    driver.startTLS()
    #expect(driver.stateName == "command")
  }
}
