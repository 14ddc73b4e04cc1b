import MailModel
import SMTPProtocol
import SMTPProtocolTesting
import Testing

/// BDAT (RFC 3030): order, refusals that keep the dialogue in step, and attacks.
@Suite struct ServerChunkTests {
  private static let envelope = "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n"

  /// A session that is secured, authenticated, and has a recipient where `envelope` says so.
  private func begin(
    script: RecordingPolicy.Script = .init(), envelope: String = envelope,
    change: (inout ServerConfiguration) -> Void = { _ in }
  ) async throws -> (SessionDriver<RecordingPolicy>, RecordingPolicy) {
    let (driver, policy) = try server(security: .implicitTLS, script: script, change: change)
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\nAUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk\r\n" + envelope)
    return (driver, policy)
  }

  /// What the server says to `input`, whole and octet by octet, and whether it then is where a command of SMTP is taken.
  private func check(
    _ input: String, _ codes: [String], messages: Int = 0, aborted: Int = 0, envelope: String = envelope,
    script: RecordingPolicy.Script = .init(), change: (inout ServerConfiguration) -> Void = { _ in }
  ) async throws {
    for isDripped in [false, true] {
      let (driver, policy) = try await begin(script: script, envelope: envelope, change: change)
      var replies = ""
      if isDripped {
        for octet in input.utf8 { replies += String(decoding: await driver.receive([octet]), as: UTF8.self) }
      } else {
        replies = await driver.send(input)
      }
      #expect(replies.split(separator: "\r\n").map { "\($0.prefix(3))" } == codes, "\(replies)")
      #expect(policy.record.messages.count == messages)
      #expect(policy.record.aborted == aborted)
      #expect(policy.record.open == 0)
      if !driver.isClosed { #expect(await driver.send("VRFY x\r\n").hasPrefix("252 ")) }
    }
  }

  @Test func chunksMakeAMessage() async throws {
    let (driver, policy) = try await begin()
    #expect(await driver.send("BDAT 6\r\nx: y\r\n") == "250 2.0.0 6 octets received\r\n")
    #expect(driver.stateName == "between chunks")
    #expect(await driver.send("BDAT 0\r\nNOOP\r\n") == "250 2.0.0 0 octets received\r\n250 2.0.0 Ok\r\n")
    #expect(await driver.send("bdat 3 last\r\n\r\nz") == "250 2.0.0 Ok: queued as 1\r\n")
    #expect(driver.stateName == "command")
    #expect(policy.record.messages.map(\.content) == [Array("x: y\r\n\r\nz".utf8)])
  }

  @Test func anEmptyLastChunkEnds() async throws {
    try await check("BDAT 6\r\nx: y\r\nBDAT 0 LAST\r\n", ["250", "250"], messages: 1)
    try await check("BDAT 0 LAST\r\n", ["250"], messages: 1)
  }

  @Test func aLookAlikeOfDATAsEndIsContent() async throws {
    let content = "x: y\r\n.\r\nMAIL FROM:<smuggled@example.com>\r\n"
    try await check("BDAT \(content.utf8.count) LAST\r\n\(content)", ["250"], messages: 1)
  }

  @Test(arguments: [
    "\n", "\r", "\u{0}", "x\n.\ny", "x\r.\r\n", "\r\r\n", "x\r", "\n.\r\n",
  ])
  func defectsAreRefusedInTheirChunk(content: String) async throws {
    let count = content.utf8.count
    try await check("BDAT \(count) LAST\r\n\(content)NOOP\r\n", ["554", "250"], aborted: 1)
    // Cut at each octet; the refusal is that of the chunk in which it can be seen, and one of the two.
    for cut in 0...count {
      let head = content.utf8.prefix(cut), tail = content.utf8.dropFirst(cut)
      let (driver, policy) = try await begin()
      let replies = await driver.send(
        "BDAT \(cut)\r\n\(String(decoding: head, as: UTF8.self))BDAT \(count - cut) LAST\r\n"
          + "\(String(decoding: tail, as: UTF8.self))NOOP\r\n")
      let lines = replies.split(separator: "\r\n")
      #expect(lines.count == 3)
      #expect(lines.filter { $0.hasPrefix("554 5.6.0 ") }.count == 1)
      #expect(lines.last == "250 2.0.0 Ok")
      #expect(policy.record.messages.isEmpty)
      #expect(policy.record.aborted == 1)
    }
  }

  @Test func aLineEndMayBeCutInTwo() async throws {
    try await check("BDAT 5\r\nx: y\rBDAT 1 LAST\r\n\n", ["250", "250"], messages: 1)
    try await check("BDAT 5\r\nx: y\rBDAT 0\r\nBDAT 1 LAST\r\n\n", ["250", "250", "250"], messages: 1)
    try await check("BDAT 5\r\nx: y\rBDAT 1 LAST\r\nz", ["250", "554"], aborted: 1)
  }

  @Test func whatComesBehindARefusedChunkIsDroppedAndForgiven() async throws {
    let chunk = "BDAT 10\r\nRSET\r\nQUIT"
    let rest = String(repeating: chunk, count: 30) + "BDAT 10 LAST\r\nQUIT\r\nQUIT"
    try await check(
      "BDAT 1\r\n\n" + rest + Self.envelope + "BDAT 6 LAST\r\nx: y\r\n",
      ["554"] + Array(repeating: "503", count: 31) + ["250", "250", "250"], messages: 1, aborted: 1)
  }

  @Test(arguments: [
    (552, "5.3.4", "BDAT 101\r\n"), (552, "5.3.4", "BDAT 101 LAST\r\n"), (552, "5.3.4", "BDAT 50\r\n|BDAT 51 LAST\r\n"),
    (552, "5.3.4", "BDAT 100\r\n|BDAT 1\r\n"),
  ])
  func overTheLimitOfSize(code: Int, status: String, commands: String) async throws {
    let (driver, policy) = try await begin { $0.limits.messageSize = 100 }
    var last = ""
    for command in commands.split(separator: "|") {
      let octets = try #require(Int(command.split(whereSeparator: { " \r\n".contains($0) })[1]))
      last = await driver.send(command + String(repeating: "x", count: octets))
    }
    #expect(last.hasPrefix("\(code) \(status) "))
    #expect(policy.record.open == 0)
    #expect(policy.record.messages.isEmpty)
    #expect(driver.stateName == "command")
    #expect(await driver.send("RCPT TO:<b@example.org>\r\n").hasPrefix("503 5.5.1 Send MAIL first"))
  }

  @Test(arguments: [(-1, true), (0, true), (1, false)])
  func size(excess: Int, isTaken: Bool) async throws {
    let (driver, policy) = try await begin { $0.limits.messageSize = 100 }
    let replies = await driver.send(
      "BDAT 60\r\n\(String(repeating: "x", count: 60))BDAT \(40 + excess) LAST\r\n"
        + String(repeating: "x", count: 40 + excess))
    #expect(
      replies.hasSuffix(isTaken ? "queued as 1\r\n" : "552 5.3.4 The message is over the limit of 100 octets\r\n"))
    #expect(policy.record.aborted == (isTaken ? 0 : 1))
  }

  @Test func beforeItsTime() async throws {
    try await check("BDAT 6\r\nQUIT\r\nNOOP\r\n", ["503", "250"], envelope: "")
    try await check("BDAT 6\r\nQUIT\r\nNOOP\r\n", ["503", "250"], envelope: "MAIL FROM:<a@example.com>\r\n")
    // The transaction is gone.
    try await check(
      "BDAT 6\r\nQUIT\r\nRCPT TO:<b@example.org>\r\n", ["503", "503"], envelope: "MAIL FROM:<a@example.com>\r\n")
  }

  @Test func beforeTLS() async throws {
    let (driver, _) = try server()
    _ = await driver.connect()
    _ = await driver.send("EHLO x\r\n")
    #expect(await driver.send("BDAT 10\r\nSTARTTLS\r\n").hasPrefix("530 5.7.0 "))
    #expect(!driver.wantsTLS)
    #expect(driver.stateName == "command")
  }

  @Test func whereItIsNotOffered() async throws {
    try await check("BDAT 6 LAST\r\nQUIT\r\n", ["502"]) { $0.offersChunking = false }
    // Nor behind HELO, which offers nothing.
    let (driver, policy) = try server(security: .implicitTLS) { $0.requiresAuthentication = false }
    _ = await driver.connect()
    _ = await driver.send("HELO x\r\n" + Self.envelope)
    #expect(await driver.send("BDAT 6 LAST\r\nQUIT\r\n").hasPrefix("503 5.5.1 Send EHLO before using BDAT"))
    #expect(!driver.isClosed)
    #expect(policy.record.open == 0)
  }

  @Test func thePolicysRefusalComesBehindTheOctets() async throws {
    for (code, isClosed) in [(UInt16(451), false), (554, false), (421, true)] {
      var script = RecordingPolicy.Script()
      script.message = SMTPReply(code, nil, "No")
      let (driver, policy) = try await begin(script: script)
      let early = await driver.send("BDAT 10 LAST\r\nRSET")
      #expect(early == (isClosed ? "421 No\r\n" : ""))
      #expect(driver.isClosed == isClosed)
      if !isClosed {
        #expect(driver.stateName == "discarding chunk")
        #expect(await driver.send("\r\nQUITNOOP\r\n") == "\(code) No\r\n250 2.0.0 Ok\r\n")
      }
      #expect(policy.record.open == 0)
    }
  }

  @Test func theSinksRefusalEndsTheTransaction() async throws {
    var script = RecordingPolicy.Script()
    script.content = SMTPReply(452, nil, "Full")
    try await check("BDAT 6 LAST\r\nx: y\r\nRCPT TO:<b@x>\r\n", ["452", "503"], script: script)
  }

  @Test(arguments: [
    "BDAT", "BDAT x", "BDAT -1", "BDAT 1x", "BDAT 1 FIRST", "BDAT 1 LAST LAST", "BDAT +1", "BDAT 0x10",
    "BDAT\t94 LAST", "BDAT1",
  ])
  func aLengthThatCannotBeReadEndsTheConnection(line: String) async throws {
    let input = line + "\r\nMAIL FROM:<smuggled@example.com>\r\n"
    try await check(input, ["501"])
    try await check("BDAT 6\r\nx: y\r\n" + input, ["250", "501"], aborted: 1)
    let (driver, _) = try server()
    _ = await driver.connect()
    #expect(await driver.send(input).hasPrefix("501 5.5.4 "))
    #expect(driver.isClosed)
  }

  @Test func aLengthBeyondAllBoundsEndsTheConnection() async throws {
    try await check("BDAT 99999999999999999999\r\n", ["552", "421"])
    try await check("BDAT 9999999999999999999999999999999\r\n", ["552", "421"])
    try await check("BDAT 9223372036854775807 LAST\r\n", ["552", "421"])
    try await check("BDAT 1\r\nxBDAT 9223372036854775807 LAST\r\n", ["250", "552", "421"], aborted: 1)
    try await check("BDAT 9223372036854775807\r\n", ["503", "421"], envelope: "")
  }

  @Test(arguments: ["RSET", "EHLO y", "HELO y"])
  func whatAbandonsAMessage(command: String) async throws {
    let (driver, policy) = try await begin()
    _ = await driver.send("BDAT 6\r\nx: y\r\n")
    #expect(policy.record.open == 1)
    #expect(await driver.send(command + "\r\n").hasPrefix("250"))
    #expect(policy.record.aborted == 1)
    #expect(policy.record.open == 0)
    #expect(driver.stateName == "command")
    // And what comes then is no part of it.
    _ = await driver.send("EHLO x\r\n" + Self.envelope + "BDAT 1 LAST\r\nz")
    #expect(policy.record.messages.map(\.content) == [[0x7A]])
  }

  @Test func quitAbandonsAMessageToo() async throws {
    try await check("BDAT 6\r\nx: y\r\nQUIT\r\nNOOP\r\n", ["250", "221"], aborted: 1)
  }

  @Test func whatEndsTheConnectionAbandonsTheMessage() async throws {
    try await check("BDAT 6\r\nx: y\r\nNOOP\n", ["250", "500"], aborted: 1)
    try await check("BDAT 6\r\nx: y\r\nGET / HTTP/1.1\r\n", ["250", "502"], aborted: 1)
    try await check(
      "BDAT 6\r\nx: y\r\n" + String(repeating: "DATA\r\n", count: 12),
      ["250"] + Array(repeating: "503", count: 10) + ["421"], aborted: 1)
    try await check(
      "BDAT 6\r\nx: y\r\n" + String(repeating: "x", count: 400), ["250", "500", "421"], aborted: 1
    ) {
      $0.limits.commandLine = 100
      $0.limits.discardedLine = 100
    }
  }

  @Test func whatTheTransportCannotCarryOnAbandonsTheMessage() async throws {
    let (driver, policy) = try await begin()
    _ = await driver.send("BDAT 60\r\nx: y\r\n")
    driver.disconnect()
    #expect(policy.record.aborted == 1)
  }

  @Test func aShutdownLetsTheMessageFinish() async throws {
    let (driver, policy) = try await begin()
    _ = await driver.send("BDAT 6\r\nx: y\r\n")
    #expect(driver.shutDown().isEmpty)
    #expect(
      await driver.send("NOOP\r\nBDAT 0 LAST\r\n").hasSuffix(
        "queued as 1\r\n421 4.3.2 The service is shutting down; try again later\r\n"))
    #expect(policy.record.messages.count == 1)
    #expect(driver.isClosed)
  }
}
