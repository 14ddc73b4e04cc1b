import MailModel

/// What a command earns that is not written as it should be. The texts say how it is.
extension SMTPReply {
  static let controlCharacters = syntax("No control characters in a command, please")
  static let helloSyntax = syntax("Syntax: EHLO hostname")
  static let oldHelloSyntax = syntax("Syntax: HELO hostname")
  static let startTLSSyntax = syntax("STARTTLS takes no parameter")
  static let authenticateSyntax = syntax("Syntax: AUTH mechanism [initial-response]")
  static let mailSyntax = syntax("Syntax: MAIL FROM:<address>")
  static let recipientSyntax = syntax("Syntax: RCPT TO:<address>")
  static let dataSyntax = syntax("DATA takes no parameter")
  static let chunkSyntax = syntax("Syntax: BDAT octets [LAST]")
  static let resetSyntax = syntax("RSET takes no parameter")
  static let quitSyntax = syntax("QUIT takes no parameter")
  static let verifySyntax = syntax("Syntax: VRFY mailbox")

  /// RFC 5321 §3.6.1 and appendix F.2 let a server take only the last mailbox of a source route or refuse it; here nobody
  /// routes, and nobody is to wonder which mailbox was meant.
  static let sourceRouteOfSender = SMTPReply(
    553, (.permanentFailure, 1, 7), "No source routes, please; give the sender's mailbox alone")
  static let sourceRouteOfRecipient = SMTPReply(
    553, (.permanentFailure, 1, 3), "No source routes, please; give the recipient's mailbox alone")
  /// An address in UTF-8 where MAIL does not bear SMTPUTF8 (RFC 6531 §3.5).
  static let needsSMTPUTF8 = SMTPReply(
    553, (.permanentFailure, 6, 7), "Only US-ASCII in addresses without SMTPUTF8 behind MAIL")

  static let badSize = syntax("Syntax: SIZE=octets, once")
  static let badBody = syntax("BODY is 7BIT or 8BITMIME, once")
  static let noBinaryMIME = SMTPReply(
    555, (.permanentFailure, 5, 4), "BINARYMIME is not offered; BODY is 7BIT or 8BITMIME")
  static let badSMTPUTF8 = syntax("SMTPUTF8 takes no value and stands once")
  static let badSubmitter = syntax("Syntax: AUTH=mailbox in xtext, or AUTH=<>, once")
  static let badReturnedContent = syntax("RET is FULL or HDRS, once")
  static let badEnvelopeID = syntax("Syntax: ENVID=xtext of at most 100 octets, once")
  static let badPriority = syntax("Syntax: MT-PRIORITY=number from -9 to 9, once")
  static let badNotifications = syntax("NOTIFY is NEVER, or a list of SUCCESS, FAILURE, DELAY, once")
  static let badOriginalRecipient = syntax("Syntax: ORCPT=type;xtext of at most 500 octets, once")
}
