import MailModel

extension SMTPReply {
  /// The words that clients' documents promise.
  static func queued(_ id: QueueID) -> SMTPReply { SMTPReply(250, (.success, 0, 0), "Ok: queued as \(id)") }

  static let memoryIsFull = SMTPReply(
    452, (.persistentTransientFailure, 3, 1), "Too many messages at once; try again later")
  static let storageIsFull = SMTPReply(
    452, (.persistentTransientFailure, 3, 1), "Insufficient storage; try again later")
  static let cannotBeKept = SMTPReply(
    451, (.persistentTransientFailure, 3, 0), "The message could not be kept; try again later")
  static let tooManyHops = SMTPReply(554, (.permanentFailure, 4, 6), "Too many Received fields; this looks like a loop")

  static func headerTooLarge(limit: Int) -> SMTPReply {
    SMTPReply(552, (.permanentFailure, 3, 4), "The header section is over the limit of \(limit) octets")
  }
  static func tooManyFields(limit: Int) -> SMTPReply {
    SMTPReply(552, (.permanentFailure, 3, 4), "The message has over \(limit) header fields")
  }
  static func fieldTooLarge(limit: Int) -> SMTPReply {
    SMTPReply(552, (.permanentFailure, 3, 4), "A header field is over the limit of \(limit) octets")
  }
}
