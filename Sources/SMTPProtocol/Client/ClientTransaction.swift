public import MailModel

/// A message that a ``ClientSession`` is to hand on, apart from its content.
public struct ClientTransaction: Hashable, Sendable {
  /// Who sends to whom. A body type of ``MailModel/BodyType/eightBitMIME`` is sent only to a server that offers it.
  public var envelope: Envelope
  /// Octets of the content as it is stored, for SIZE (RFC 1870); `nil` where they are not known.
  public var size: Int?

  /// A transaction of these parts.
  public init(envelope: Envelope, size: Int? = nil) { (self.envelope, self.size) = (envelope, size) }
}

/// What came of a transaction for one recipient.
@nonexhaustive public enum ClientOutcome: Hashable, Sendable {
  /// The server took the responsibility, with this reply to the end of the content.
  case accepted(SMTPReply)
  /// The server refused with a 4xx or 5xx, at this stage.
  case refused(SMTPReply, at: ClientStage)
  /// The message cannot be sent to this server, or to any; nothing of it was asked. The reason is ours.
  case unsuitable(EnhancedStatusCode, String)
  /// The connection ended first. At ``ClientStage/endOfContent`` the server may have taken the message or not
  /// (RFC 1047): trying again may make a duplicate, and not trying may lose the message.
  case interrupted(ClientFailure)
}
