import DeliveryQueue
import DeliveryReporting
import MailModel
import NIOCore
import NIOPosix
import SMTPProtocol
import Testing

@testable import SMTPDelivery

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What an attempt tells of the relay, beside its outcomes.
@Suite("The relay's condition", .timeLimit(.minutes(10)))
struct RelayConditionTests {
  enum Expected: String, Sendable {
    case working, busy, failed, unknown

    func matches(_ condition: SiteCondition) -> Bool {
      switch condition {
      case .working: self == .working
      case .busy: self == .busy
      case .failed: self == .failed
      case .unknown: self == .unknown
      @unknown default: false
      }
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var event: String
    var reply: String
    var expected: Expected

    init(_ event: String, _ reply: String, _ expected: Expected) {
      (self.event, self.reply, self.expected) = (event, reply, expected)
    }

    var testDescription: String { "\(event.isEmpty ? "greeting" : event): \(reply)" }
  }

  private static let content = OctetsContent("Subject: x\r\n\r\nbody\r\n")

  // MARK: Replies

  @Test(arguments: [
    Case("", "554 5.3.2 no SMTP here", .busy), Case("", "554 5.7.1 go away", .failed),
    Case("", "421 4.3.2 going", .busy), Case("", "450 4.7.1 try later", .failed),
    Case("", "554 5.7.1 Too many connections from your address", .busy),
    Case("EHLO", "550 5.7.1 go away", .failed), Case("EHLO", "451 4.3.0 later", .failed),
    Case("EHLO", "421 no", .busy), Case("EHLO", "451 Server busy", .busy),
    Case("MAIL", "250 ok", .working), Case("MAIL", "550 5.7.1 not you", .working),
    Case("MAIL", "452 4.3.1 full", .working), Case("MAIL", "451 4.3.2 not now", .busy),
    Case("MAIL", "450 4.4.5 congested", .busy), Case("MAIL", "421 4.7.0 too fast", .busy),
    Case("MAIL", "530 5.7.0 AUTH first", .failed), Case("MAIL", "535 5.7.8 no", .failed),
    Case("MAIL", "450 4.7.0 Too many concurrent connections", .busy),
    Case("MAIL", "451 4.7.500 Server busy. Please try again later", .busy),
    Case("MAIL", "550 5.7.1 Sending rate exceeded", .working),
    Case("RCPT", "550 5.1.1 nobody", .working), Case("RCPT", "450 4.2.0 greylisted", .working),
    Case("RCPT", "451 4.7.1 Greylisted, please come again", .working),
    Case("RCPT", "452 4.5.3 too many recipients", .working),
    Case("RCPT", "450 4.2.1 that mailbox gets mail too quickly", .working),
    // What the reply repeats is the sender's.
    Case("RCPT", "450 4.7.1 <throttle@x.example>: Greylisted", .working),
    Case("RCPT", "450 4.7.1 <x@overload.example>: Greylisted", .working),
    Case("RCPT", "450 4.7.1 no relay to overload.example: later", .working),
    Case("RCPT", "450 4.7.1 <\"too many connections\"@x.example>: Greylisted", .working),
    Case("RCPT", "450 4.7.1 <\"a\\\" server busy\"@x.example>: Greylisted", .working),
    Case("RCPT", "450 4.7.1 <throttle\u{a0}x@x.example>: Greylisted", .working),
    Case("RCPT", "450 4.7.0 <b@example.org>: throttled. Slow down.", .busy),
    Case("RCPT", "450 4.7.0 slow down", .busy), Case("RCPT", "451 you are being throttled", .busy),
    Case("RCPT", "421 4.7.0 b@example.org gets too much", .busy), Case("RCPT", "530 5.7.0 AUTH", .failed),
    Case("DATA", "554 5.3.0 no", .working), Case("DATA", "451 4.3.0 disk", .working),
    Case("DATA", "421 4.4.2 gone", .busy),
    Case(".", "554 5.7.1 spam", .working), Case(".", "451 4.3.0 disk", .working),
    Case(".", "452 4.7.0 Rate limit reached", .busy), Case(".", "421 4.3.2 going", .busy),
    Case(".", "535 5.7.8 no", .failed),
  ])
  func aReply(_ test: Case) async throws {
    let script = ScriptedServer.polite { event in
      let matches = test.event.isEmpty ? event.isEmpty : event.hasPrefix(test.event)
      // HELO after EHLO too.
      return matches || test.event == "EHLO" && event.hasPrefix("HELO") ? .say(test.reply) : nil
    }
    try await ScriptedServer.run(script) { server in
      let report = try await RelayTransport.send(
        Self.content, to: "b@example.org", "c@example.org", by: .test(server.endpoint))
      #expect(test.expected.matches(report.condition), "\(report.condition)")
      #expect(!"\(report.condition)".contains("b@example.org"))
    }
  }

  @Test func whoTakesItForOneWorks() async throws {
    let script = ScriptedServer.polite { $0 == "RCPT TO:<b@example.org>" ? .say("450 4.7.0 slow down") : nil }
    try await ScriptedServer.run(script) { server in
      let report = try await RelayTransport.send(
        Self.content, to: "b@example.org", "c@example.org", by: .test(server.endpoint))
      #expect(report.condition == .working)
    }
  }

  @Test func theWorstOfSeveralRefusalsCounts() async throws {
    let script = ScriptedServer.polite { event in
      switch event {
      case "RCPT TO:<b@example.org>": .say("550 5.1.1 nobody")
      case "RCPT TO:<c@example.org>": .say("450 4.7.0 slow down")
      case "RCPT TO:<d@example.org>": .say("550 5.1.1 nobody")
      default: nil
      }
    }
    try await ScriptedServer.run(script) { server in
      let report = try await RelayTransport.send(
        Self.content, to: "b@example.org", "c@example.org", "d@example.org", by: .test(server.endpoint))
      #expect(report.condition == .busy("\(server.endpoint) answered RCPT with 450 4.7.0"))
    }
  }

  @Test func aMessageThatTheRelayCannotTakeIsNoFaultOfIts() async throws {
    try await ScriptedServer.run(ScriptedServer.polite([])) { server in
      let report = try await RelayTransport.send(
        OctetsContent("Subject: é\r\n\r\n"), to: "b@example.org", body: .eightBitMIME, by: .test(server.endpoint))
      #expect(report.condition == .working)
    }
  }

  // MARK: Connections

  @Test func nobodyListens() async throws {
    let port = try ReservedPort()
    defer { port.release() }
    let endpoint = try port.endpoint
    let report = try await RelayTransport.send(Self.content, to: "b@example.org", by: .test(endpoint))
    #expect(Expected.failed.matches(report.condition))
    #expect("\(report.condition)".contains("\(endpoint) cannot be reached: "), "\(report.condition)")
  }

  @Test(arguments: [
    Case("", "", .failed), Case("EHLO", "", .failed), Case("MAIL", "", .unknown), Case("RCPT", "", .unknown),
    Case("DATA", "", .unknown), Case(".", "", .unknown),
  ])
  func aDrop(_ test: Case) async throws {
    try await expect(test, when: .drop)
  }

  @Test(arguments: [
    Case("", "", .failed), Case("EHLO", "", .failed), Case("MAIL", "", .unknown), Case("RCPT", "", .unknown),
    Case("DATA", "", .unknown), Case(".", "", .unknown),
  ])
  func aSilence(_ test: Case) async throws {
    try await expect(test, when: .keepSilent)
  }

  @Test func whatItSaidBeforeItWasLostCounts() async throws {
    let script = ScriptedServer.polite { event in
      switch event {
      case "RCPT TO:<b@example.org>": .say("450 4.7.0 slow down")
      case "RCPT TO:<c@example.org>": .drop
      default: nil
      }
    }
    try await ScriptedServer.run(script) { server in
      let report = try await RelayTransport.send(
        Self.content, to: "b@example.org", "c@example.org", by: .test(server.endpoint))
      #expect(report.condition == .busy("\(server.endpoint) answered RCPT with 450 4.7.0"))
    }
  }

  @Test(arguments: [
    Case("", "", .failed), Case("EHLO", "", .failed), Case("RCPT", "", .failed), Case("DATA", "", .failed),
  ])
  func whatIsNoSMTP(_ test: Case) async throws {
    try await expect(test, when: .say("SSH-2.0-OpenSSH_9.2"))
  }

  private func expect(_ test: Case, when move: ScriptedServer.Move) async throws {
    let script = ScriptedServer.polite(["8BITMIME"]) { event in
      (test.event.isEmpty ? event.isEmpty : event.hasPrefix(test.event)) ? move : nil
    }
    try await ScriptedServer.run(script) { server in
      let report = try await RelayTransport.send(
        Self.content, to: "b@example.org",
        by: .test(server.endpoint) { configuration in
          // A machine that is busy must not end another case.
          if case .keepSilent = move { configuration.client.limits.shorten(test.event) }
        })
      #expect(test.expected.matches(report.condition), "\(report.condition)")
      #expect(report.isDeferred)
    }
  }

  @Test func tlsThatIsRequiredAndNotOffered() async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { server in
      let report = try await RelayTransport.send(
        Self.content, to: "b@example.org", by: .test(server.endpoint, .required))
      #expect(report.condition == .failed("\(server.endpoint) does not offer STARTTLS, which is required"))
    }
  }

  // MARK: What is ours

  @Test(arguments: ["", "EHLO client.example", "DATA", "."])
  func aDeliveryThatIsCancelledTellsNothing(_ where: String) async throws {
    let (reached, reach) = AsyncStream<Void>.makeStream()
    let script = ScriptedServer.polite { event in
      guard event == `where` else { return nil }
      reach.yield()
      return .keepSilent
    }
    try await ScriptedServer.run(script) { server in
      let configuration = try RelayConfiguration.test(server.endpoint)
      let delivery = Task { try await RelayTransport.send(Self.content, to: "b@example.org", by: configuration) }
      for await _ in reached { break }
      delivery.cancel()
      #expect(try await delivery.value.condition == .unknown)
    }
  }

  @Test func aDeliveryThatIsCancelledBeforehandTellsNothing() async throws {
    let port = try ReservedPort()
    defer { port.release() }
    let configuration = try RelayConfiguration.test(try port.endpoint)
    let (cancelled, cancel) = AsyncStream<Void>.makeStream()
    let delivery = Task {
      for await _ in cancelled {}
      return try await RelayTransport.send(Self.content, to: "b@example.org", by: configuration)
    }
    delivery.cancel()
    cancel.finish()
    #expect(try await delivery.value.condition == .unknown)
  }

  @Test(arguments: [true, false])
  func contentThatCannotBeReadTellsNothing(_ throwsError: Bool) async throws {
    try await ScriptedServer.run(ScriptedServer.polite()) { server in
      let report = try await RelayTransport.send(
        BrokenContent(good: 10, throwsError: throwsError), to: "b@example.org", by: .test(server.endpoint))
      #expect(report.condition == .unknown)
    }
  }

  @Test(arguments: [
    (EMFILE, true, true), (EMFILE, false, true), (EADDRNOTAVAIL, true, true), (EADDRNOTAVAIL, false, false),
    (ECONNREFUSED, true, false), (ENETUNREACH, false, false),
  ])
  func whyThereIsNoConnection(code: CInt, isIPv4: Bool, isOurs: Bool) {
    let error = IOError(errnoCode: code, reason: "connect")
    #expect(Unreachable(error, isIPv4: isIPv4).isOurs == isOurs)
  }

  /// Refused, or no such address to connect from where the machine has no IPv6.
  @Test func nobodyListensOnIPv6() async throws {
    let port = try ReservedPort()
    defer { port.release() }
    let endpoint = RelayEndpoint(host: .address(try #require(IPAddress("::1"))), port: try port.endpoint.port)
    let report = try await RelayTransport.send(Self.content, to: "b@example.org", by: .test(endpoint))
    #expect(Expected.failed.matches(report.condition), "\(report.condition)")
  }

  @Test func aMachineWithoutRoomForAConnectionTellsNothing() {
    let ours = Unreachable(reason: "Too many open files", isOurs: true)
    #expect(SessionResult.unreachable(ours).condition(of: "x.example:25") == .unknown)
    let its = Unreachable(reason: "Connection refused")
    #expect(
      SessionResult.unreachable(its).condition(of: "x.example:25")
        == .failed("x.example:25 cannot be reached: Connection refused"))
  }
}

extension ClientLimits {
  /// Waits a tenth of a second for the answer to what begins so.
  fileprivate mutating func shorten(_ event: String) {
    let short = Duration.milliseconds(100)
    switch event {
    case "": greetingTimeout = short
    case "EHLO": helloTimeout = short
    case "MAIL": senderTimeout = short
    case "RCPT": recipientTimeout = short
    case "DATA": dataTimeout = short
    default: endOfContentTimeout = short
    }
  }
}
