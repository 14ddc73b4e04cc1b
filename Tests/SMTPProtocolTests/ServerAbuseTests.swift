import MailModel
import SMTPProtocol
import SMTPProtocolTesting
import Testing

/// What a stranger, or somebody who means harm, gets out of a session; and that a busy, lawful client is not taken for one.
@Suite struct ServerAbuseTests {
  private static let login = "AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\n"
  private static let envelope = "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n"

  private func begin(
    _ commands: String = login, script: RecordingPolicy.Script = .init(),
    change: (inout ServerConfiguration) -> Void = { _ in }
  ) async throws -> (SessionDriver<RecordingPolicy>, RecordingPolicy) {
    let (driver, policy) = try server(security: .implicitTLS, script: script, change: change)
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\n" + commands)
    return (driver, policy)
  }

  // MARK: Octets that might be commands

  /// Where a BDAT cannot be read, nobody knows how many octets follow it: none of them may become a command.
  @Test(arguments: [
    "BDAT 40" + String(repeating: " ", count: 3_000) + "LAST", "BDAT " + String(repeating: "0", count: 3_000) + "40",
    "bdat\t40 LAST", "BDAT\u{B}40", String(repeating: " ", count: 3_000) + "BDAT 40",
  ])
  func octetsBehindABDATThatCannotBeRead(line: String) async throws {
    for isDripped in [false, true] {
      let (driver, policy) = try await begin(Self.login + Self.envelope)
      let octets = Array((line + "\r\nRSET\r\nMAIL FROM:<smuggled@example.com>\r\n").utf8)
      var replies: [UInt8] = []
      if isDripped {
        for octet in octets { replies += await driver.receive([octet]) }
      } else {
        replies = await driver.receive(octets)
      }
      let text = String(decoding: replies, as: UTF8.self)
      if line.hasPrefix(" ") {
        #expect(text.hasPrefix("500 "))  // no command begins with a blank, and so no octets follow it
      } else {
        #expect(driver.isClosed)
        #expect(!text.contains("250"), "\(text)")
      }
      #expect(policy.record.messages.isEmpty)
    }
  }

  // MARK: Before AUTH

  @Test(arguments: ["RCPT TO:<b@example.org>\r\n", "BDAT 1\r\nx", "DATA\r\n"])
  func nothingIsForgivenBeforeAUTH(command: String) async throws {
    let (driver, _) = try await begin("MAIL FROM:<a@example.com>\r\n")  // the first error of ten
    var count = 1
    while !driver.isClosed, count < 20 {
      _ = await driver.send(command)
      count += 1
    }
    #expect(count == 10)
  }

  @Test(arguments: [(-1, false), (0, true)])
  func theTimeBeforeAUTHIsLimited(offset: Int, isClosed: Bool) async throws {
    let (driver, _) = try await begin("") { $0.limits.authenticationTimeout = .seconds(200) }
    for _ in 0..<4 {
      _ = driver.advance(by: .seconds(40))
      _ = await driver.send("NOOP\r\n")
    }
    let replies = driver.advance(by: .seconds(40 + offset))
    #expect(driver.isClosed == isClosed)
    #expect(String(decoding: replies, as: UTF8.self).hasPrefix(isClosed ? "421 " : ""))
  }

  @Test func afterAUTHThatTimeIsOver() async throws {
    let (driver, _) = try await begin { $0.limits.authenticationTimeout = .seconds(200) }
    for _ in 0..<4 {
      _ = driver.advance(by: .seconds(250))
      #expect(await driver.send("NOOP\r\n") == "250 2.0.0 Ok\r\n")
    }
  }

  /// In clear, before EHLO, before AUTH: a budget for a line, and a command's time.
  @Test(arguments: ["", "EHLO x\r\n"], [(65_536, false), (65_537, true)])
  func octetsThatCannotBeTakenAreFew(opening: String, case: (octets: Int, isClosed: Bool)) async throws {
    let (driver, _) = try server()
    _ = await driver.connect()
    _ = await driver.send(opening)
    let replies = await driver.send("BDAT \(`case`.octets)\r\n")
    #expect(driver.isClosed == `case`.isClosed)
    #expect(replies.contains("421 ") == `case`.isClosed)
    guard !`case`.isClosed else { return }
    _ = driver.advance(by: .seconds(59))
    _ = await driver.receive([0x78])
    #expect(!driver.isClosed)
    _ = driver.advance(by: .seconds(2))
    #expect(driver.isClosed, "a minute is for all of the octets")
  }

  // MARK: What belongs to the time before TLS

  @Test func nothingOfTheTimeBeforeTLSIsLeft() async throws {
    let (driver, _) = try server { $0.limits.forgivenCommands = 50 }
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\nBDAT 0\r\n")
    _ = await driver.send("STARTTLS\r\n")
    driver.startTLS()
    _ = await driver.send("EHLO x\r\n" + Self.login)
    var count = 1  // the refused BDAT
    while !driver.isClosed, count < 20 {
      _ = await driver.send("RCPT TO:<b@example.org>\r\n")
      count += 1
    }
    #expect(count == 10)
  }

  @Test func mechanismsThatAreNoneAreNotOffered() async throws {
    var script = RecordingPolicy.Script()
    script.mechanisms = ["plain", "X\r\n250 EVIL", "", "ÄPFEL", String(repeating: "A", count: 21), "LOGIN"]
    let (driver, _) = try await begin("", script: script)
    let replies = await driver.send("EHLO x\r\n")
    #expect(replies.contains("250-AUTH PLAIN LOGIN\r\n"))
    #expect(!replies.contains("EVIL"))
    #expect(await driver.send(Self.login).hasPrefix("235 "))
  }

  // MARK: The lawful

  @Test(arguments: [512, 1_000])
  func thirtyMebibytesInSmallChunks(size: Int) async throws {
    let (driver, policy) = try await begin(Self.login + Self.envelope)
    let chunk = Array("BDAT \(size)\r\n\(String(repeating: "a", count: size - 2))\r\n".utf8)
    for _ in 0..<(30 << 20) / size where !driver.isClosed { _ = await driver.receive(chunk) }
    #expect(await driver.send("BDAT 0 LAST\r\n").hasPrefix("250 "))
    #expect(policy.record.messages.first?.content.count == (30 << 20) / size * size)
    #expect(policy.record.messages.count == 1)
  }

  /// One connection carries many people's mail: some may not send, some send too much, some mistype, and the rest goes out.
  @Test func aRelayWithManyRefusalsGoesOn() async throws {
    var script = RecordingPolicy.Script()
    script.senders["suspended@example.com"] = SMTPReply(550, EnhancedStatusCode("5.7.1"), "Suspended")
    let (driver, policy) = try await begin(script: script)
    for _ in 0..<60 {
      _ = await driver.send("MAIL FROM:<suspended@example.com>\r\nRSET\r\n")
      _ = await driver.send("MAIL FROM:<a@example.com> SIZE=99999999\r\n")
      _ = await driver.send(Self.envelope + "RCPT TO:<mistyped@-x>\r\nBDAT 2 LAST\r\n\r\n")
    }
    #expect(!driver.isClosed)
    #expect(policy.record.messages.count == 60)
  }
}
