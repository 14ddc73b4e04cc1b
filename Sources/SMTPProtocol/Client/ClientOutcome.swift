public import MailModel

/// What came of a transaction for one recipient.
@nonexhaustive public enum ClientOutcome: Hashable, Sendable {
  /// The server took the responsibility, with this reply to the end of the content. Where it does not offer DSN, it was
  /// not told what is to be reported: see ``ClientSession/passesNotifications``.
  case accepted(SMTPReply)
  /// The server refused with a 4xx or 5xx, at this stage. At ``ClientStage/hello``, ``ClientStage/idle`` and
  /// ``ClientStage/reset`` that is about the host, not about this recipient: a 5xx there is no reason to give the message
  /// up.
  case refused(SMTPReply, at: ClientStage)
  /// The message cannot be sent to this recipient by this server, or by any; the server was not asked. The reason is ours.
  case unsuitable(EnhancedStatusCode, String)
  /// A limit that the server announced (RFC 9422) leaves no room, for this reason; the server was not asked. The recipient
  /// belongs into another transaction: of this session while ``ClientSession/transactionsLeft`` is not 0, otherwise of
  /// another.
  case postponed(String)
  /// The connection ended first. At ``ClientStage/endOfContent`` the server may have taken the message or not
  /// (RFC 1047): trying again may make a duplicate, and not trying may lose the message.
  case interrupted(ClientFailure)
}
