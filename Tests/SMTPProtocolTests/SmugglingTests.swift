import MailModel
import SMTPProtocol
import SMTPProtocolTesting
import Testing

@Suite struct SmugglingTests {
  @Test func aLoneDotAtTheVeryBeginningIsTheEnd() async throws {
    let (driver, policy) = try server(security: .implicitTLS)
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\nAUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\n")
    _ = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
    #expect(await driver.send(".\r\n").hasPrefix("250"))
    #expect(policy.record.messages.first?.content == [])
  }

  @Test(arguments: ["EHLO evil\r\n", "x", "\r\n", "\u{0}"])
  func nothingFollowsSTARTTLS(injected: String) async throws {
    let (driver, _) = try server()
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\n")
    let replies = await driver.send("STARTTLS\r\n" + injected)
    #expect(replies.hasPrefix("554 5.7.0 "))
    #expect(driver.isClosed)
    #expect(!driver.wantsTLS)
  }

  @Test func whatWasSaidBeforeTLSIsForgotten() async throws {
    let (driver, policy) = try server { $0.requiresAuthentication = false }
    _ = await driver.connect()
    _ = await driver.send("EHLO before.example\r\n")
    _ = await driver.send("STARTTLS\r\n")
    driver.startTLS()
    let replies = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n.\r\n")
    #expect(replies.hasPrefix("250 2.1.0"))
    #expect(policy.record.messages.first?.request.clientName == nil)
  }

  @Test(arguments: ["STARTTLS x\r\n", "STARTTLS \u{1}\r\n"])
  func startTLSTakesNoParameter(line: String) async throws {
    let (driver, _) = try server()
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\n")
    #expect(await driver.send(line).hasPrefix("501 5.5.4 "))
    #expect(!driver.wantsTLS)
  }

  @Test func withoutTLSThereIsNoAUTH() async throws {
    let (driver, _) = try server(security: .plaintext) { $0.requiresAuthentication = false }
    _ = await driver.connect()
    #expect(!(await driver.send("EHLO x\r\n").contains("AUTH")))
    #expect(await driver.send("AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\n").hasPrefix("502 5.5.1 "))
    #expect(await driver.send("STARTTLS\r\n").hasPrefix("502 5.5.1 "))
    #expect(await driver.send("MAIL FROM:<a@example.com>\r\n") == "250 2.1.0 Ok\r\n")
  }
}
