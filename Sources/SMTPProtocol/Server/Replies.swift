import MailModel

/// What the session says of its own accord. Wording that clients' documents quote is Postfix's, since people compare.
extension SMTPReply {
  static let goodbye = SMTPReply(221, (.success, 0, 0), "Bye")
  static let readyForTLS = SMTPReply(220, (.success, 0, 0), "Ready to start TLS")
  static let authenticated = SMTPReply(235, (.success, 7, 0), "Authentication successful")
  static let cannotVerify = SMTPReply(252, (.success, 0, 0), "Cannot verify an address; RCPT tells")

  static let needsTLS = SMTPReply(530, (.permanentFailure, 7, 0), "Must issue a STARTTLS command first")
  static let needsAuthentication = SMTPReply(530, (.permanentFailure, 7, 0), "Authentication required")
  static let alreadySecured = SMTPReply(503, (.permanentFailure, 5, 1), "TLS is already in use")
  static let noStartTLS = SMTPReply(502, (.permanentFailure, 5, 1), "STARTTLS is not available here")
  static let dataBehindStartTLS = SMTPReply(
    554, (.permanentFailure, 7, 0), "Nothing may follow STARTTLS before the reply; closing the connection")
  static let alreadyAuthenticated = SMTPReply(503, (.permanentFailure, 5, 1), "Already authenticated")
  static let noAuthentication = SMTPReply(502, (.permanentFailure, 5, 1), "AUTH is not available here")
  static let unknownMechanism = SMTPReply(504, (.permanentFailure, 5, 4), "Unrecognised authentication mechanism")
  static let notBase64 = SMTPReply(501, (.permanentFailure, 5, 2), "Not valid base 64")
  static let authenticationCancelled = SMTPReply(501, (.permanentFailure, 7, 0), "Authentication cancelled")
  static let unauthenticatedInTransaction = SMTPReply(
    503, (.permanentFailure, 5, 1), "AUTH is not allowed within a mail transaction")

  static let needsHello = SMTPReply(503, (.permanentFailure, 5, 1), "Send EHLO first")
  static let parametersNeedHello = SMTPReply(
    503, (.permanentFailure, 5, 1), "Send EHLO after STARTTLS before using parameters")
  static let nestedMail = SMTPReply(503, (.permanentFailure, 5, 1), "Sender already given; RSET begins anew")
  static let needsMail = SMTPReply(503, (.permanentFailure, 5, 1), "Send MAIL first")
  static let needsRecipient = SMTPReply(503, (.permanentFailure, 5, 1), "No valid recipient; send RCPT first")
  static let contentHasBegun = SMTPReply(
    503, (.permanentFailure, 5, 1), "The message's content has begun; go on with BDAT, or RSET")
  static let noChunking = SMTPReply(502, (.permanentFailure, 5, 1), "BDAT is not available here; use DATA")
  static let chunkingNeedsHello = SMTPReply(503, (.permanentFailure, 5, 1), "Send EHLO before using BDAT")
  static let tooManyRecipients = SMTPReply(
    452, (.persistentTransientFailure, 5, 3), "Too many recipients; send the rest in another message")
  static let badSenderAddress = SMTPReply(
    501, (.permanentFailure, 1, 7), "Bad sender address; syntax: MAIL FROM:<address>")
  static let badRecipientAddress = SMTPReply(
    501, (.permanentFailure, 1, 3), "Bad recipient address; syntax: RCPT TO:<address>")
  static let unknownParameter = SMTPReply(555, (.permanentFailure, 5, 4), "Parameter not recognised")

  static let unknownCommand = SMTPReply(500, (.permanentFailure, 5, 2), "Command not recognised")
  static let notImplemented = SMTPReply(502, (.permanentFailure, 5, 1), "Command not implemented")
  static let foreignProtocol = SMTPReply(
    502, (.permanentFailure, 5, 1), "This is SMTP, and you speak something else; closing the connection")
  static let lineTooLong = SMTPReply(500, (.permanentFailure, 5, 2), "Line too long")
  /// Within AUTH (RFC 4954 §6).
  static let authenticationLineTooLong = SMTPReply(
    500, (.permanentFailure, 5, 6), "Authentication exchange line is too long")
  static let bareLineFeed = SMTPReply(500, (.permanentFailure, 5, 2), "Lines must end in CRLF (openssl: add -crlf)")

  static let lineEndsInMessage = SMTPReply(
    554, (.permanentFailure, 6, 0), "The message holds a CR or LF alone; lines must end in CRLF")
  static let nullInMessage = SMTPReply(554, (.permanentFailure, 6, 0), "The message holds a NUL octet")

  static let tooManyErrors = SMTPReply(
    421, (.persistentTransientFailure, 7, 0), "Too many errors; closing the connection")
  static let tooManyFailures = SMTPReply(
    421, (.persistentTransientFailure, 7, 0), "Too many authentication failures; closing the connection")
  static let tooManyMessages = SMTPReply(
    421, (.persistentTransientFailure, 7, 0), "Too many messages in one session; connect again")
  static let tooManySmallChunks = SMTPReply(
    421, (.persistentTransientFailure, 7, 0), "Too many small chunks; closing the connection")
  static let tooMuchRefused = SMTPReply(
    421, (.persistentTransientFailure, 7, 0), "Too much content that was refused; closing the connection")
  static let timeout = SMTPReply(421, (.persistentTransientFailure, 4, 2), "Timeout; closing the connection")
  static let tooSlow = SMTPReply(421, (.persistentTransientFailure, 4, 2), "The message came too slowly")
  static let shuttingDown = SMTPReply(
    421, (.persistentTransientFailure, 3, 2), "The service is shutting down; try again later")

  static func syntax(_ text: String) -> SMTPReply { SMTPReply(501, (.permanentFailure, 5, 4), text) }

  static func tooLarge(limit: Int) -> SMTPReply {
    SMTPReply(552, (.permanentFailure, 3, 4), "The message is over the limit of \(limit) octets")
  }

  static func longLine(limit: Int) -> SMTPReply {
    SMTPReply(554, (.permanentFailure, 6, 0), "The message has a line of over \(limit) octets")
  }
}

/// What every client hears again and again, as it goes out.
struct FrequentReply {
  static let ok = FrequentReply(octets: "250 2.0.0 Ok\r\n")
  static let senderOk = FrequentReply(octets: "250 2.1.0 Ok\r\n")
  static let recipientOk = FrequentReply(octets: "250 2.1.5 Ok\r\n")
  static let startContent = FrequentReply(octets: "354 End data with <CR><LF>.<CR><LF>\r\n")

  private let octets: StaticString

  private init(octets: StaticString) { self.octets = octets }

  func encode(into output: inout [UInt8]) {
    octets.withUTF8Buffer { unsafe output.append(contentsOf: $0) }
  }
}
