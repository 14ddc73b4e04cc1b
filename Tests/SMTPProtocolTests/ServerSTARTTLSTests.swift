import MailModel
import SMTPProtocol
import SMTPProtocolTesting
import Testing

/// What somebody on the way may put in front of TLS (RFC 3207 §6, CVE-2011-0411 and its kin).
@Suite struct ServerSTARTTLSTests {
  private func begin(
    _ commands: String = "EHLO x\r\n", change: (inout ServerConfiguration) -> Void = { _ in }
  ) async throws -> (SessionDriver<RecordingPolicy>, RecordingPolicy) {
    let (driver, policy) = try server(change: change)
    _ = await driver.connect()
    _ = await driver.send(commands)
    return (driver, policy)
  }

  @Test(arguments: [
    "EHLO evil\r\n", "RSET\r\n", "x", "\n", "\u{0}", "AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\n", "BDAT 5\r\nhello",
    "STARTTLS\r\n",
  ])
  func inOneSegment(injected: String) async throws {
    let (driver, _) = try await begin()
    let replies = await driver.send("STARTTLS\r\n" + injected)
    #expect(replies == "554 5.7.0 Nothing may follow STARTTLS before the reply; closing the connection\r\n")
    #expect(driver.isClosed)
    #expect(!driver.wantsTLS)
  }

  /// What comes in clear behind the reply is a handshake that fails: the session never sees it.
  @Test func inTwoSegments() async throws {
    let (driver, policy) = try await begin()
    #expect(await driver.send("STARTTLS\r\n") == "220 2.0.0 Ready to start TLS\r\n")
    #expect(driver.wantsTLS)
    #expect(await driver.send("MAIL FROM:<evil@example.com>\r\n") == "")
    #expect(driver.stateName == "starting TLS")
    #expect(driver.isClosed)
    #expect(policy.record.messages.isEmpty)
  }

  @Test(arguments: ["STARTTLS x", "STARTTLS \u{1}", "STARTTLS STARTTLS"])
  func withAParameter(line: String) async throws {
    let (driver, _) = try await begin()
    #expect(await driver.send(line + "\r\n").hasPrefix("501 5.5.4 "))
    #expect(!driver.wantsTLS)
    #expect(await driver.send("STARTTLS\r\n").hasPrefix("220"))
  }

  @Test(arguments: [
    "AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\n", "AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\nMAIL FROM:<a@x>\r\n",
  ])
  func afterAUTHAndWithinATransaction(commands: String) async throws {
    let (driver, _) = try await begin()
    _ = await driver.send("STARTTLS\r\n")
    driver.startTLS()
    _ = await driver.send("EHLO x\r\n" + commands)
    let state = driver.stateName
    #expect(await driver.send("STARTTLS\r\n") == "503 5.5.1 TLS is already in use\r\n")
    #expect(driver.stateName == state)
    #expect(!driver.wantsTLS)
  }

  @Test func pipelinedBehindAChunk() async throws {
    let (driver, policy) = try server(security: .plaintext) { $0.requiresAuthentication = false }
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n")
    // As content it is content, and behind the chunk it is a command that is not to be had.
    let replies = await driver.send("BDAT 10\r\nSTARTTLS\r\nSTARTTLS\r\nBDAT 0 LAST\r\n")
    #expect(
      replies
        == "250 2.0.0 10 octets received\r\n502 5.5.1 STARTTLS is not available here\r\n250 2.0.0 Ok: queued as 1\r\n")
    #expect(policy.record.messages.first?.content == Array("STARTTLS\r\n".utf8))
    #expect(!driver.wantsTLS)
  }

  @Test func withoutEHLO() async throws {
    let (driver, _) = try await begin("")
    #expect(await driver.send("STARTTLS\r\n").hasPrefix("503 5.5.1 Send EHLO first"))
  }

  @Test func theNameFromBeforeIsForgotten() async throws {
    let (driver, policy) = try await begin("EHLO before.example\r\nSTARTTLS\r\n")
    driver.startTLS()
    _ = await driver.send(
      "AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n.\r\n")
    #expect(policy.record.messages.first?.request.clientName == nil)
    #expect(policy.record.messages.count == 1)
  }
}
