import MailModel
import Testing

@testable import SMTPProtocol

@Suite("What a server may say")
struct ClientReplyTests {
  /// All in one read, then octet by octet: the same.
  private func read(_ octets: [UInt8], limits: ClientLimits = ClientLimits()) -> [ReplyReader.Event] {
    let whole = read(octets, by: octets.count, limits)
    #expect(read(octets, by: 1, limits) == whole)
    return whole
  }

  private func read(_ octets: [UInt8], by size: Int, _ limits: ClientLimits) -> [ReplyReader.Event] {
    var reader = ReplyReader()
    var events: [ReplyReader.Event] = []
    var offset = 0
    var end = 0
    while end < octets.count {
      end = min(end + max(size, 1), octets.count)
      let shown = Array(octets[..<end])
      while true {
        let event = reader.next(shown.span, from: &offset, limits: limits)
        if event == .incomplete { break }
        events.append(event)
        if case .malformed = event { return events }
      }
    }
    return events
  }

  @Test func repliesOfManyLines() {
    #expect(read(Array("250\r\n".utf8)) == [.reply(SMTPReply(250, nil, ""))])
    #expect(read(Array("250 \r\n".utf8)) == [.reply(SMTPReply(250, nil, ""))])
    #expect(
      read(Array("250-one\r\n250-\r\n250 three\r\n550 no\r\n25".utf8))
        == [.reply(SMTPReply(250, nil, lines: ["one", "", "three"])), .reply(SMTPReply(550, nil, "no"))])
  }

  @Test func enhancedCodes() {
    #expect(SMTPReply.of("550-5.1.1 no such\r\n550 5.1.1 user").lines == ["no such", "user"])
    #expect(SMTPReply.of("550-5.1.1 no such\r\n550-5.1.1\r\n550 user").lines == ["no such", "", "user"])
    #expect(SMTPReply.of("550 5.1.1").enhancedCode == EnhancedStatusCode(.permanentFailure, 1, 1))
    // The class must be that of the reply (RFC 2034 §4).
    #expect(SMTPReply.of("550 4.1.1 odd").enhancedCode == nil)
    #expect(SMTPReply.of("550 4.1.1 odd").lines == ["4.1.1 odd"])
    #expect(SMTPReply.of("354 2.0.0 odd").enhancedCode == nil)
  }

  @Test(arguments: [
    "hello\r\n", "\r\n", "25\r\n", "2500 x\r\n", "250_x\r\n", "150 x\r\n", "650 x\r\n", "2x0 x\r\n", " 250 x\r\n",
    "250 x\n", "250-x\n250 y\r\n", "250 a\rb\r\n", "250 a\r\r\n", "250-x\r\n251 y\r\n", "250-x\r\n250_y\r\n",
    "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 400 Bad Request\r\n",
  ])
  func whatIsNoReply(_ text: String) throws {
    let event = try #require(read(Array(text.utf8)).last)
    guard case .malformed = event else {
      Issue.record("taken: \(event)")
      return
    }
  }

  @Test func textIsMadeHarmless() {
    let octets = Array("250-a\0b\u{1B}[2J\u{7F}\tc\r\n250 \u{202E}é".utf8) + [0xFF, 0xC0, 0x0D, 0x0A]
    guard case .reply(let reply) = read(octets).first else {
      Issue.record("no reply")
      return
    }
    #expect(reply.lines == ["a?b?[2J??c", "????"])
  }

  @Test func aLineHasItsLimit() {
    func line(_ octets: Int) -> [UInt8] { Array("250 \(String(repeating: "x", count: octets - 6))\r\n".utf8) }
    for size in [2_047, 2_048] {
      guard case .reply = read(line(size)).first else {
        Issue.record("\(size) octets are refused")
        continue
      }
    }
    #expect(read(line(2_049)) == [.malformed("a line is over 2048 octets")])
  }

  @Test func aReplyHasItsLimits() {
    func lines(_ count: Int) -> [UInt8] {
      Array((String(repeating: "250-x\r\n", count: count - 1) + "250 x\r\n").utf8)
    }
    for count in [99, 100] {
      guard case .reply(let reply) = read(lines(count)).first else {
        Issue.record("\(count) lines are refused")
        continue
      }
      #expect(reply.lines.count == count)
    }
    #expect(read(lines(101)) == [.malformed("a reply is over 100 lines")])

    var limits = ClientLimits()
    let reply = ReplyReader.Event.reply(SMTPReply(250, nil, lines: ["x", "x", "x"]))
    for limit in [21, 22] {  // three lines of seven
      limits.reply = limit
      #expect(read(lines(3), limits: limits) == [reply])
    }
    limits.reply = 20
    #expect(read(lines(3), limits: limits) == [.malformed("a reply is over 20 octets")])
    // The next reply has the whole limit again.
    limits.reply = 21
    #expect(read(lines(3) + lines(3), limits: limits) == [reply, reply])
  }

  @Test func aLineOfTenMegabytesIsNotKept() {
    let harness = ClientHarness()
    let block = [UInt8](repeating: UInt8(ascii: "x"), count: 64 * 1024)
    var blocks = 0
    while harness.failure == nil, blocks < 160 {
      harness.hear(block)
      blocks += 1
    }
    #expect(blocks == 1)
    #expect(harness.failure == ClientFailure(.protocolError("a line is over 2048 octets"), at: .greeting))
  }

  @Test func aReplyThatNeverEndsIsNotKept() {
    let harness = ClientHarness()
    var lines = 0
    while harness.failure == nil, lines < 10_000 {
      harness.hear("220-and another thing\r\n")
      lines += 1
    }
    #expect(lines == 101)
    #expect(harness.failure == ClientFailure(.protocolError("a reply is over 100 lines"), at: .greeting))
  }
}
