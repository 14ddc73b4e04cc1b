/// Every limit of a ``ClientSession``, with its unit and where its default comes from.
public struct ClientLimits: Hashable, Sendable {
  /// Octets of a line of a reply, CRLF included. RFC 5321 §4.5.3.1.5 allows 512, extensions more; default 2,048.
  public var replyLine = 2_048
  /// Lines of a reply; default 100.
  public var replyLines = 100
  /// Octets of a whole reply, all its CRLF included; default 65,536.
  public var reply = 65_536

  /// How long to wait for the greeting (RFC 5321 §4.5.3.2.1); default 5 minutes.
  public var greetingTimeout = Duration.seconds(300)
  /// How long to wait for the reply to EHLO, HELO, STARTTLS, each line of AUTH, and RSET; default 5 minutes.
  public var helloTimeout = Duration.seconds(300)
  /// How long TLS may take to stand; default 1 minute.
  public var handshakeTimeout = Duration.seconds(60)
  /// How long to wait for the reply to MAIL (RFC 5321 §4.5.3.2.2); default 5 minutes.
  public var senderTimeout = Duration.seconds(300)
  /// How long to wait for the reply to each RCPT (RFC 5321 §4.5.3.2.3); default 5 minutes.
  public var recipientTimeout = Duration.seconds(300)
  /// How long to wait for the reply to DATA (RFC 5321 §4.5.3.2.4); default 2 minutes.
  public var dataTimeout = Duration.seconds(120)
  /// How long the server may take to accept a block of the content (RFC 5321 §4.5.3.2.5); default 3 minutes.
  public var dataBlockTimeout = Duration.seconds(180)
  /// How long to wait for the reply to the end of the content (RFC 5321 §4.5.3.2.6); default 10 minutes. A shorter wait
  /// makes duplicates (RFC 1047).
  public var endOfContentTimeout = Duration.seconds(600)
  /// How long to wait for the reply to QUIT, which changes nothing any more; default 10 seconds.
  public var quitTimeout = Duration.seconds(10)

  /// The defaults.
  public init() {}
}
