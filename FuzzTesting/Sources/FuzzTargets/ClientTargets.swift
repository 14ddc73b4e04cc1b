import MailModel
import SMTPProtocol

extension FuzzTarget {
  /// A client that hears what a hostile server says: it writes nothing that breaks a dialogue, tells one outcome for each
  /// recipient, and does the same however the replies are cut. A reply that is there before its command ends the session.
  static let client = FuzzTarget("client", maximumLength: 1_536) { input in
    var decisions = input.decisions
    let configuration = decisions.clientConfiguration()
    let jobs = (0...decisions.next(below: 2)).map { _ in decisions.job() }
    let seed = UInt64(decisions.next(below: 256))
    let isLost: Bool = decisions.next()
    let run = { (delivery: Delivery) in
      let driver = ClientDriver(configuration, jobs)
      delivery.cut(input.payload) { piece in
        driver.feed(piece)
        return !driver.isOver
      }
      if isLost { driver.lose() } else { driver.waitUntilTimeIsUp() }
      return driver
    }
    let expected = run(.octetByOctet).trace
    let lines = run(.lineByLine).trace
    require(lines == expected, "line by line:\n\(lines)\noctet by octet:\n\(expected)")
    for delivery in [Delivery.whole, .pieces(seed)] {
      let driver = run(delivery)
      require(
        driver.trace == expected || driver.endsForEarlyReply(in: expected),
        "\(delivery):\n\(driver.trace)\noctet by octet:\n\(expected)")
      // All replies were there before the first command.
      if case .whole = delivery { require(driver.commands <= 1, "took an early reply for an answer:\n\(driver.trace)") }
    }
  }

  /// A client and a server: what the one reports as accepted is what the other took, octet by octet, and nothing else.
  static let pair = FuzzTarget("pair", maximumLength: 768) { input in
    var decisions = input.decisions
    var server = decisions.serverConfiguration()
    server.limits.commandLine = 2_048
    server.limits.authenticationLine = 12_288
    var client = decisions.clientConfiguration()
    client.security = server.security.forClient
    client.credentials = server.requiresAuthentication ? client.credentials ?? Self.credentials : client.credentials
    var job = decisions.job()
    let style = decisions.next(below: 8)
    job.pieces = decisions.pieces(style & 1 == 0 ? input.payload.withLawfulLines : input.payload)
    job.readsBetweenChunks = style & 2 != 0
    if style & 4 != 0 { job.pieces = job.pieces.withRoomForChunks }
    job.transaction.size = decisions.next() ? nil : job.content.count
    let receiver = ServerDriver(server, answers: decisions)
    let sender = ClientDriver(client, [job])
    while !sender.isOver {
      sender.feed(receiver.takeReplies())
      let sent = sender.takeOutput()
      if sent.isEmpty, receiver.replies.isEmpty, !sender.isOver {
        require(receiver.isClosed, "both sides wait:\n\(sender.trace)\n\(receiver.trace)")
        sender.lose()
      }
      if !receiver.isClosed { receiver.feed(sent) }
    }
    check(job, sender.outcomes.first ?? [], sender, receiver)
  }

  private static let credentials = ClientCredentials(username: "u", password: "p")

  private static func check(
    _ job: ClientDriver.Job, _ outcomes: [ClientOutcome], _ sender: ClientDriver, _ receiver: ServerDriver
  ) {
    let what = { "\(sender.trace)\nand the server:\n\(receiver.trace)" }
    let taken = receiver.messages.filter(\.reply.isPositive)
    require(taken.count <= 1, "a message arrived twice:\n\(what())")
    let accepted = zip(job.transaction.envelope.recipients, outcomes).filter { $0.1.isAccepted }.map(\.0)
    guard let message = taken.first, !accepted.isEmpty else {
      return require(taken.isEmpty && accepted.isEmpty, "taken here and not accepted there:\n\(what())")
    }
    let lines = ReferenceContent.lines(of: job.content[...])
    require(
      lines.map { Array($0.map { $0 + [0x0D, 0x0A] }.joined()) } == message.content, "other content arrived:\n\(what())"
    )
    let envelope = message.request.envelope
    require(envelope.reversePath == job.transaction.envelope.reversePath, "another sender arrived:\n\(what())")
    require(envelope.recipients.map(\.path) == accepted.map(\.path), "other recipients arrived:\n\(what())")
    let arrived = zip(envelope.recipients, accepted).allSatisfy { arrived, sent in
      arrived.parameters == sent.parameters || arrived.parameters == RecipientParameters()
    }
    require(arrived, "other wishes arrived:\n\(what())")
  }
}

extension ClientDriver {
  /// The one difference that a cut may make: a reply that was there before what it should answer ends the session.
  fileprivate func endsForEarlyReply(in expected: Trace<String>) -> Bool {
    let (same, octets) = trace.common(expected)
    guard case .protocolError = failure?.reason, same < trace.events.count else { return false }
    // Nothing but the end, and what it means for recipients, may differ: all that was said before was said there too.
    let rest = trace.events[same...]
    if case .octets(let said) = rest.first { return octets == said.count && rest.count <= 3 }
    return rest.count <= 2
  }
}

extension ClientOutcome {
  fileprivate var isAccepted: Bool { if case .accepted = self { true } else { false } }
}

extension ConnectionSecurity {
  fileprivate var forClient: ClientSecurity {
    switch self {
    case .startTLSRequired: .required
    case .implicitTLS: .implicit
    case .plaintext: .none
    }
  }
}

extension [UInt8] {
  /// Every LF gets its CR, every other CR and NUL goes.
  fileprivate var withLawfulLines: [UInt8] {
    flatMap { $0 == 0x0A ? [0x0D, 0x0A] : $0 == 0x0D || $0 == 0 ? [] : [$0] }
  }
}

extension Decisions {
  fileprivate mutating func clientConfiguration() -> ClientConfiguration {
    guard let name = DomainName("relay.example") else { fatalError("no name") }
    var configuration = ClientConfiguration(helloName: name)
    configuration.security = next(of: [.none, .opportunistic, .required, .implicit])
    let passwords = ["p", String(repeating: "long", count: 120)]
    configuration.credentials = next() ? ClientCredentials(username: "u", password: next(of: passwords)) : nil
    configuration.allowsAuthenticationWithoutTLS = next()
    configuration.pipelinesData = next()
    configuration.usesChunking = next()
    if next() {
      configuration.limits.replyLine = 64
      configuration.limits.replyLines = 3
      configuration.limits.reply = 128
    }
    return configuration
  }

  /// A message to up to three recipients, whose parameters ask for something or nothing.
  fileprivate mutating func job() -> ClientDriver.Job {
    let senders = ["a@b.example", "", "\"a b\\\"\"@[192.0.2.1]", "ä@b.example"].compactMap { ReversePath($0) }
    let paths = ["c@d.example", "postmaster", "\"<>\"@[IPv6:2001:db8::1]", "ö@bücher.example"].compactMap {
      ForwardPath($0)
    }
    let original = OriginalRecipient(addressType: "rfc822", address: "c+d=e@d.example")
    var envelope = Envelope(reversePath: next(of: senders), recipients: [ForwardPath]())
    for _ in 0..<(1 + next(below: 4)) % 4 {
      let path = next(of: paths)
      let asks: Bool = next()
      let parameters = RecipientParameters(
        notifications: asks ? [.success, .delay] : nil, originalRecipient: asks ? original : nil)
      envelope.recipients.append(Recipient(path, parameters: parameters))
    }
    if next() { envelope.parameters.bodyType = .eightBitMIME }
    if next() { envelope.parameters.isInternationalized = true }
    if next() {
      envelope.parameters.returnedContent = .headers
      envelope.parameters.envelopeID = EnvelopeID("an id=+1")
      envelope.parameters.submitter = ReversePath("a+b@c.example")
    }
    var transaction = ClientTransaction(envelope: envelope)
    transaction.size = next(of: [nil, 0, 1_000])
    transaction.isASCII = next(of: [false, false, true])
    let contents = ["A: b\r\n\r\n.c\r\n", "", ".", ".\r\n..\r\n", "a\nb", "a\r", "a\r\rb\r\n", "\r\n.\r\n"]
    return ClientDriver.Job(transaction: transaction, pieces: pieces(Array(next(of: contents).utf8)))
  }

  /// Content in pieces of one size, which may cut a CRLF.
  fileprivate mutating func pieces(_ content: [UInt8]) -> [[UInt8]] {
    let size = next(of: [content.count, 1, 3, 64])
    return stride(from: 0, to: content.count, by: max(1, size)).map {
      Array(content[$0..<min(content.count, $0 + size)])
    }
  }
}

extension [[UInt8]] {
  /// With lines enough for a chunk behind each of the first pieces that does not cut a CRLF.
  fileprivate var withRoomForChunks: [[UInt8]] {
    let line = [UInt8](repeating: UInt8(ascii: "x"), count: 62) + [0x0D, 0x0A]
    let lines = [[UInt8]](repeating: line, count: 128).flatMap { $0 }
    return prefix(4).flatMap { $0.last == 0x0D ? [$0] : [$0, lines] } + dropFirst(4)
  }
}
