/// How a ``RemoteHost`` behaves.
@nonexhaustive public enum RemoteMood: Hashable, Sendable {
  /// It takes everything.
  case working
  /// It takes everything, and each of its answers comes so much later, be it beyond the client's patience.
  case slow(by: Duration)
  /// What it has not seen for so long, of client, sender and recipient together, it refuses with 451 4.7.1.
  case greylisting(for: Duration)
  /// It refuses with a 4xx at that stage.
  case temporary(at: Stage)
  /// It refuses with a 5xx at that stage.
  case permanent(at: Stage)
  /// It answers with 421 4.3.2, and closes.
  case busy
  /// It refuses connections.
  case dead
  /// It accepts connections, and never says anything more.
  case mute
  /// It keeps the message, and the connection is lost before its reply to the end of the content is out; with silence,
  /// without the client hearing of it.
  case losingReplies(silently: Bool)
  /// The connection is lost before the content is complete; with silence, without the client hearing of it.
  case losingContent(silently: Bool)

  /// A part of the dialogue.
  @nonexhaustive public enum Stage: Hashable, Sendable, CaseIterable {
    /// The greeting.
    case connection
    /// AUTH.
    case authentication
    /// MAIL.
    case sender
    /// RCPT.
    case recipient
    /// DATA.
    case data
    /// The end of the content.
    case endOfContent
  }
}
