import MailModel

extension SMTPReply {
  static let networkDenied = SMTPReply(
    554, (.permanentFailure, 7, 1), "Your address may not connect; ask for a rule that lets your network in")
  static let instanceDenied = SMTPReply(
    535, (.permanentFailure, 7, 1), "This account may not be used from your address; ask for a rule that lets it in")
  static let unavailable = SMTPReply(454, (.persistentTransientFailure, 7, 0), "Temporary failure; try again later")
  static let credentialsInvalid = SMTPReply(535, (.permanentFailure, 7, 8), "Authentication credentials invalid")
  static let malformedCredentials = SMTPReply(501, (.permanentFailure, 5, 2), "Malformed authentication response")
  static let authenticationRequired = SMTPReply(530, (.permanentFailure, 7, 0), "Authentication required")

  static func foreignSender(_ host: Mailbox.Host) -> SMTPReply {
    SMTPReply(553, (.permanentFailure, 7, 1), "You may not send as \(host); use a domain of your own configurations")
  }
}
