import MailModel
import Testing

@testable import SMTPProtocol

/// A reply that was there before its command went out answers something else. Taking it would move all later ones by one
/// place, up to a 250 for content that the server does not have.
@Suite("Replies before their time")
struct ClientEarlyReplyTests {
  /// As long as a chunk must be.
  private static let chunk = String(repeating: "x", count: 8_190) + "\r\n"

  private func expectUnexpected(_ harness: ClientHarness, _ code: Int, _ stage: ClientStage) {
    #expect(harness.failure == ClientFailure(.protocolError("unexpected reply \(code)"), at: stage))
  }

  @Test func toEHLO() {
    let harness = ClientHarness()
    harness.hear("220 mx\r\n250 mx\r\n")
    expectUnexpected(harness, 250, .hello)
  }

  @Test func toMAIL() {
    let harness = ClientHarness(.test, [.test(to: "b@example.org")])
    harness.hear("220 mx\r\n")
    harness.hear("250 mx\r\n250 ok\r\n")
    expectUnexpected(harness, 250, .sender)
  }

  @Test func toRCPT() {
    let harness = ClientHarness(.test, [.test(to: "b@example.org")])
    harness.open()
    harness.hear("250 ok\r\n550 unknown\r\n")
    expectUnexpected(harness, 550, .recipient)
    guard case .interrupted = harness.outcomes.last?.first else {
      Issue.record("the reply counts")
      return
    }
  }

  /// A reply too many in a group is one before DATA.
  @Test func toDATA() {
    let harness = ClientHarness(.test, [.test(to: "b@example.org")])
    harness.open("PIPELINING")
    harness.hear("250 ok\r\n250 ok\r\n354 go\r\n")
    expectUnexpected(harness, 354, .data)
  }

  @Test(arguments: ["250 2.0.0 queued\r\n", "554 5.7.1 spam\r\n", "250-2.0.0 queued\r\n250 2.0.0 really\r\n"])
  func toTheEndOfTheContent(_ reply: String) {
    for isCut in [false, true] {
      let harness = ClientHarness(.test, [.test(to: "b@example.org")], content: "x\r\n")
      harness.open("PIPELINING")
      harness.hear("250 ok\r\n250 ok\r\n")
      if isCut {
        harness.hear("354 go\r\n" + reply.prefix(6))
        harness.hear(String(reply.dropFirst(6)))
      } else {
        harness.hear("354 go\r\n" + reply)
      }
      #expect(harness.failure?.stage == .endOfContent)
      guard case .interrupted = harness.outcomes.last?.first else {
        Issue.record("the reply counts")
        continue
      }
    }
  }

  @Test func toAChunk() {
    let harness = ClientHarness(.chunking, [.test(to: "b@example.org")], content: "x\r\n")
    harness.open("PIPELINING", "CHUNKING")
    harness.hear("250 ok\r\n250 ok\r\n250 ok\r\n250 2.0.0 queued\r\n")
    expectUnexpected(harness, 250, .endOfContent)
  }

  /// What began between two transactions answers none of them.
  @Test(arguments: ["250-by the", "250-by the\r\n", "2"])
  func inTwoParts(_ start: String) {
    var session = ClientSession(configuration: .test)
    var output: [UInt8] = []
    var input: [UInt8] = []
    func hear(_ text: String) -> ClientAction {
      input += Array(text.utf8)
      let step = session.receive(input.span, at: .zero, output: &output)
      input.removeFirst(step.consumed)
      return step.action
    }
    _ = session.start(at: .zero)
    _ = hear("220 mx\r\n")
    #expect(hear("250 mx\r\n") == .ready)
    #expect(hear(start) == .read)
    #expect(session.begin(.test(to: "b@example.org"), at: .zero, output: &output) == .read)
    let failure = ClientFailure(.protocolError("unexpected reply 250"), at: .sender)
    let rest = start.hasSuffix("\r\n") ? "250 way\r\n" : start == "2" ? "50 way\r\n" : "\r\n250 way\r\n"
    #expect(hear(rest) == .failed(failure, [.interrupted(failure)]))
  }

  /// 421 may come at any time (RFC 5321 §3.8).
  @Test func but421IsHeard() {
    let harness = ClientHarness(.test, [.test(to: "b@example.org"), .test(to: "c@example.org")], content: "")
    harness.open("PIPELINING")
    harness.hear("250 ok\r\n250 ok\r\n")
    harness.hear("354 go\r\n")
    harness.hear("250 2.0.0 queued\r\n421 4.7.0 enough\r\n")
    #expect(
      harness.outcomes == [[.accepted("250 2.0.0 queued")], [.refused("421 4.7.0 enough", at: .sender)]])
  }

  @Test(arguments: ["2", "250 mx\r\n", "250-mx\r\n", "\r\n", "\u{16}\u{3}\u{1}"])
  func octetsBehindSTARTTLSInTwoSegments(_ injected: String) {
    var session = ClientSession(configuration: .test(.required))
    var output: [UInt8] = []
    func hear(_ text: String) -> ClientAction {
      session.receive(Array(text.utf8).span, at: .zero, output: &output).action
    }
    _ = session.start(at: .zero)
    _ = hear("220 mx\r\n")
    _ = hear("250-mx\r\n250 STARTTLS\r\n")
    #expect(hear("220 go\r\n") == .startTLS)
    #expect(hear("") == .read)
    let failure = ClientFailure(.protocolError("octets in clear came before TLS stood"), at: .handshake)
    #expect(hear(injected) == .failed(failure, []))
    let said = output.count
    #expect(session.tlsStarted(at: .zero, output: &output) == .close)
    #expect(output.count == said)
  }

  @Test func aRefusedChunkStopsTheContentThatIsLeft() {
    var session = ClientSession(configuration: .chunking)
    var output: [UInt8] = []
    func hear(_ text: String) -> ClientAction {
      session.receive(Array(text.utf8).span, at: .zero, output: &output).action
    }
    func write(_ text: String) -> ClientAction {
      session.writeContent(Array(text.utf8).span, at: .zero, output: &output)
    }
    _ = session.start(at: .zero)
    _ = hear("220 mx\r\n")
    #expect(hear("250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n") == .ready)
    _ = session.begin(.test(to: "b@example.org"), at: .zero, output: &output)
    #expect(hear("250 ok\r\n250 ok\r\n") == .sendContent)
    #expect(write(Self.chunk) == .read)
    #expect(write(Self.chunk) == .read)
    #expect(hear("250 ok\r\n") == .read)
    #expect(hear("552 5.3.4 too large\r\n") == .read)
    #expect(session.stage == .content)
    let said = output.count
    #expect(write("c\r\n") == .read)
    #expect(write("d\n") == .read)
    #expect(output.count == said)
    #expect(
      session.finishContent(at: .zero, output: &output)
        == .finished([.refused("552 5.3.4 too large", at: .content)]))
    #expect(session.stage == .idle)
    #expect(session.nextDeadline == nil)
    #expect(output.count == said)
    _ = session.begin(.test(to: "c@example.org"), at: .zero, output: &output)
    #expect(String(decoding: output[said...], as: UTF8.self).hasPrefix("RSET\r\nMAIL FROM:"))
  }

  /// More replies than chunks.
  @Test func aChunkHasOneReply() {
    var session = ClientSession(configuration: .chunking)
    var output: [UInt8] = []
    func hear(_ text: String) -> ClientAction {
      session.receive(Array(text.utf8).span, at: .zero, output: &output).action
    }
    _ = session.start(at: .zero)
    _ = hear("220 mx\r\n")
    _ = hear("250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n")
    _ = session.begin(.test(to: "b@example.org"), at: .zero, output: &output)
    _ = hear("250 ok\r\n250 ok\r\n")
    _ = session.writeContent(Array(Self.chunk.utf8).span, at: .zero, output: &output)
    let failure = ClientFailure(.protocolError("unexpected reply 250"), at: .content)
    #expect(hear("250 ok\r\n250 ok\r\n") == .failed(failure, [.interrupted(failure)]))
  }

  /// What began behind the reply to a chunk was there before the next chunk.
  @Test(arguments: [("2", "50 ok\r\n"), ("250-two\r\n", "250 lines\r\n")])
  func behindTheReplyToAChunk(_ start: String, _ rest: String) {
    var session = ClientSession(configuration: .chunking)
    var output: [UInt8] = []
    var input: [UInt8] = []
    func hear(_ text: String) -> ClientAction {
      input += Array(text.utf8)
      let step = session.receive(input.span, at: .zero, output: &output)
      input.removeFirst(step.consumed)
      return step.action
    }
    _ = session.start(at: .zero)
    _ = hear("220 mx\r\n")
    _ = hear("250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n")
    _ = session.begin(.test(to: "b@example.org"), at: .zero, output: &output)
    _ = hear("250 ok\r\n250 ok\r\n")
    _ = session.writeContent(Array(Self.chunk.utf8).span, at: .zero, output: &output)
    #expect(hear("250 ok\r\n" + start) == .read)
    #expect(session.finishContent(at: .zero, output: &output) == .read)
    let failure = ClientFailure(.protocolError("unexpected reply 250"), at: .endOfContent)
    #expect(hear(rest) == .failed(failure, [.interrupted(failure)]))
  }
}
