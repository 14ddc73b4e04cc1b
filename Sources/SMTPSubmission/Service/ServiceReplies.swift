import MailModel

extension SMTPReply {
  static let networkDenied = SMTPReply(
    554, (.permanentFailure, 7, 1), "Your address may not connect; ask for a rule that lets your network in")
  /// For AUTH (RFC 4954 §6).
  static let authenticationUnavailable = SMTPReply(
    454, (.persistentTransientFailure, 7, 0), "Temporary authentication failure; try again later")
  /// Instead of a greeting.
  static let serviceUnavailable = SMTPReply(
    421, (.persistentTransientFailure, 3, 0), "Temporary failure; try again later")
  /// For all else.
  static let unavailable = SMTPReply(451, (.persistentTransientFailure, 3, 0), "Temporary failure; try again later")
  static let accountGone = SMTPReply(
    421, (.persistentTransientFailure, 7, 0), "This account may not be used any more; closing the connection")
  static let credentialsInvalid = SMTPReply(535, (.permanentFailure, 7, 8), "Authentication credentials invalid")
  static let malformedCredentials = SMTPReply(501, (.permanentFailure, 5, 2), "Malformed authentication response")
  static let authenticationRequired = SMTPReply(530, (.permanentFailure, 7, 0), "Authentication required")

  static func foreignSender(_ host: Mailbox.Host) -> SMTPReply {
    SMTPReply(553, (.permanentFailure, 7, 1), "You may not send as \(host); use a domain of your own configurations")
  }
}
