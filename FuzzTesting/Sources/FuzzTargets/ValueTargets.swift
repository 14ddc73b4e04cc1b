import MailModel
import SMTPProtocol

extension FuzzTarget {
  /// Text of any kind as the values that reach the wire: each is refused, or reads back as itself and holds no control.
  static let mailbox = FuzzTarget("mailbox", maximumLength: 384) { input in
    let text = String(decoding: input.payload, as: UTF8.self)
    if let mailbox = Mailbox(text) {
      checkText(mailbox.description, limit: 254)
      require(Mailbox(mailbox.description) == mailbox, "a mailbox reads back as another")
      require((1...64).contains(mailbox.localPart.utf8.count), "a local part of \(mailbox.localPart.utf8.count) octets")
      require(text.utf8.starts(with: mailbox.localPart.utf8), "a local part was rewritten")
      require(mailbox.host.description.utf8.allSatisfy { $0 < 0x80 }, "a host that DNS does not know")
      require(ReversePath(text) == .mailbox(mailbox), "a mailbox that is no path")
      checkQuoting(mailbox.localPart)
    }
    if let path = ForwardPath(text) { require(ForwardPath(path.description) == path, "a path reads back as another") }
    if let name = DomainName(text) { check(name) }
    if let address = IPAddress(text) {
      require(IPAddress(address.description) == address, "an address reads back as another")
      require(Mailbox("a@[\(address.literal)]")?.host == .literal(address), "a literal reads back as another")
    }
    if let id = EnvelopeID(text) { checkText(id.description, limit: 100) }
    if let code = EnhancedStatusCode(text) { require(EnhancedStatusCode(code.description) == code, "another code") }
    if let original = OriginalRecipient(addressType: "utf-8", address: text) {
      checkText(original.description, limit: 500)
    }
    checkReply(text)
    checkCommand(input.payload)
  }

  private static func checkText(_ text: String, limit: Int) {
    require(text.utf8.count <= limit, "text of \(text.utf8.count) octets")
    require(
      text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }, "a control character")
  }

  private static func check(_ name: DomainName) {
    let octets = Array(name.description.utf8)
    require((1...253).contains(octets.count), "a name of \(octets.count) octets")
    require(octets.allSatisfy { $0 < 0x80 && !(0x41...0x5A).contains($0) }, "a name that is not in lower case US-ASCII")
    for label in octets.split(separator: 0x2E, omittingEmptySubsequences: false) {
      require((1...63).contains(label.count) && label.first != 0x2D && label.last != 0x2D, "a label that is none")
    }
    require(DomainName(name.description) == name, "a name reads back as another")
  }

  /// Outside quotes stand no blanks and no specials; within, a quote only behind a backslash.
  private static func checkQuoting(_ localPart: String) {
    let octets = Array(localPart.utf8)
    guard octets.first == UInt8(ascii: "\"") else {
      return require(octets.allSatisfy { !" \"(),:;<>@[\\]".utf8.contains($0) }, "a special outside quotes")
    }
    var isEscaped = false
    for (index, octet) in octets.enumerated().dropFirst() {
      if octet == UInt8(ascii: "\""), !isEscaped { require(index == octets.count - 1, "a quote within quotes") }
      isEscaped = octet == UInt8(ascii: "\\") && !isEscaped
    }
  }

  private static func checkReply(_ text: String) {
    let reply = SMTPReply(
      550, EnhancedStatusCode(.permanentFailure, 1, 1), lines: text.split(separator: "\n").map(String.init))
    require(
      reply.lines.allSatisfy { $0.utf8.count <= 400 && $0.utf8.allSatisfy { (0x20...0x7E).contains($0) } }, "no reply")
  }

  /// The same octets as RCPT has them, which need not be UTF-8.
  private static func checkCommand(_ octets: [UInt8]) {
    guard let name = DomainName("mx.example"), !octets.contains(0x0A) else { return }
    var configuration = ServerConfiguration(hostName: name)
    (configuration.security, configuration.requiresAuthentication) = (.plaintext, false)
    let driver = ServerDriver(configuration)
    driver.feed("EHLO a\r\nMAIL FROM:<a@b.example> SMTPUTF8\r\nRCPT TO:<".utf8)
    driver.feed(octets + Array(">\r\n".utf8))
  }

  /// What a proxy says first: at every length the same verdict as at all greater ones, and nothing but harmless text.
  static let proxy = FuzzTarget("proxy", maximumLength: 512) { input in
    var decisions = input.decisions
    var reader = ProxyHeaderReader()
    if decisions.next() { (reader.lineLimit, reader.blockLimit) = (40, 64) }
    let input = input.payload
    let whole = reader.read(input.span)
    var isDecided = false
    for length in 0...input.count {
      let outcome = reader.read(input.span.extracting(0..<length))
      require(!isDecided || outcome == whole, "another verdict with more octets")
      isDecided = outcome != .incomplete
      if isDecided { require(outcome == whole, "a verdict that does not hold") }
    }
    switch whole {
    case .incomplete:
      require(input.count < max(reader.lineLimit, reader.blockLimit), "wants more than there may be")
    case .header(let facts, let consumed): check(facts, header: input[..<min(consumed, input.count)], consumed, reader)
    case .malformed: break
    }
  }

  private static func check(
    _ facts: ProxyFacts, header: ArraySlice<UInt8>, _ consumed: Int, _ reader: ProxyHeaderReader
  ) {
    let limit = header.first == UInt8(ascii: "P") ? reader.lineLimit : reader.blockLimit
    require(consumed == header.count && consumed <= limit, "a header of \(consumed) octets")
    require((facts.source == nil) == (facts.destination == nil), "one address without the other")
    require(!facts.isLocal || facts.source == nil, "the proxy itself comes from elsewhere")
    for text in [facts.authority, facts.networkNamespace, facts.tls?.commonName, facts.tls?.cipher, facts.tls?.version]
    {
      checkText(text ?? "", limit: limit)
    }
    require(facts.vpcEndpoint?.identifier.utf8.allSatisfy { (0x21...0x7E).contains($0) } != false, "an endpoint's name")
    require((facts.uniqueID?.count ?? 0) <= 128, "a unique ID that is too long")
    guard let source = facts.source, let destination = facts.destination, reader.lineLimit == 107 else { return }
    let family: String
    switch (source.address, destination.address) {
    case (.v4, .v4): family = "TCP4"
    case (.v6, .v6): family = "TCP6"
    default: return  // an IPv4 address that was mapped into IPv6
    }
    let line = "PROXY \(family) \(source.address) \(destination.address) \(source.port) \(destination.port)\r\n"
    let again = ProxyHeaderReader.Outcome.header(
      ProxyFacts(source: source, destination: destination), consumed: line.utf8.count)
    require(reader.read(Array(line.utf8).span) == again, "addresses read back as others")
  }
}
