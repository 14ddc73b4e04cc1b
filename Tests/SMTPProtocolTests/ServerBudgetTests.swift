import MailModel
import SMTPProtocol
import SMTPProtocolTesting
import Testing

/// What a client may do that leads nowhere: n − 1, n, n + 1, and that a lawful one never meets it.
@Suite struct ServerBudgetTests {
  private static let message =
    "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nBDAT 6 LAST\r\nx: y\r\n"

  private func ready(
    change: (inout Limits) -> Void = { _ in }
  ) async throws -> (SessionDriver<RecordingPolicy>, RecordingPolicy) {
    let (driver, policy) = try server(security: .implicitTLS) { change(&$0.limits) }
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\nAUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\n")
    return (driver, policy)
  }

  /// Sends `command` `count` times, with one error to spare.
  private func isClosed(
    by command: String, times count: Int, change: (inout Limits) -> Void
  ) async throws -> Bool {
    let (driver, _) = try await ready {
      $0.errors = 1
      change(&$0)
    }
    for number in 1...count {
      #expect(!driver.isClosed, "closed before the \(number)th \(command)")
      _ = await driver.send(command + "\r\n")
    }
    return driver.isClosed
  }

  @Test(arguments: ["NOOP", "HELP", "VRFY x", "EHLO y", "HELO y"], [(4, false), (5, true)])
  func uselessCommands(command: String, case: (count: Int, isClosed: Bool)) async throws {
    let isClosed = try await isClosed(by: command, times: `case`.count) { $0.uselessCommands = 5 }
    #expect(isClosed == `case`.isClosed)
  }

  @Test(arguments: [(4, false), (5, true)])
  func resets(count: Int, isClosed expected: Bool) async throws {
    #expect(try await isClosed(by: "RSET", times: count) { $0.resets = 5 } == expected)
  }

  @Test(arguments: [(4, false), (5, true)])
  func fruitlessTransactions(count: Int, isClosed expected: Bool) async throws {
    let command = "MAIL FROM:<a@example.com>\r\nRSET"
    #expect(try await isClosed(by: command, times: count) { $0.fruitlessTransactions = 5 } == expected)
  }

  @Test func theFirstHelloIsOfUse() async throws {
    let (driver, _) = try server {
      $0.limits.errors = 1
      $0.limits.uselessCommands = 1
    }
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\n")
    _ = await driver.send("STARTTLS\r\n")
    driver.startTLS()
    _ = await driver.send("EHLO x\r\n")
    #expect(!driver.isClosed)
    _ = await driver.send("EHLO x\r\n")
    #expect(driver.isClosed)
  }

  @Test func authenticationThatCannotBeDecidedIsOfNoUse() async throws {
    // One that the policy does not decide: its own words are a 4xx.
    var configuration = ServerConfiguration(hostName: try #require(DomainName("mail.example.net")))
    configuration.security = .implicitTLS
    configuration.limits.uselessCommands = 3
    configuration.limits.errors = 1
    var session = ServerSession(configuration: configuration)
    let now = MonotonicInstant(nanoseconds: 0)
    var replies: [UInt8] = []
    _ = session.start(tls: TLSFacts(version: "TLSv1.3"), at: now)
    session.resume(.connected(mechanisms: ["PLAIN"], extensions: []), at: now, replies: &replies)
    let hello = Array("EHLO x\r\n".utf8)
    _ = session.receive(hello.span, at: now, replies: &replies)
    let command = Array("AUTH PLAIN =\r\n".utf8)
    for _ in 0..<3 {
      let action = session.receive(command.span, at: now, replies: &replies).action
      #expect(action == .ask(.authentication(mechanism: "PLAIN", initialResponse: [])))
      let later = SMTPReply(454, nil, "Later")
      session.resume(.authentication(.failure(later)), at: now, replies: &replies)
    }
    #expect(session.receive(command.span, at: now, replies: &replies).action == .close)
  }

  @Test func anAcceptedMessageOpensEveryBudgetAnew() async throws {
    let (driver, policy) = try await ready {
      $0.errors = 1
      $0.uselessCommands = 4
      $0.resets = 4
      $0.fruitlessTransactions = 3
      $0.discardedContent = 10
      $0.messageSize = 9
    }
    for _ in 0..<20 {
      _ = await driver.send("NOOP\r\nRSET\r\nHELP\r\nRSET\r\nVRFY x\r\nMAIL FROM:<a@example.com>\r\nRSET\r\n")
      _ = await driver.send(Self.message)
      #expect(!driver.isClosed)
    }
    #expect(policy.record.messages.count == 20)
  }

  /// One connection for a thousand messages, as a mail server keeps it open: a RSET before and behind each, some refused.
  @Test func aLawfulServerMeetsNoBudget() async throws {
    var script = RecordingPolicy.Script()
    script.recipients["gone@example.org"] = SMTPReply(550, EnhancedStatusCode("5.1.1"), "No such mailbox")
    let (driver, policy) = try server(security: .implicitTLS, script: script)
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\nAUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\n")
    for number in 0..<1000 {
      let isRefused = number % 2 == 1
      _ = await driver.send(
        "RSET\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<\(isRefused ? "gone" : "b")@example.org>\r\nDATA\r\n")
      _ = await driver.send(isRefused ? "RSET\r\n" : "x: y\r\n.\r\nNOOP\r\n")
      #expect(!driver.isClosed)
    }
    #expect(policy.record.messages.count == 500)
    #expect(await driver.send("MAIL FROM:<a@example.com>\r\n").hasPrefix("421 4.7.0 Too many messages"))
  }

  @Test func transactionsCountWhetherTheySucceedOrNot() async throws {
    var script = RecordingPolicy.Script()
    script.senders["no@example.com"] = SMTPReply(450, EnhancedStatusCode("4.7.1"), "Later")
    for (count, isClosed) in [(2, false), (3, false), (4, true)] {
      let (driver, _) = try server(security: .implicitTLS, script: script) { $0.limits.messages = 3 }
      _ = await driver.connect()
      _ = await driver.send("EHLO x\r\nAUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\n")
      for _ in 0..<count { _ = await driver.send("MAIL FROM:<no@example.com>\r\n") }
      #expect(driver.isClosed == isClosed)
    }
  }

  @Test(arguments: [(2, false), (3, false), (4, true)])
  func smallChunks(count: Int, isClosed: Bool) async throws {
    for limit in [1, 3] {
      let (driver, policy) = try await ready {
        $0.smallChunks = limit
        $0.smallChunk = 10
      }
      _ = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n")
      // Those of ten octets earn their own place.
      for _ in 0..<5 { _ = await driver.send("BDAT 10\r\n0123456789") }
      var last = ""
      for _ in 0..<(count - 3 + limit) { last = await driver.send("BDAT 1\r\nx") }
      #expect(driver.isClosed == isClosed)
      #expect(last.hasPrefix("421 4.7.0 Too many small chunks") == isClosed)
      #expect(policy.record.aborted == (isClosed ? 1 : 0))
    }
  }

  @Test func withoutSmallChunksTheFirstIsTooMuch() async throws {
    let (driver, policy) = try await ready { $0.smallChunks = 0 }
    let replies = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nBDAT 1\r\nx")
    #expect(replies.hasSuffix("421 4.7.0 Too many small chunks; closing the connection\r\n"))
    #expect(policy.record.open == 0)
    let (other, messages) = try await ready { $0.smallChunks = 0 }
    _ = await other.send(Self.message)
    #expect(messages.record.messages.count == 1)
  }

  @Test(arguments: [(-1, false), (0, false), (1, true)])
  func refusedContentOfDATA(excess: Int, isClosed: Bool) async throws {
    for isDripped in [false, true] {
      let (driver, policy) = try await ready { $0.discardedContent = 102 }  // with the two octets that are refused
      _ = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx\n")
      #expect(policy.record.aborted == 1)
      var replies = ""
      for octets in isDripped ? Array(repeating: 1, count: 100 + excess) : [100 + excess] {
        replies += await driver.send(String(repeating: "x", count: octets))
      }
      #expect(driver.isClosed == isClosed)
      #expect(replies.hasPrefix("554 5.6.0 ") == isClosed)
      #expect(replies.contains("\r\n421 4.7.0 Too much content") == isClosed)
    }
  }

  @Test(arguments: [(-1, false), (0, false), (1, true)])
  func refusedContentOfBDAT(excess: Int, isClosed: Bool) async throws {
    let (driver, _) = try await ready { $0.discardedContent = 100 }
    let half = "BDAT 50\r\n" + String(repeating: "x", count: 50)
    #expect(await driver.send(half).hasPrefix("503 5.5.1 "))
    let replies = await driver.send("BDAT \(50 + excess)\r\n")
    #expect(driver.isClosed == isClosed)
    #expect(replies.hasPrefix("503 5.5.1 ") == isClosed)
    #expect(replies.contains("\r\n421 4.7.0 Too much content") == isClosed)
    if !isClosed { #expect(await driver.send(String(repeating: "x", count: 50 + excess)).hasPrefix("503 5.5.1 ")) }
  }

  @Test func refusedChunksAreForgivenOnlySoOften() async throws {
    var script = RecordingPolicy.Script()
    script.message = SMTPReply(452, nil, "Full")
    let (driver, _) = try server(security: .implicitTLS, script: script) {
      $0.limits.forgivenCommands = 20
      $0.limits.errors = 1
    }
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\nAUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\n")
    _ = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nBDAT 1\r\nx")
    for _ in 0..<19 { #expect(await driver.send("BDAT 1\r\nx").hasPrefix("503 5.5.1 ")) }
    #expect(!driver.isClosed)
    _ = await driver.send("BDAT 1\r\nx")
    #expect(driver.isClosed)
  }

  /// However much there is of it, the session takes little, and keeps nothing.
  @Test(arguments: [
    ("BDAT 1\r\nx", 2_000), ("BDAT 0\r\n", 2_000), ("RCPT TO:<b@example.org>\r\n", 2_000), ("NOOP\r\n", 200),
    ("RSET\r\n", 200), ("MAIL FROM:<a@example.com>\r\n", 20), ("RSET\r\nMAIL FROM:<a@example.com>\r\n", 300),
    ("x", 100_000), ("\r\n", 20),
    ("RSET\r\nMAIL FROM:<a@example.com>\r\nBDAT 1\r\nx", 20), ("BDAT 50000000\r\n", 10_000_000),
  ])
  func aMillionOfIt(input: String, most: Int) async throws {
    let (driver, policy) = try await ready()
    _ = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n")
    let piece = Array(repeating: Array(input.utf8), count: max(1, 20_000 / input.utf8.count)).flatMap { $0 }
    var shown = 0
    while !driver.isClosed, shown <= most * input.utf8.count {
      _ = await driver.receive(piece)
      shown += piece.count
    }
    #expect(driver.isClosed)
    #expect(policy.record.open == 0)
  }
}

/// Time, where a message comes in chunks.
@Suite struct ServerChunkTimeTests {
  private func begin(
    change: (inout Limits) -> Void = { _ in }
  ) async throws -> (SessionDriver<RecordingPolicy>, RecordingPolicy) {
    let (driver, policy) = try server(security: .implicitTLS) { change(&$0.limits) }
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\nAUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\n")
    _ = await driver.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n")
    return (driver, policy)
  }

  @Test func aChunkMayNotPause() async throws {
    let (driver, policy) = try await begin { $0.dataRateGrace = .seconds(10_000) }
    _ = await driver.send("BDAT 10\r\nx")
    #expect(driver.advance(by: .milliseconds(179_999)).isEmpty)
    #expect(String(decoding: driver.advance(by: .milliseconds(1)), as: UTF8.self).hasPrefix("421 4.4.2 The message"))
    #expect(driver.isClosed)
    #expect(policy.record.aborted == 1)
    #expect(policy.record.open == 0)
  }

  @Test func betweenChunksACommandIsAwaited() async throws {
    let (driver, policy) = try await begin { $0.dataRateGrace = .seconds(10_000) }
    _ = await driver.send("BDAT 1\r\nx")
    #expect(driver.advance(by: .milliseconds(299_999)).isEmpty)
    _ = await driver.send("BDAT 2\r\n")
    #expect(driver.advance(by: .milliseconds(179_999)).isEmpty)
    _ = await driver.send("xx")
    // Ten minutes for the whole are not over before the next command's five.
    #expect(driver.advance(by: .milliseconds(120_001)).isEmpty)
    #expect(String(decoding: driver.advance(by: .milliseconds(1)), as: UTF8.self).hasPrefix("421 4.4.2 Timeout"))
    #expect(policy.record.aborted == 1)
  }

  @Test func chunksMayNotTrickle() async throws {
    let (driver, policy) = try await begin()
    _ = await driver.send("BDAT 5000\r\n" + String(repeating: "x", count: 5_000))
    #expect(driver.advance(by: .seconds(60)).isEmpty)
    _ = await driver.send("NOOP\r\n")  // buys no time
    #expect(driver.advance(by: .milliseconds(9_999)).isEmpty)
    #expect(!driver.advance(by: .milliseconds(1)).isEmpty)
    #expect(policy.record.aborted == 1)
  }

  @Test func norMayWhatIsRefused() async throws {
    let (driver, _) = try await begin()
    _ = await driver.send("RSET\r\nBDAT 5000\r\nx")
    #expect(driver.stateName == "discarding chunk")
    #expect(driver.advance(by: .milliseconds(60_001)).isEmpty)
    #expect(!driver.advance(by: .milliseconds(1)).isEmpty)
    #expect(driver.isClosed)
  }

  @Test func anOverlongLineBetweenChunksHasACommandsTime() async throws {
    let (driver, policy) = try await begin { $0.dataRateGrace = .seconds(10_000) }
    _ = await driver.send("BDAT 1\r\nx" + String(repeating: "x", count: 3000))
    #expect(driver.stateName == "discarding line")
    #expect(driver.advance(by: .milliseconds(299_999)).isEmpty)
    #expect(!driver.advance(by: .milliseconds(1)).isEmpty)
    #expect(policy.record.aborted == 1)
  }
}
