import MailModel
import Testing

@testable import SMTPProtocol

/// Where a session can stand when something ends it. Two recipients, of whom the first is refused as soon as it can be.
enum ClientPlace: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case greeting, hello, oldHello, startTLS, handshake, authentication, idle, reset, sender, firstRecipient
  case secondRecipient, data, groupedSender, groupedData, withdrawal, content, chunks, endOfContent, lastChunk, quit

  var testDescription: String { rawValue }

  var stage: ClientStage {
    switch self {
    case .greeting: .greeting
    case .hello, .oldHello: .hello
    case .startTLS: .startTLS
    case .handshake: .handshake
    case .authentication: .authentication
    case .idle: .idle
    case .reset: .reset
    case .sender, .groupedSender: .sender
    case .firstRecipient, .secondRecipient: .recipient
    case .data, .groupedData, .withdrawal: .data
    case .content, .chunks: .content
    case .endOfContent, .lastChunk: .endOfContent
    case .quit: .quit
    }
  }

  /// Recipients that are refused before; `nil` where there is no transaction.
  var refused: Int? {
    switch self {
    case .greeting, .hello, .oldHello, .startTLS, .handshake, .authentication, .idle, .quit: nil
    case .reset, .sender, .firstRecipient, .groupedSender: 0
    case .secondRecipient, .data, .groupedData, .content, .chunks, .endOfContent, .lastChunk: 1
    case .withdrawal: 2
    }
  }

  /// A session that stands here.
  func session() -> ClientSession {
    var session = ClientSession(configuration: configuration)
    reach(&session)
    return session
  }

  private func reach(_ session: inout ClientSession) {
    var output: [UInt8] = []
    func hear(_ replies: [String]) {
      for reply in replies { _ = session.receive(Array("\(reply)\r\n".utf8).span, at: .zero, output: &output) }
    }
    _ = session.start(at: .zero)
    if self == .greeting { return }
    hear(["220 mx"])
    if self == .hello { return }
    hear(self == .oldHello ? ["502 what?"] : ["250-mx\r\n250-STARTTLS\r\n250-AUTH PLAIN\(extensions)\r\n250 SIZE"])
    if self == .handshake { hear(["220 go"]) }
    if self == .quit { _ = session.quit(at: .zero, output: &output) }
    if self == .reset {
      _ = session.begin(.test(to: "x@example.org"), at: .zero, output: &output)
      hear(["250 ok", "550 no"])
    }
    guard refused != nil else { return }
    _ = session.begin(.test(to: "b@example.org", "c@example.org"), at: .zero, output: &output)
    hear(answers)
    if [.endOfContent, .lastChunk, .chunks].contains(self) {
      let chunk = String(repeating: "x", count: 8_190) + "\r\n"
      _ = session.writeContent(Array(chunk.utf8).span, at: .zero, output: &output)
    }
    if [.endOfContent, .lastChunk].contains(self) { _ = session.finishContent(at: .zero, output: &output) }
  }

  private var configuration: ClientConfiguration {
    switch self {
    case .startTLS, .handshake: .test(.required)
    case .authentication: .test(.none, user: "user", inClear: true)
    case .groupedSender, .groupedData, .withdrawal: .pipelining
    case .chunks, .lastChunk: .chunking
    default: .test
    }
  }

  private var extensions: String {
    switch self {
    case .groupedSender, .groupedData, .withdrawal: "\r\n250-PIPELINING"
    case .chunks, .lastChunk: "\r\n250-PIPELINING\r\n250-CHUNKING"
    default: ""
    }
  }

  /// What the server says from MAIL on.
  private var answers: [String] {
    switch self {
    case .firstRecipient: ["250 ok"]
    case .secondRecipient: ["250 ok", "550 unknown"]
    case .data, .groupedData, .chunks, .lastChunk: ["250 ok", "550 unknown", "250 ok"]
    case .withdrawal: ["250 ok", "550 unknown", "550 unknown", "354 go"]
    case .content, .endOfContent: ["250 ok", "550 unknown", "250 ok", "354 go"]
    default: []
    }
  }
}

/// What ends a session, wherever it stands.
enum ClientEnding: CaseIterable, Sendable {
  case lost, lostWithinAReply, timeout, abandoned, closing, closingInTwoLines, malformed, overlong, endless, goAhead

  /// What the session is told, and what it makes of it.
  func happen(to session: inout ClientSession) -> ClientAction {
    var output: [UInt8] = []
    func hear(_ text: String) -> ClientAction {
      session.receive(Array(text.utf8).span, at: .zero, output: &output).action
    }
    switch self {
    case .lost: return session.fail(.connectionLost("closed"))
    case .lostWithinAReply:
      if session.stage == .handshake { return session.fail(.connectionLost("closed")) }
      let action = hear("250-ok\r\n25")
      return action == .read ? session.fail(.connectionLost("closed")) : action
    case .timeout:
      return session.nextDeadline.map { session.expire(at: $0) } ?? session.fail(.timeout)
    case .abandoned: return session.fail(.abandoned("enough"))
    case .closing: return hear("421 bye\r\n")
    case .closingInTwoLines: return hear("421-bye\r\n421 now\r\n")
    case .malformed: return hear("250 ok\n")
    case .overlong: return hear(String(repeating: "2", count: 2_049))
    case .endless: return hear(String(repeating: "250-x\r\n", count: 101))
    case .goAhead: return hear("354 go\r\n")
    }
  }

  func reason(at place: ClientPlace) -> ClientFailure.Reason {
    switch self {
    case .lost, .lostWithinAReply: .connectionLost("closed")
    case .timeout: .timeout
    case .abandoned: .abandoned("enough")
    case .closing where place != .handshake: .refused(SMTPReply(421, nil, "bye"))
    case .closingInTwoLines where place != .handshake: .refused(SMTPReply(421, nil, lines: ["bye", "now"]))
    case .malformed where place != .handshake: .protocolError("a line ends in LF without CR")
    case .overlong where place != .handshake: .protocolError("a line is over 2048 octets")
    case .endless where place != .handshake: .protocolError("a reply is over 100 lines")
    case .goAhead where place != .handshake: .protocolError("unexpected reply 354")
    default: .protocolError("octets in clear came before TLS stood")
    }
  }
}

@Suite("The end of a client's session")
struct ClientEndTests {
  @Test(arguments: ClientPlace.allCases, ClientEnding.allCases)
  func everyEndAtEveryPlace(_ place: ClientPlace, _ ending: ClientEnding) {
    var session = place.session()
    #expect(session.stage == place.stage)
    // 354 is what DATA is to be answered with, and AUTH with any 3xx: see what follows.
    if ending == .goAhead, [.data, .groupedData, .authentication].contains(place) { return }
    let action = ending.happen(to: &session)
    let (isClosed, stage, deadline) = (session.isClosed, session.stage, session.nextDeadline)
    #expect(isClosed && stage == .quit && deadline == nil)
    let failure = ClientFailure(ending.reason(at: place), at: place.stage)
    guard place != .quit else {
      #expect(action == .close)
      return
    }
    let outcome: ClientOutcome =
      if case .refused(let reply) = failure.reason { .refused(reply, at: place.stage) } else { .interrupted(failure) }
    let refused = ClientOutcome.refused("550 unknown", at: .recipient)
    let outcomes = place.refused.map { count in
      Array(repeating: refused, count: count) + Array(repeating: outcome, count: 2 - count)
    }
    #expect(action == .failed(failure, outcomes ?? []))
    // And nothing comes after it.
    var output: [UInt8] = []
    #expect(session.receive([0x32].span, at: .zero, output: &output).action == .close)
    #expect(session.begin(.test(to: "b@example.org"), at: .zero, output: &output) == .close)
    #expect(session.writeContent([0x32].span, at: .zero, output: &output) == .close)
    #expect(session.finishContent(at: .zero, output: &output) == .close)
    #expect(session.quit(at: .zero, output: &output) == .close)
    #expect(session.tlsStarted(at: .zero, output: &output) == .close)
    #expect(session.fail(.timeout) == .close)
    #expect(output.isEmpty)
  }

  /// A refusal with 4xx or 5xx: which end the session, and which only what it answers.
  @Test(arguments: ClientPlace.allCases, [450, 550])
  func everyRefusalAtEveryPlace(_ place: ClientPlace, _ code: UInt16) {
    var session = place.session()
    var output: [UInt8] = []
    let action = session.receive(Array("\(code) no\r\n".utf8).span, at: .zero, output: &output).action
    let reply = SMTPReply(code, nil, "no")
    let refused = ClientOutcome.refused("550 unknown", at: .recipient)
    switch place {
    case .greeting, .hello, .oldHello, .startTLS, .authentication:
      #expect(action == .failed(ClientFailure(.refused(reply), at: place.stage), []))
    case .handshake:
      #expect(action == .failed(ClientFailure(ClientEnding.goAhead.reason(at: place), at: .handshake), []))
    case .idle:
      #expect(action == .failed(ClientFailure(.protocolError("unexpected reply \(code)"), at: .idle), []))
    case .reset, .content:
      let outcome = ClientOutcome.refused(reply, at: place.stage)
      #expect(
        action
          == .failed(
            ClientFailure(.refused(reply), at: place.stage), place == .reset ? [outcome, outcome] : [refused, outcome]))
    case .sender: #expect(action == .finished([.refused(reply, at: .sender), .refused(reply, at: .sender)]))
    case .groupedSender, .firstRecipient, .chunks, .lastChunk: #expect(action == .read)
    case .secondRecipient: #expect(action == .finished([refused, .refused(reply, at: .recipient)]))
    case .data, .groupedData: #expect(action == .finished([refused, .refused(reply, at: .data)]))
    case .endOfContent: #expect(action == .finished([refused, .refused(reply, at: .endOfContent)]))
    case .withdrawal: #expect(action == .finished([refused, refused]))
    case .quit: #expect(action == .close)
    }
  }

  @Test(arguments: [ClientPlace.data, .groupedData])
  func dataIsAnsweredWith354AndNothingElse(_ place: ClientPlace) {
    var output: [UInt8] = []
    var session = place.session()
    #expect(session.receive(Array("354 go\r\n".utf8).span, at: .zero, output: &output).action == .sendContent)
    session = place.session()
    let failure = ClientFailure(.protocolError("unexpected reply 250"), at: .data)
    #expect(
      session.receive(Array("250 ok\r\n".utf8).span, at: .zero, output: &output).action
        == .failed(failure, [.refused("550 unknown", at: .recipient), .interrupted(failure)]))
  }

  @Test func onlyAfterTheLastOctetIsTheOutcomeUnknown() {
    for place in ClientPlace.allCases {
      var session = place.session()
      guard case .failed(let failure, _) = session.fail(.connectionLost("closed")) else { continue }
      #expect(failure.description.hasSuffix("is unknown") == (place.stage == .endOfContent))
    }
  }
}
