import SMTPProtocol

/// Something to do again and again.
struct Workload {
  /// Octets, or commands, of a round.
  var units: Int
  var round: () -> Void
}

extension Workload {
  /// Dot-decoding and the search for the end, in the session. Where the content is refused, a new session begins each 1 MiB,
  /// since one takes only so much of such.
  static func data(_ input: Input) -> Workload {
    if input.isLawful {
      let server = Server.inContent()
      return Workload(units: input.octets.count) { server.send(input.octets) }
    }
    return Workload(units: input.octets.count * 16) {
      let server = Server.inContent()
      for _ in 0..<16 { server.send(input.octets) }
    }
  }

  /// The same, an octet at a time.
  static func dataByOctets(_ input: Input) -> Workload {
    let server = Server.inContent()
    return Workload(units: input.octets.count) {
      for index in input.octets.indices { server.send(input.octets.span.extracting(index...index)) }
    }
  }

  /// A chunk of 64 KiB with its command; `nil` where the server takes none, or not such content.
  static func chunk(_ input: Input) -> Workload? {
    let server = Server()
    guard input.isLawful, server.offersChunking else { return nil }
    server.openTransaction()
    let chunk = Array("BDAT \(input.octets.count)\r\n".utf8) + input.octets
    return Workload(units: input.octets.count) { server.expect("250", chunk) }
  }

  /// Dot-stuffing, in the client's session; `nil` where the content may not be sent.
  static func stuffing(_ input: Input) -> Workload? {
    guard input.isLawful else { return nil }
    let client = Client()
    return Workload(units: input.octets.count) { client.write(input.octets) }
  }

  /// The search for the end of a line of 1 MiB.
  static var commandLine: Workload {
    let octets = [UInt8](repeating: 0x78, count: 1 << 20)
    return Workload(units: octets.count) {
      Server { $0.commandLine = .max }.sendPart(octets)
    }
  }

  /// MAIL, RCPT, DATA and 4 KB, each command in an input of its own, with more of RCPT and NOOP where asked for.
  static func transaction(recipients: Int = 1, noops: Int = 0, content: Int = 4_096) -> Workload {
    let server = Server()
    let (mail, recipient) = (Array("MAIL FROM:<a@example.com>\r\n".utf8), Array("RCPT TO:<b@example.org>\r\n".utf8))
    let (data, noop) = (Array("DATA\r\n".utf8), Array("NOOP\r\n".utf8))
    let line = [UInt8](repeating: 0x61, count: 70) + [13, 10]
    let content = Array(repeatElement(line, count: content / line.count).joined()) + Array(".\r\n".utf8)
    return Workload(units: 1) {
      for _ in 0..<noops { server.expect("250", noop) }
      server.expect("250", mail)
      for _ in 0..<recipients { server.expect("250", recipient) }
      server.expect("354", data)
      server.expect("250", content)
    }
  }
}

extension Workload {
  /// By `data/lines-72` and the like; `nil` where there is none, or the server does not offer what it takes.
  static func named(_ name: String) -> Workload? {
    switch name {
    case "command-line": return commandLine
    case "transaction": return transaction()
    case "recipients": return transaction(recipients: 50)
    case "noops": return transaction(noops: 10)
    default: break
    }
    let parts = name.split(separator: "/")
    guard parts.count == 2, let input = Input.all.first(where: { $0.name == parts[1] }) else { return nil }
    switch parts[0] {
    case "data": return data(input)
    case "octets": return dataByOctets(input)
    case "bdat": return chunk(input)
    case "stuffing": return stuffing(input)
    default: return nil
    }
  }
}
