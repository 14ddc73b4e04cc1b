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
    let parameters = transaction.envelope.parameters
    let offered = context.capabilities
    let isInternationalized = transaction.isInternationalized(context)
    append("MAIL FROM:<")
    if let mailbox = transaction.envelope.reversePath.mailbox { append(mailbox) }
    append(">")
    if let size = transaction.size, offered.size {
      append(" SIZE=")
      appendNumber(Swift.max(0, size))
    }
    if parameters.bodyType == .eightBitMIME, offered.eightBitMIME { append(" BODY=8BITMIME") }
    if isInternationalized { append(" SMTPUTF8") }
    if offered.notifications { parameters.appendDSN(to: &self) }
    if let priority = parameters.priority, offered.transferPriorities {
      append(" MT-PRIORITY=")
      append(contentsOf: priority.description.utf8)
    }
    if let submitter = parameters.submitter, offered.authentication, context.isAuthenticated {
      appendSubmitter(submitter, isInternationalized: isInternationalized)
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

  /// The AUTH parameter (RFC 4954 §5). Whom we cannot name counts as unknown.
  private mutating func appendSubmitter(_ submitter: ReversePath, isInternationalized: Bool) {
    append(" AUTH=")
    guard let mailbox = submitter.mailbox, isInternationalized || !mailbox.isInternationalized else {
      return append("<>")
    }
    Xtext.encode(Array(mailbox.description.utf8).span, into: &self)
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
