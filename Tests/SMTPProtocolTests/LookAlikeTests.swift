import MailModel
import SMTPProtocolTesting
import Testing

@testable import SMTPProtocol

/// Octets that some program takes for the end of a message, and that are not CRLF.CRLF.
struct LookAlike: Sendable, CustomTestStringConvertible {
  var octets: [UInt8]

  /// What some program takes for the end of a line, or skips.
  private static let breaks: [[UInt8]] = [
    [0x0D, 0x0A], [0x0D], [0x0A], [0x00],
    [0x0D, 0x0D, 0x0A], [0x0A, 0x0D], [0x0D, 0x0A, 0x00], [0x0D, 0x00, 0x0A],
    [0x0B], [0x0C],  // VT, FF
    [0x85], [0xC2, 0x85],  // NEL in ISO 8859-1 and UTF-8
    [0xE2, 0x80, 0xA8],  // LINE SEPARATOR
    [0x20], [0x09],
    [0x0D, 0x0A, 0x20], [0x20, 0x0D, 0x0A], [0x09, 0x0D, 0x0A],
  ]

  private static let trueEnd: [UInt8] = [0x0D, 0x0A, 0x2E, 0x0D, 0x0A]

  /// Every two of them round a dot.
  static let all: [LookAlike] = breaks.flatMap { before in
    breaks.map { after in LookAlike(octets: before + [0x2E] + after) }
  }.filter { lookAlike in
    !lookAlike.octets.indices.contains { lookAlike.octets[$0...].starts(with: trueEnd) }
  }

  var testDescription: String { octets.map { String($0, radix: 16) }.joined(separator: " ") }

  /// What the client sends behind the look-alike.
  static let smuggled = Array(
    "MAIL FROM:<smuggled@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nsmuggled\r\n".utf8)

  /// Content that holds it, without the end.
  var content: [UInt8] { Array("Subject: x\r\n\r\nfirst".utf8) + octets + Self.smuggled }

  /// Whether no CR, LF or NUL of `content` stands where it may not.
  var isClean: Bool {
    let content = content
    return content.indices.allSatisfy { index in
      switch content[index] {
      case 0x00: false
      case 0x0D: index + 1 < content.count && content[index + 1] == 0x0A
      case 0x0A: index > 0 && content[index - 1] == 0x0D
      default: true
      }
    }
  }

  /// `content` as a message: the dot at the front of a line is the client's stuffing.
  var message: [UInt8] {
    var message: [UInt8] = []
    for (index, octet) in content.enumerated() {
      let isStuffing = octet == 0x2E && message.suffix(2) == [0x0D, 0x0A] && content[index - 1] == 0x0A
      if !isStuffing { message.append(octet) }
    }
    return message
  }
}

@Suite("End-of-data look-alikes")
struct LookAlikeTests {
  /// Some are refused for their line ends, some are content like any other.
  @Test func thereAreManyOfBothKinds() {
    #expect(Set(LookAlike.all.map(\.octets)).count == 312)
    #expect(LookAlike.all.count { $0.isClean } == 115)
  }

  /// Whole, octet by octet, and cut in two at every place: one message or one refusal, and never a second transaction.
  @Test(arguments: LookAlike.all)
  func nothingIsSmuggledThroughDATA(lookAlike: LookAlike) async throws {
    let stream = lookAlike.content + Array("\r\n.\r\n".utf8)
    var ways: [[ArraySlice<UInt8>]] = [[stream[...]], stream.indices.map { stream[$0...$0] }]
    ways += stream.indices.dropFirst().map { [stream[..<$0], stream[$0...]] }
    for pieces in ways {
      let (driver, policy) = try server(security: .plaintext) { $0.requiresAuthentication = false }
      _ = await driver.connect()
      let opening = "EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
      try #require(await driver.send(opening).hasSuffix("354 End data with <CR><LF>.<CR><LF>\r\n"))
      var reply = ""
      for piece in pieces { reply += String(decoding: await driver.receive(Array(piece)), as: UTF8.self) }

      try #require(reply.split(separator: "\r\n").count == 1, "\(reply)")
      try #require(reply.hasPrefix(lookAlike.isClean ? "250 " : "554 5.6.0 "), "\(reply)")
      try #require(policy.record.messages.map(\.content) == (lookAlike.isClean ? [lookAlike.message + [13, 10]] : []))
      try #require(policy.record.aborted == (lookAlike.isClean ? 0 : 1))
      try #require(policy.record.open == 0)
      try #require(await driver.send("NOOP\r\n") == "250 2.0.0 Ok\r\n")
    }
  }

  /// The same in BDAT, where even CRLF.CRLF is content: two chunks that meet at every place.
  @Test(arguments: LookAlike.all + [LookAlike(octets: [13, 10, 46, 13, 10])])
  func chunksEndWhereTheyWereSaidTo(lookAlike: LookAlike) {
    let content = lookAlike.content
    let stream = content + Array("MAIL".utf8)
    for cut in 0...content.count {
      var reader = ChunkReader(lineLimit: 65_536)
      var read: [UInt8] = []
      var offset = 0
      for octets in [cut, content.count - cut] {
        reader.begin(octets: octets)
        chunk: while true {
          switch reader.next(stream.span, from: offset) {
          case .octets(let range, let next):
            read += stream[range]
            offset = next
          case .more:
            Issue.record("the chunk is whole")
            break chunk
          case .end(let next):
            offset = next
            break chunk
          }
        }
      }
      reader.finish()
      #expect(read == content)
      #expect(offset == content.count)
      #expect((reader.defect == nil) == lookAlike.isClean)
    }
  }
}
