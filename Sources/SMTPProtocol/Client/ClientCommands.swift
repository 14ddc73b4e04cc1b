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
    if offered.authentication, context.isAuthenticated {
      // Whom we cannot name counts as unknown (RFC 4954 §5).
      if parameters.submitter?.mailbox?.isInternationalized == true, !isInternationalized {
        append(" AUTH=<>")
      } else {
        parameters.appendSubmitter(to: &self)
      }
    }
    appendLineEnd()
  }

  /// RCPT (RFC 5321 §4.1.1.3), with what is to be reported where the server offers DSN.
  mutating func appendRecipient(_ index: Int, of transaction: ClientTransaction, _ context: ClientSession.Context) {
    let recipient = transaction.envelope.recipients[index]
    append("RCPT TO:<")
    switch recipient.path {
    case .mailbox(let mailbox): append(mailbox)
    case .postmaster: append("postmaster")
    }
    append(">")
    if context.capabilities.notifications {
      var parameters = recipient.parameters
      if parameters.originalRecipient?.isInternationalized == true, !transaction.isInternationalized(context) {
        parameters.originalRecipient = parameters.originalRecipient?.withoutUTF8
      }
      parameters.appendDSN(to: &self)
    }
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

extension OriginalRecipient {
  /// The same address for where SMTPUTF8 is not spoken, with `\x{…}` for what is beyond US-ASCII (RFC 6533 §3,
  /// utf-8-addr-xtext); `nil` where it grows too long so.
  fileprivate var withoutUTF8: OriginalRecipient? {
    let text = address.unicodeScalars.map { scalar in
      scalar.isASCII ? String(scalar) : "\\x{\(String(scalar.value, radix: 16, uppercase: true))}"
    }
    return OriginalRecipient(addressType: addressType, address: text.joined())
  }
}
