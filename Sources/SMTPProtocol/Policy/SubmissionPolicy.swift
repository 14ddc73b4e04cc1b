public import MailModel

/// Decides what a server's sessions may do: the seam between the protocol and everything behind it.
///
/// Whoever drives a ``ServerSession`` asks the policy the session's questions and gives it the answers. All requirements
/// are called in the order of the dialogue, never two at once for one connection; all may suspend, and the session
/// waits meanwhile. A refusal is a value, never an error thrown. No requirement is called again after cancellation of
/// the task that it runs in, and one that is cancelled should return soon, with any answer.
public protocol SubmissionPolicy: Sendable {
  /// What the policy keeps of one connection.
  associatedtype Session: PolicySession

  /// A client has connected; nothing was said yet. Called once for each connection, before the greeting.
  func connect(_ connection: ConnectionFacts) async -> ConnectionDecision<Session>
}

/// The answer to a new connection.
public enum ConnectionDecision<Session: Sendable>: Sendable {
  /// Go on; ask this object all the rest.
  case accept(Session)
  /// Say this instead of a greeting, and end the connection. A code of 554 or 421 (RFC 5321 §3.1).
  case refuse(SMTPReply)
}

/// Yes, or a reply that says why not.
public enum PolicyDecision: Hashable, Sendable {
  /// Yes.
  case accept
  /// No, with a 4xx or 5xx reply. A code of 421 also ends the connection.
  case refuse(SMTPReply)
}

/// Whether a message's content may come.
public enum MessageDecision<Sink: Sendable>: Sendable {
  /// It may, to this sink.
  case accept(Sink)
  /// It may not, with a 4xx or 5xx reply.
  case refuse(SMTPReply)
}
