import MailModel
import SMTPProtocol
import SMTPProtocolTesting
import Testing

/// A session that is secured, authenticated and past EHLO.
private func ready(
  script: RecordingPolicy.Script = .init(), change: (inout Limits) -> Void = { _ in }
) async throws -> (SessionDriver<RecordingPolicy>, RecordingPolicy) {
  let (driver, policy) = try server(security: .implicitTLS, script: script) { change(&$0.limits) }
  _ = await driver.connect()
  _ = await driver.send("EHLO x\r\nAUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\n")
  return (driver, policy)
}

extension SessionDriver {
  func send(_ text: String) async -> String { String(decoding: await receive(Array(text.utf8)), as: UTF8.self) }
}

@Suite struct ServerLimitTests {
  @Test(arguments: [(-1, true), (0, true), (1, false)])
  func commandLine(excess: Int, isTaken: Bool) async throws {
    for isDripped in [false, true] {
      let (driver, _) = try await ready { $0.commandLine = 100 }
      let line = "NOOP " + String(repeating: "x", count: 93 + excess) + "\r\n"
      var replies = ""
      if isDripped {
        for octet in line.utf8 { replies += String(decoding: await driver.receive([octet]), as: UTF8.self) }
      } else {
        replies = await driver.send(line)
      }
      #expect(replies == (isTaken ? "250 2.0.0 Ok\r\n" : "500 5.5.2 Line too long\r\n"))
      #expect(await driver.send("NOOP\r\n") == "250 2.0.0 Ok\r\n")
    }
  }

  @Test func anEndlessLineEndsTheConnection() async throws {
    let (driver, _) = try await ready { $0.discardedLine = 1000 }
    #expect(await driver.send(String(repeating: "x", count: 2048 + 999)) == "")
    #expect(!driver.isClosed)
    let replies = await driver.send("x")
    #expect(replies.hasPrefix("500 5.5.2 Line too long\r\n421 4.7.0"))
    #expect(driver.isClosed)
  }

  @Test(arguments: [(-1, true), (0, true), (1, false)])
  func authenticationLine(excess: Int, isTaken: Bool) async throws {
    let (driver, _) = try server(security: .implicitTLS) { $0.limits.authenticationLine = 400 }
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\nAUTH LOGIN\r\n")
    // Whatever is short enough to be read is bad base 64, whatever is longer is too long.
    let replies = await driver.send(String(repeating: "!", count: 398 + excess) + "\r\n")
    #expect(
      replies
        == (isTaken ? "501 5.5.2 Not valid base 64\r\n" : "500 5.5.6 Authentication exchange line is too long\r\n"))
    let initial = "AUTH PLAIN " + String(repeating: "!", count: 387 + excess) + "\r\n"
    #expect(await driver.send(initial) == replies)
  }

  @Test(arguments: [(-1, true), (0, true), (1, false)])
  func messageSize(excess: Int, isTaken: Bool) async throws {
    for isDripped in [false, true] {
      let (driver, policy) = try await ready { $0.messageSize = 100 }
      _ = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
      let content = "." + String(repeating: ".", count: 98 + excess) + "\r\n.\r\n"
      var replies = ""
      if isDripped {
        for octet in content.utf8 { replies += String(decoding: await driver.receive([octet]), as: UTF8.self) }
      } else {
        replies = await driver.send(content)
      }
      #expect(replies.hasPrefix(isTaken ? "250 2.0.0" : "552 5.3.4 "))
      #expect(policy.record.messages.count == (isTaken ? 1 : 0))
      #expect(policy.record.aborted == (isTaken ? 0 : 1))
      #expect(policy.record.open == 0)
      // In step.
      #expect(await driver.send("NOOP\r\n") == "250 2.0.0 Ok\r\n")
    }
  }

  @Test(arguments: [(-1, true), (0, true), (1, false)])
  func textLine(excess: Int, isTaken: Bool) async throws {
    let (driver, _) = try await ready { $0.textLine = 100 }
    _ = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
    let replies = await driver.send(String(repeating: "\t", count: 100 + excess) + "\r\n.\r\n")
    #expect(replies.hasPrefix(isTaken ? "250 2.0.0" : "554 5.6.0 The message has a line"))
  }

  @Test func recipients() async throws {
    let (driver, policy) = try await ready { $0.recipients = 3 }
    _ = await driver.send("MAIL FROM:<a@example.com>\r\n")
    for _ in 0..<3 { #expect(await driver.send("RCPT TO:<b@example.org>\r\n") == "250 2.1.5 Ok\r\n") }
    // However many, up to the 1,000th they are no errors.
    for _ in 0..<999 { #expect(await driver.send("RCPT TO:<b@example.org>\r\n").hasPrefix("452 4.5.3 ")) }
    #expect(await driver.send("DATA\r\nx\r\n.\r\n").hasPrefix("354"))
    #expect(policy.record.messages.first?.request.envelope.recipients.count == 3)
  }

  @Test func fromTheThousandthOnRefusedRecipientsAreErrors() async throws {
    let (driver, _) = try await ready {
      $0.recipients = 0
      $0.errors = 2
    }
    _ = await driver.send("MAIL FROM:<a@example.com>\r\n")
    for _ in 0..<1000 { _ = await driver.send("RCPT TO:<b@example.org>\r\n") }
    #expect(!driver.isClosed)
    #expect(await driver.send("RCPT TO:<b@example.org>\r\n").contains("\r\n421 4.7.0 Too many errors"))
    #expect(driver.isClosed)
  }

  @Test func whatIsPipelinedBehindARefusalIsNoError() async throws {
    var script = RecordingPolicy.Script()
    script.senders["no@example.com"] = SMTPReply(553, EnhancedStatusCode("5.7.1"), "No")
    let (driver, _) = try await ready(script: script)
    let group =
      "MAIL FROM:<no@example.com>\r\n" + String(repeating: "RCPT TO:<b@example.org>\r\n", count: 50) + "DATA\r\n"
    let replies = await driver.send(group)
    #expect(replies.hasPrefix("553 5.7.1 No\r\n503 5.5.1 Send MAIL first"))
    #expect(replies.split(separator: "\r\n").count == 52)
    #expect(!driver.isClosed)
    // What comes after RSET is nobody's oversight.
    _ = await driver.send("RSET\r\n" + String(repeating: "DATA\r\n", count: 10))
    #expect(driver.isClosed)
  }

  @Test(arguments: ["MAIL FROM:<bad..x@example.com>", "MAIL FROM:<a@example.com> FOO=1"])
  func norBehindAMAILThatCannotBeRead(mail: String) async throws {
    let (driver, _) = try await ready()
    let group = mail + "\r\n" + String(repeating: "RCPT TO:<b@example.org>\r\n", count: 20) + "DATA\r\n"
    _ = await driver.send(group)
    #expect(!driver.isClosed)
  }

  @Test func withoutAMessageNothingIsForgivenForEver() async throws {
    let (driver, _) = try await ready {
      $0.recipients = 0
      $0.errors = 1
    }
    for _ in 0..<9 {
      _ = await driver.send(
        "MAIL FROM:<a@example.com>\r\n" + String(repeating: "RCPT TO:<b@x>\r\n", count: 100) + "RSET\r\n")
      #expect(!driver.isClosed)
    }
    _ = await driver.send("MAIL FROM:<a@example.com>\r\n" + String(repeating: "RCPT TO:<b@x>\r\n", count: 100))
    #expect(driver.isClosed)
  }

  @Test func recipientsAreForgivenAnewWithEachMessage() async throws {
    let (driver, _) = try await ready { $0.recipients = 1 }
    for _ in 0..<30 {
      let group = "MAIL FROM:<a@example.com>\r\n" + String(repeating: "RCPT TO:<b@example.org>\r\n", count: 100)
      _ = await driver.send(group + "DATA\r\n")
      #expect(await driver.send("x: y\r\n.\r\n").hasPrefix("250 2.0.0"))
    }
  }

  @Test(arguments: [0, 1, Int.max]) func noLimitMakesATrap(limit: Int) async throws {
    let (driver, _) = try server {
      $0.limits.commandLine = limit
      $0.limits.authenticationLine = limit
      $0.limits.discardedLine = limit
    }
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\nNOOP\r\nAUTH PLAIN x\r\n")
    _ = await driver.send("NOOP\r\n")
    #expect(limit == .max ? !driver.isClosed : driver.isClosed)
  }

  @Test(
    arguments: [0, 1, Int.max], ["BDAT 9223372036854775807 LAST\r\nx", "DATA\r\nx\n\r\n.\r\n", "DATA\r\nx\r\n.\r\n"])
  func noLimitOfContentMakesATrap(limit: Int, content: String) async throws {
    let (driver, policy) = try await ready {
      $0.messageSize = limit
      $0.textLine = limit
      $0.discardedContent = limit
      $0.smallChunk = limit
      $0.smallChunks = limit
      $0.minimumDataRate = limit
    }
    _ = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n" + content)
    _ = driver.advance(by: .seconds(1))
    driver.disconnect()
    #expect(policy.record.open == 0)
    #expect(policy.record.messages.count == (limit == .max && content.hasSuffix("x\r\n.\r\n") ? 1 : 0))
  }

  @Test(arguments: [1, 3]) func errorsAsManyAsTheLimitSays(limit: Int) async throws {
    let (driver, _) = try await ready { $0.errors = limit }
    for _ in 1..<limit { #expect(await driver.send("XYZZY\r\n") == "500 5.5.2 Command not recognised\r\n") }
    #expect(!driver.isClosed)
    #expect(await driver.send("XYZZY\r\n").contains("\r\n421 "))
    #expect(driver.isClosed)
  }

  @Test func aBareLineFeedEndsAnOverlongLineToo() async throws {
    let (driver, _) = try await ready()
    #expect(await driver.send(String(repeating: "x", count: 3000) + "\n").hasPrefix("500 5.5.2 Lines must end in CRLF"))
    #expect(driver.isClosed)
  }

  @Test func messages() async throws {
    let (driver, _) = try await ready { $0.messages = 2 }
    for _ in 0..<2 {
      let replies = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
      #expect(replies.hasSuffix("354 End data with <CR><LF>.<CR><LF>\r\n"))
      #expect(await driver.send("x: y\r\n.\r\n").hasPrefix("250"))
    }
    #expect(await driver.send("MAIL FROM:<a@example.com>\r\n").hasPrefix("421 4.7.0 Too many messages"))
    #expect(driver.isClosed)
  }

  @Test func errors() async throws {
    let (driver, _) = try await ready()
    for _ in 0..<9 { #expect(await driver.send("XYZZY\r\n") == "500 5.5.2 Command not recognised\r\n") }
    #expect(!driver.isClosed)
    let last = await driver.send("XYZZY\r\nNOOP\r\n")
    #expect(last.hasPrefix("500 5.5.2 Command not recognised\r\n421 4.7.0 Too many errors"))
    #expect(!last.contains("250"))
    #expect(driver.isClosed)
  }

  @Test func authenticationFailures() async throws {
    let (driver, _) = try server(security: .implicitTLS)
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\n")
    for _ in 0..<2 { #expect(await driver.send("AUTH PLAIN AHgAeQ==\r\n").hasPrefix("535 5.7.8 ")) }
    #expect(!driver.isClosed)
    #expect(await driver.send("AUTH PLAIN AHgAeQ==\r\n").contains("\r\n421 4.7.0 Too many authentication failures"))
    #expect(driver.isClosed)
  }
}

@Suite struct ServerTimeTests {
  @Test func commandsHaveTheirTime() async throws {
    let (driver, _) = try server(security: .implicitTLS)
    _ = await driver.connect()
    #expect(driver.advance(by: .seconds(59)).isEmpty)
    // An octet now and then buys no time.
    #expect(await driver.send("N") == "")
    #expect(driver.advance(by: .milliseconds(999)).isEmpty)
    #expect(String(decoding: driver.advance(by: .milliseconds(1)), as: UTF8.self).hasPrefix("421 4.4.2 Timeout"))
    #expect(driver.isClosed)
  }

  @Test func afterAUTHThereIsMore() async throws {
    let (driver, _) = try await ready()
    #expect(driver.advance(by: .seconds(299)).isEmpty)
    #expect(await driver.send("NOOP\r\n") == "250 2.0.0 Ok\r\n")
    #expect(driver.advance(by: .seconds(299)).isEmpty)
    #expect(!driver.advance(by: .seconds(1)).isEmpty)
  }

  private func inContent(
    change: (inout Limits) -> Void = { _ in }
  ) async throws -> (SessionDriver<RecordingPolicy>, RecordingPolicy) {
    let (driver, policy) = try await ready(change: change)
    _ = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
    return (driver, policy)
  }

  @Test func contentMayNotPause() async throws {
    let (driver, policy) = try await inContent { $0.dataRateGrace = .seconds(10_000) }
    #expect(driver.advance(by: .seconds(179)).isEmpty)
    _ = await driver.send("x")
    #expect(driver.advance(by: .seconds(179)).isEmpty)
    #expect(String(decoding: driver.advance(by: .seconds(1)), as: UTF8.self).hasPrefix("421 4.4.2 "))
    #expect(driver.isClosed)
    #expect(policy.record.aborted == 1)
    #expect(policy.record.open == 0)
  }

  @Test func contentMayNotTrickle() async throws {
    let (driver, _) = try await inContent()
    _ = await driver.send(String(repeating: "x", count: 5_000))  // ten seconds' worth behind the grace of a minute
    #expect(driver.advance(by: .milliseconds(69_999)).isEmpty)
    #expect(!driver.advance(by: .milliseconds(1)).isEmpty)
  }

  @Test func contentMayNotLastForever() async throws {
    let (driver, _) = try await inContent()
    for _ in 0..<4 {
      _ = await driver.send(String(repeating: "x", count: 100_000))
      #expect(driver.advance(by: .seconds(149)).isEmpty)
    }
    #expect(driver.advance(by: .seconds(3)).isEmpty)
    #expect(!driver.advance(by: .seconds(1)).isEmpty)
  }

  /// The same octets at once, and with a sink that takes ten minutes for them.
  @Test func theTimeOfASinkIsNotTheClients() async throws {
    var configuration = ServerConfiguration(hostName: try #require(DomainName("mail.example.net")))
    configuration.security = .plaintext
    configuration.requiresAuthentication = false
    var session = ServerSession(configuration: configuration)
    var now = MonotonicInstant(nanoseconds: 0)
    var replies: [UInt8] = []
    #expect(session.start(at: now) == .ask(.connection))
    session.resume(.connected(mechanisms: [], extensions: .all), at: now, replies: &replies)
    var input = Array("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nSubject: x\r\n".utf8)
    while true {
      let step = session.receive(input.span, at: now, replies: &replies)
      input.removeFirst(step.consumed)
      guard case .ask = step.action else {
        #expect(step.action == .content(0..<12))
        break
      }
      session.resume(.accept, at: now, replies: &replies)
    }
    now = now.advanced(by: .seconds(600))
    #expect(session.receive(input.span, at: now, replies: &replies).action == .read)
    #expect(session.expire(at: now.advanced(by: .seconds(59)), replies: &replies) == .read)
    #expect(session.expire(at: now.advanced(by: .seconds(61)), replies: &replies) == .abandonMessage)
    #expect(session.expire(at: now.advanced(by: .seconds(61)), replies: &replies) == .close)
  }

  @Test func shutdownLetsAMessageFinish() async throws {
    let (idle, _) = try await ready()
    #expect(String(decoding: idle.shutDown(), as: UTF8.self).hasPrefix("421 4.3.2 "))
    #expect(idle.isClosed)

    let (busy, policy) = try await inContent()
    #expect(busy.shutDown().isEmpty)
    #expect(busy.stateName == "content")
    let replies = await busy.send("x: y\r\n.\r\nNOOP\r\n")
    #expect(replies.hasPrefix("250 2.0.0 Ok: queued as 1\r\n421 4.3.2 "))
    #expect(busy.isClosed)
    #expect(policy.record.messages.count == 1)
  }
}
