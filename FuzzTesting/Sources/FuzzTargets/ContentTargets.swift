import MailModel
import SMTPProtocol

extension FuzzTarget {
  /// Octets behind DATA: the message ends at the first CRLF.CRLF and nowhere else, lawful content comes out as a simple
  /// decoder gives it, unlawful content is never accepted, and what follows is commands again.
  static let data = FuzzTarget("data", maximumLength: 1_024) { input in
    var decisions = input.decisions
    let configuration = decisions.contentConfiguration()
    let seed = UInt64(decisions.next(below: 256))
    let run = { (delivery: Delivery) in
      let driver = ServerDriver(configuration)
      driver.feed("EHLO a.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n".utf8)
      let start = driver.position
      delivery.cut(input.payload) { piece in
        driver.feed(piece)
        return !driver.isClosed
      }
      driver.finish()
      return (driver, start)
    }
    let (driver, start) = run(.octetByOctet)
    for delivery in [Delivery.whole, .pieces(seed)] {
      let trace = run(delivery).0.trace
      require(trace == driver.trace, "\(delivery):\n\(trace)\noctet by octet:\n\(driver.trace)")
    }
    checkFirstMessage(of: driver, from: start, wire: input.payload, configuration.limits)
  }

  private static func checkFirstMessage(of driver: ServerDriver, from start: Int, wire: [UInt8], _ limits: Limits) {
    guard let end = ReferenceContent.end(of: wire) else {
      return require(driver.messages.isEmpty && driver.endOfMessage == nil, "a message without an end")
    }
    let lines = ReferenceContent.lines(ofWire: wire[..<(end - 3)])
    let content = lines.map { Array($0.map { $0 + [0x0D, 0x0A] }.joined()) }
    let isLawful =
      lines.map { ReferenceContent.isLawful($0, lineLimit: limits.textLine) } == true
      && (content?.count ?? 0) <= limits.messageSize
    // Later messages in the same stream end later.
    guard let accepted = driver.messages.first, isLawful else {
      require(!isLawful, "lawful content was refused:\n\(driver.trace)")
      // Whatever was accepted came by a MAIL behind the end.
      return require(driver.endOfMessage.map { $0 >= start + end } == true, "refused content ended elsewhere")
    }
    require(accepted.content == content, "content came out as something else:\n\(driver.trace)")
    if driver.messages.count == 1, wire.count == end {
      require(driver.endOfMessage == start + end, "a message ended elsewhere")
    }
  }

  /// Content in chunks (RFC 3030): either the fuzzer writes the content and this cuts it, or it writes the commands too.
  static let chunks = FuzzTarget("chunks", maximumLength: 1_024) { input in
    var decisions = input.decisions
    let configuration = decisions.contentConfiguration()
    let seed = UInt64(decisions.next(below: 256))
    let isRaw: Bool = decisions.next()
    let wire = isRaw ? input.payload : decisions.chunked(input.payload)
    let run = { (delivery: Delivery) in
      let driver = ServerDriver(configuration)
      driver.feed("EHLO a.example\r\nMAIL FROM:<a@b.example> BODY=8BITMIME\r\nRCPT TO:<c@d.example>\r\n".utf8)
      delivery.cut(wire) { piece in
        driver.feed(piece)
        return !driver.isClosed
      }
      driver.finish()
      return driver
    }
    let driver = run(.octetByOctet)
    for delivery in [Delivery.whole, .pieces(seed)] {
      let trace = run(delivery).trace
      require(trace == driver.trace, "\(delivery):\n\(trace)\noctet by octet:\n\(driver.trace)")
    }
    for message in driver.messages {
      let lines = ReferenceContent.lines(of: message.content[...])
      require(
        lines.map { ReferenceContent.isLawful($0, lineLimit: configuration.limits.textLine) } == true,
        "unlawful content was accepted:\n\(driver.trace)")
    }
    guard !isRaw else { return }
    let isLawful =
      ReferenceContent.lines(of: input.payload[...]).map {
        ReferenceContent.isLawful($0, lineLimit: configuration.limits.textLine)
      } == true && input.payload.count <= configuration.limits.messageSize
    require(driver.messages.map(\.content) == (isLawful ? [input.payload] : []), "not what was sent:\n\(driver.trace)")
  }
}

extension Decisions {
  /// A server in clear, whose limits are sometimes near.
  fileprivate mutating func contentConfiguration() -> ServerConfiguration {
    var none = Decisions([])
    var configuration = none.serverConfiguration()
    configuration.limits.textLine = next(of: [65_536, 998, 16, 1])
    configuration.limits.messageSize = next(of: [31_457_280, 200, 32, 1])
    return configuration
  }

  /// The content in chunks of decided sizes. One that is refused, the rest is behind a refusal too.
  fileprivate mutating func chunked(_ content: [UInt8]) -> [UInt8] {
    var wire: [UInt8] = []
    var start = 0
    var isLast = false
    while !isLast {
      let size = next(below: 26)
      let end = size == 0 ? content.count : min(content.count, start + size - 1)
      isLast = end == content.count
      wire += Array("BDAT \(end - start)\(isLast ? " LAST" : "")\r\n".utf8) + content[start..<end]
      start = end
    }
    return wire
  }
}
