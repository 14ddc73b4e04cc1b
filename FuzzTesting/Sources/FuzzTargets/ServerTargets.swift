import MailModel
import SMTPProtocol

extension FuzzTarget {
  /// A whole session: what it asks, says and hands over is the same however the client's octets are cut; and when time goes
  /// by and the server shuts down at any moment, it still does nothing out of order.
  static let server = FuzzTarget("server", maximumLength: 2_048) { input in
    var decisions = input.decisions
    let configuration = decisions.serverConfiguration()
    let seed = UInt64(decisions.next(below: 256))
    let run = { (delivery: Delivery) in
      let driver = ServerDriver(configuration, answers: decisions)
      delivery.cut(input.payload) { piece in
        driver.feed(piece)
        return !driver.isClosed
      }
      driver.finish()
      return driver.trace
    }
    let expected = run(.octetByOctet)
    let lines = run(.lineByLine)
    require(lines == expected, "line by line:\n\(lines)\noctet by octet:\n\(expected)")
    for delivery in [Delivery.whole, .pieces(seed)] {
      let trace = run(delivery)
      require(
        trace == expected || trace.endsForOctetsBehindSTARTTLS(of: expected),
        "\(delivery):\n\(trace)\noctet by octet:\n\(expected)")
    }
    disturb(input.payload, configuration, decisions, seed)
  }

  /// Pieces of the stream, between which time goes by, or the server shuts down.
  private static func disturb(
    _ payload: [UInt8], _ configuration: ServerConfiguration, _ decisions: Decisions, _ seed: UInt64
  ) {
    let driver = ServerDriver(configuration, answers: decisions)
    var random = SmallGenerator(seed: seed &+ 1)
    Delivery.pieces(seed).cut(payload) { piece in
      driver.feed(piece)
      switch random.next(below: 64) {
      case 0: driver.shutDown()
      case 1: driver.wait(.seconds(1), untilTimeIsUp: true)
      case 2...16: driver.wait(.seconds(random.next(below: 70)), untilTimeIsUp: false)
      default: break
      }
      return !driver.isClosed
    }
    driver.wait(.seconds(3_600), untilTimeIsUp: true)
    require(driver.isClosed, "an hour went by and the session still waits")
  }

  /// One line, at one of the points that a session can have come to: it gets one reply, or two where the second is the last.
  static let command = FuzzTarget("command", maximumLength: 2_304) { input in
    var decisions = input.decisions
    let prologues = [
      "", "EHLO a.example\r\n", "EHLO a.example\r\nMAIL FROM:<a@b.example>\r\n",
      "EHLO a.example\r\nMAIL FROM:<a@b.example> SMTPUTF8\r\nRCPT TO:<c@d.example>\r\n",
      "EHLO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nBDAT 2\r\nab", "HELO a.example\r\n",
      "EHLO a.example\r\nAUTH LOGIN\r\n",
    ]
    let prologue = decisions.next(of: prologues)
    var configuration = decisions.serverConfiguration()
    configuration.requiresAuthentication = false
    let answers = prologue.hasSuffix("LOGIN\r\n") ? Decisions(Array("ab".utf8)) : Decisions([])
    let driver = ServerDriver(configuration, answers: answers)
    driver.feed(prologue.utf8)
    guard !driver.isClosed else { return }
    _ = driver.takeReplies()
    driver.feed(input.payload.filter { $0 != 0x0A } + [0x0D, 0x0A])
    let count = ReplyGrammar.count(driver.replies)
    if driver.isClosed {
      require((1...2).contains(count), "\(count) replies to one line that ends the session")
    } else if count == 0 {  // the octets of a chunk are still to come
      require(input.payload.filter { $0 != 0x0A }.prefix(4).elementsEqualIgnoringCase("BDAT"), "no reply to a line")
    } else {
      require(count == 1, "\(count) replies to one line")
    }
  }
}

extension Sequence<UInt8> {
  fileprivate func elementsEqualIgnoringCase(_ word: String) -> Bool { map { $0 & 0xDF }.elementsEqual(word.utf8) }
}

extension Decisions {
  /// A server of any kind; the usual one is in clear, without AUTH.
  mutating func serverConfiguration() -> ServerConfiguration {
    guard let name = DomainName("mx.example") else { fatalError("no name") }
    var configuration = ServerConfiguration(hostName: name)
    configuration.security = next(of: [.plaintext, .startTLSRequired, .implicitTLS])
    configuration.requiresAuthentication = next() && configuration.security != .plaintext
    configuration.acceptsPathWithoutBrackets = !next()
    configuration.acceptsMissingHelloAfterTLS = !next()
    configuration.offersChunking = !next()
    configuration.extensions = next() ? [] : .all
    configuration.limits.smallChunks = 4_096
    if next() {
      configuration.limits.commandLine = 64
      configuration.limits.authenticationLine = 96
      configuration.limits.discardedLine = 128
      configuration.limits.messageSize = 100
      configuration.limits.textLine = 20
      configuration.limits.recipients = 2
      configuration.limits.messages = 3
      configuration.limits.uselessCommands = 3
      configuration.limits.resets = 3
      configuration.limits.forgivenCommands = 3
      configuration.limits.smallChunks = 3
    }
    return configuration
  }
}

extension Trace where Question == SessionQuestion {
  /// The one difference that a cut may make (RFC 3207 §6): with octets behind STARTTLS in the same read the session ends
  /// with a 554; without, TLS begins.
  func endsForOctetsBehindSTARTTLS(of expected: Trace) -> Bool {
    let (same, octets) = common(expected)
    guard events.count == same + 2, events[same + 1] == .mark("close"), expected.events.count > same + 1,
      expected.events[same + 1] == .mark("TLS"), case .octets(let mine) = events[same],
      case .octets(let its) = expected.events[same]
    else { return false }
    // The last line of each differs, at its first digit.
    return mine[octets...].starts(with: "554 ".utf8) && its[octets...].starts(with: "220 ".utf8)
      && mine[octets...].count { $0 == 0x0A } == 1 && its[octets...].count { $0 == 0x0A } == 1
  }
}
