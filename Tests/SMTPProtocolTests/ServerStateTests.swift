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
    case betweenChunks = "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nBDAT 3\r\nx\r\n"
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
    (.withRecipient, "BDAT 0", "250", "between chunks"), (.withRecipient, "BDAT 0 LAST", "250", "command"),
    (.withRecipient, "BDAT 1 x", "501", "closing"), (.withRecipient, "GET / HTTP/1.1", "502", "closing"),
    (.withRecipient, "RCPT TO:<refused@example.org>", "550", "transaction"),
    (.ready, "BDAT 0", "503", "command"), (.ready, "BDAT 0 LAST", "503", "command"),
    (.ready, "BDAT x", "501", "closing"), (.ready, "GET / HTTP/1.1", "502", "closing"),
    (.ready, "MAIL FROM:<a@example.com> FOO", "555", "command"), (.ready, "HELO y", "250", "command"),
    (.transaction, "BDAT 0", "503", "command"), (.transaction, "BDAT x", "501", "closing"),
    (.transaction, "RCPT TO:<b@example.org> FOO", "555", "transaction"), (.transaction, "HELO y", "250", "command"),
    (.betweenChunks, "EHLO y", "250", "command"), (.betweenChunks, "HELO y", "250", "command"),
    (.betweenChunks, "RSET", "250", "command"), (.betweenChunks, "QUIT", "221", "closing"),
    (.betweenChunks, "NOOP", "250", "between chunks"), (.betweenChunks, "HELP", "214", "between chunks"),
    (.betweenChunks, "VRFY a", "252", "between chunks"), (.betweenChunks, "EXPN a", "502", "between chunks"),
    (.betweenChunks, "MAIL FROM:<a@example.com>", "503", "between chunks"),
    (.betweenChunks, "MAIL nonsense", "501", "between chunks"),
    (.betweenChunks, "RCPT TO:<b@example.org>", "503", "between chunks"),
    (.betweenChunks, "RCPT nonsense", "501", "between chunks"), (.betweenChunks, "DATA", "503", "between chunks"),
    (.betweenChunks, "DATA x", "501", "between chunks"), (.betweenChunks, "STARTTLS", "503", "between chunks"),
    (.betweenChunks, "AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk", "503", "between chunks"),
    (.betweenChunks, "XYZZY", "500", "between chunks"), (.betweenChunks, "", "500", "between chunks"),
    (.betweenChunks, "BDAT 0", "250", "between chunks"), (.betweenChunks, "BDAT 0 LAST", "250", "command"),
    (.betweenChunks, "BDAT x", "501", "closing"), (.betweenChunks, "GET / HTTP/1.1", "502", "closing"),
    (.betweenChunks, "BDAT 99999999999", "552", "closing"),
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
    let isEnd = command == "BDAT 0 LAST"
    #expect(replies.hasPrefix(code))
    #expect(driver.stateName == state)
    #expect(policy.record.open == (["content", "between chunks"].contains(state) ? 1 : 0))
    #expect(
      policy.record.aborted == (start == .betweenChunks && ["command", "closing"].contains(state) && !isEnd ? 1 : 0))
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

  /// Each row: what brings a session (in clear, without AUTH) into its state; the input; each action and the state behind it.
  static let actions: [(opening: String, input: String, trace: [String])] = {
    let hello = "EHLO x\r\n"
    let mail = hello + "MAIL FROM:<a@example.com>\r\n"
    let recipient = mail + "RCPT TO:<b@example.org>\r\n"
    let content = recipient + "DATA\r\n"
    let chunks = recipient + "BDAT 1\r\nx"
    let long = String(repeating: "x", count: 3_000)
    return [
      // Before EHLO.
      ("", "NOOP\r\n", ["read: command"]), ("", "MAIL FROM:<a@example.com>\r\n", ["read: command"]),
      ("", "AUTH PLAIN\r\n", ["read: command"]), ("", "STARTTLS\r\n", ["read: command"]), ("", "NO", ["read: command"]),
      ("", "QUIT\r\n", ["close: closing"]), ("", "GET / HTTP/1.1\r\n", ["close: closing"]),
      ("", "x\n", ["close: closing"]), ("", "BDAT 2\r\nx", ["read: discarding chunk"]),
      // No transaction.
      (hello, "MAIL FROM:<a@example.com>\r\n", ["ask sender: asking sender", "read: transaction"]),
      (hello, "RCPT TO:<b@example.org>\r\n", ["read: command"]), (hello, "DATA\r\n", ["read: command"]),
      (hello, "BDAT 1\r\nx", ["read: command"]), (hello, "BDAT x\r\n", ["close: closing"]),
      (hello, long, ["read: discarding line"]), (hello + long, "x", ["read: discarding line"]),
      (hello + long, "\r\n", ["read: command"]), (hello + long, "\n", ["close: closing"]),
      // A transaction.
      (mail, "RCPT TO:<b@example.org>\r\n", ["ask recipient: asking recipient", "read: transaction"]),
      (mail, "MAIL FROM:<a@example.com>\r\n", ["read: transaction"]), (mail, "DATA\r\n", ["read: transaction"]),
      (mail, "BDAT 1\r\nx", ["read: command"]), (mail, "RSET\r\n", ["read: command"]),
      (mail, "EHLO y\r\n", ["read: command"]), (mail, "NOOP\r\n", ["read: transaction"]),
      (mail, "QUIT\r\n", ["close: closing"]), (mail + long, "\r\n", ["read: transaction"]),
      (recipient, "DATA\r\n", ["ask message: asking message", "read: content"]),
      (recipient, "BDAT 2\r\nx", ["ask message: asking message", "content 0..<1: chunk", "read: chunk"]),
      (recipient, "BDAT 99999999\r\n", ["read: discarding chunk"]),
      // Content.
      (content, "QUIT\r\n", ["content 0..<6: content", "read: content"]),
      (content, ".\r\n", ["ask end: asking end of message", "read: command"]),
      (content, "x\n", ["abandonMessage: discarding content", "read: discarding content"]),
      (content + "x\n", "QUIT\r\n", ["read: discarding content"]), (content + "x\n", "\r\n.\r\n", ["read: command"]),
      // Chunks.
      (chunks, "BDAT 0 LAST\r\n", ["ask end: asking end of message", "read: command"]),
      (chunks, "MAIL FROM:<a@example.com>\r\n", ["read: between chunks"]),
      (chunks, "RCPT TO:<b@example.org>\r\n", ["read: between chunks"]), (chunks, "DATA\r\n", ["read: between chunks"]),
      (chunks, "NOOP\r\n", ["read: between chunks"]),
      (chunks, "RSET\r\n", ["abandonMessage: command", "read: command"]),
      (chunks, "EHLO y\r\n", ["abandonMessage: command", "read: command"]),
      (chunks, "QUIT\r\n", ["abandonMessage: closing", "close: closing"]),
      (chunks, "BDAT x\r\n", ["abandonMessage: closing", "close: closing"]),
      (chunks + long, "\r\n", ["read: between chunks"]),
    ]
  }()

  @Test(arguments: actions.indices) func actionAndState(row: Int) throws {
    var configuration = ServerConfiguration(hostName: try #require(DomainName("mail.example.net")))
    configuration.security = .plaintext
    configuration.requiresAuthentication = false
    var machine = Machine(configuration)
    let (opening, input, expected) = Self.actions[row]
    machine.show(opening)
    machine.trace = []
    machine.show(input)
    let trace = machine.trace
    #expect(trace == expected, "\(opening.prefix(200).debugDescription) then \(input.prefix(60).debugDescription)")
  }

  /// Action and state, where a policy and its sink hide nothing.
  @Test func theActionsOfAMessageInChunks() throws {
    var configuration = ServerConfiguration(hostName: try #require(DomainName("mail.example.net")))
    configuration.security = .plaintext
    configuration.requiresAuthentication = false
    var machine = Machine(configuration)
    machine.show(
      "EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nBDAT 5\r\nx\r\nyzBDAT 2 LAST\r\n\r\nNOOP\r\n")
    #expect(
      machine.trace == [
        "ask sender: asking sender", "ask recipient: asking recipient", "ask message: asking message",
        "content 0..<5: chunk", "content 13..<15: chunk", "ask end: asking end of message", "read: command",
      ])
    machine.trace = []
    machine.show("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nBDAT 1\r\nxBDAT 4\r\n\n")
    machine.show("x")
    machine.show("yzBDAT 1 LAST\r\n")
    machine.show("x")
    #expect(
      machine.trace == [
        "ask sender: asking sender", "ask recipient: asking recipient", "ask message: asking message",
        "content 0..<1: chunk", "abandonMessage: discarding chunk", "read: discarding chunk", "read: discarding chunk",
        "read: discarding chunk", "read: command",
      ])
    machine.trace = []
    machine.show("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nBDAT 1\r\nxRSET\r\nQUIT\r\n")
    #expect(machine.trace.suffix(3) == ["content 0..<1: chunk", "abandonMessage: command", "close: closing"])
  }

  /// Shows a session input, accepts what it asks, and writes down each action and the state behind it.
  private struct Machine: ~Copyable {
    private var session: ServerSession
    private var replies: [UInt8] = []
    private let now = MonotonicInstant(nanoseconds: 0)
    var trace: [String] = []

    init(_ configuration: ServerConfiguration) {
      session = ServerSession(configuration: configuration)
      _ = session.start(at: now)
      session.resume(.connected(mechanisms: [], extensions: .all), at: now, replies: &replies)
    }

    mutating func show(_ text: String) {
      var input = Array(text.utf8)
      while true {
        let step = session.receive(input.span, at: now, replies: &replies)
        input.removeFirst(step.consumed)
        trace.append("\(Self.name(step.action)): \(session.stateName)")
        switch step.action {
        case .ask(.endOfMessage): session.resume(.finished(SMTPReply(250, nil, "Ok")), at: now, replies: &replies)
        case .ask: session.resume(.accept, at: now, replies: &replies)
        case .read, .close: return
        default: break
        }
      }
    }

    private static func name(_ action: SessionAction) -> String {
      switch action {
      case .content(let range): "content \(range)"
      case .ask(.sender): "ask sender"
      case .ask(.recipient): "ask recipient"
      case .ask(.message): "ask message"
      case .ask(.endOfMessage): "ask end"
      default: "\(action)"
      }
    }
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
