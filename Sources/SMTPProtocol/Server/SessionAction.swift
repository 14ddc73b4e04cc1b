public import MailModel

/// What whoever drives a ``ServerSession`` does next.
@nonexhaustive public enum SessionAction: Hashable, Sendable {
  /// Write the replies gathered so far, then read on: show the rest of the input again with more behind it.
  case read
  /// Ask the policy, and give its answer to ``ServerSession/resume(_:at:replies:)``. No input until then.
  case ask(SessionQuestion)
  /// Octets of the message for its sink: this range of the very input that was shown.
  case content(Range<Int>)
  /// Forget the exchange that is under way: the client cancelled it, or sent what is no base 64 or is over the limit.
  case abandonExchange
  /// Tell the message's sink to abort, and forget it. What is still to come of the content, the session drops by itself.
  case abandonMessage
  /// Write the replies, then begin TLS as its server, and tell ``ServerSession/tlsStarted(_:mechanisms:at:)``.
  case startTLS
  /// Write the replies, then end the connection. No message is under way any more.
  case close
}

/// What ``ServerSession/receive(_:at:replies:)`` gives.
public struct SessionStep: Hashable, Sendable {
  /// Octets at the front of the input that need not be shown again.
  public var consumed: Int
  /// What to do next.
  public var action: SessionAction

  /// A step of these parts.
  public init(consumed: Int, action: SessionAction) { (self.consumed, self.action) = (consumed, action) }
}

/// A question to the policy. In brackets: what answers it.
@nonexhaustive public enum SessionQuestion: Hashable, Sendable {
  /// ``SubmissionPolicy/connect(_:)`` [``SessionAnswer/connected(mechanisms:extensions:)``, ``SessionAnswer/refuse(_:)``].
  case connection
  /// ``PolicySession/authenticate(_:)``, then the new exchange's first step [``SessionAnswer/authentication(_:)``].
  case authentication(mechanism: String, initialResponse: [UInt8]?)
  /// The next step of the exchange under way [``SessionAnswer/authentication(_:)``].
  case authenticationResponse([UInt8])
  /// ``PolicySession/sender(_:)`` [``SessionAnswer/accept``, ``SessionAnswer/refuse(_:)``].
  case sender(SenderRequest)
  /// ``PolicySession/recipient(_:)`` [``SessionAnswer/accept``, ``SessionAnswer/refuse(_:)``].
  case recipient(Recipient)
  /// ``PolicySession/beginMessage(_:)``, at DATA or the first BDAT [``SessionAnswer/accept``, ``SessionAnswer/refuse(_:)``].
  indirect case message(MessageRequest)
  /// ``MessageSink/finish()`` [``SessionAnswer/finished(_:)``].
  case endOfMessage
}

/// The policy's answer to a ``SessionQuestion``.
@nonexhaustive public enum SessionAnswer: Hashable, Sendable {
  /// The client may come in, and is offered these SASL mechanisms, which count only on a connection with TLS, and these
  /// extensions.
  case connected(mechanisms: [String], extensions: MailExtensions)
  /// The exchange's step.
  case authentication(AuthenticationStep)
  /// Yes.
  case accept
  /// No, with this reply. A 421 also ends the connection.
  case refuse(SMTPReply)
  /// The message's fate.
  case finished(SMTPReply)
}
