import MailModel

/// Commands, appended octet by octet: no text is made of them. Whatever stands in them is of a type that holds neither CR
/// nor LF nor NUL.
extension [UInt8] {
  /// A command of nothing but visible US-ASCII and blanks, with its CRLF.
  mutating func appendCommand(_ text: StaticString) {
    append(text)
    appendLineEnd()
  }

  /// EHLO or HELO (RFC 5321 §4.1.1.1).
  mutating func appendHello(isExtended: Bool, _ name: Mailbox.Host) {
    append(isExtended ? "EHLO " : "HELO ")
    append(contentsOf: name.description.utf8)
    appendLineEnd()
  }

  /// MAIL (RFC 5321 §4.1.1.2), with what the server offers of what the message asks for.
  mutating func appendMail(_ transaction: ClientTransaction, _ context: ClientSession.Context) {
    let envelope = transaction.envelope
    let offered = context.capabilities
    append("MAIL FROM:<")
    if let mailbox = envelope.reversePath.mailbox { append(mailbox) }
    append(">")
    if let size = transaction.size, offered.size {
      append(" SIZE=")
      appendNumber(Swift.max(0, size))
    }
    if envelope.parameters.bodyType == .eightBitMIME, offered.eightBitMIME { append(" BODY=8BITMIME") }
    if offered.smtpUTF8, transaction.isInternationalized { append(" SMTPUTF8") }
    if offered.notifications { envelope.parameters.appendDSN(to: &self) }
    if let submitter = envelope.parameters.submitter, context.isAuthenticated, offered.authentication {
      appendSubmitter(submitter, isInternationalized: offered.smtpUTF8)
    }
    appendLineEnd()
  }

  /// RCPT (RFC 5321 §4.1.1.3), with what is to be reported where the server offers DSN.
  mutating func appendRecipient(_ recipient: Recipient, _ context: ClientSession.Context) {
    append("RCPT TO:<")
    switch recipient.path {
    case .mailbox(let mailbox): append(mailbox)
    case .postmaster: append("postmaster")
    }
    append(">")
    if context.capabilities.notifications { recipient.parameters.appendDSN(to: &self) }
    appendLineEnd()
  }

  /// BDAT (RFC 3030 §2); `count` octets follow.
  mutating func appendChunkCommand(_ count: Int, isLast: Bool) {
    append("BDAT ")
    appendNumber(count)
    if isLast { append(" LAST") }
    appendLineEnd()
  }

  mutating func appendLineEnd() {
    append(.carriageReturn)
    append(.lineFeed)
  }

  /// The AUTH parameter (RFC 4954 §5). Whom we cannot name there counts as unknown.
  private mutating func appendSubmitter(_ submitter: ReversePath, isInternationalized: Bool) {
    append(" AUTH=")
    guard let mailbox = submitter.mailbox, isInternationalized || mailbox.isASCII else { return append("<>") }
    var octets: [UInt8] = []
    octets.append(mailbox)
    Xtext.encode(octets.span, into: &self)
  }

  private mutating func append(_ mailbox: Mailbox) {
    append(contentsOf: mailbox.localPart.utf8)
    append(UInt8(ascii: "@"))
    switch mailbox.host {
    case .domain(let name): append(contentsOf: name.description.utf8)
    case .literal: append(contentsOf: mailbox.host.description.utf8)
    }
  }

  private mutating func append(_ text: StaticString) {
    text.withUTF8Buffer { unsafe append(contentsOf: $0) }
  }

  /// A number that is not negative, in decimal.
  private mutating func appendNumber(_ number: Int) {
    let start = count
    var rest = number
    repeat {
      append(0x30 + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    self[start...].reverse()
  }
}
