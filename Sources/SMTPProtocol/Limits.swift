/// Every limit of a ``ServerSession``, with its unit and where its default comes from. All defaults are those of a
/// submission server on the open internet; benches and tests set their own.
public struct Limits: Hashable, Sendable {
  /// Octets of a command line, CRLF included. RFC 5321 §4.5.3.1.4 asks for 512, extensions add to it; default 2,048.
  public var commandLine = 2_048
  /// Octets of a line within AUTH, CRLF included (RFC 4954 §4); default 12,288.
  public var authenticationLine = 12_288
  /// Octets of an overlong line that are read and dropped in the hope of its end, before the connection ends; also those,
  /// in all, that follow BDATs where none could be taken: without TLS, EHLO, AUTH or CHUNKING. Default 65,536.
  public var discardedLine = 65_536
  /// Octets of a message, as RFC 1870 counts them; default 31,457,280 (30 MiB).
  public var messageSize = 31_457_280
  /// Octets of a line of the message, CRLF not included; such lines are carried whole. RFC 5321 §4.5.3.1.6 lets a
  /// sender use 998; default 65,536. A message with a longer line is refused.
  public var textLine = 65_536
  /// Recipients of a message; more get 452 4.5.3 (RFC 5321 §4.5.3.1.10 asks for 100 at least of a relay; a submission
  /// service sets its own). Default 50. RFC 9422's RCPTMAX.
  public var recipients = 50
  /// Mail transactions of a session, that is MAIL commands, whether they succeed or not; then 421. RFC 9422's MAILMAX;
  /// default 1,000.
  public var messages = 1_000
  /// Bad commands of a session, then 421; default 10. Postfix closes after 20. What a lawful client may run into many times
  /// counts only once its own budget, one of those that follow, is spent.
  public var errors = 10
  /// From which on, since the last accepted message, each of these counts as an error: senders and messages refused with
  /// 5xx by the policy, recipients that it refuses, messages larger than they may be, recipients over ``recipients`` (RFC 5321 §4.5.3.1.10) or ill-formed, messages refused
  /// for their content, and commands that were pipelined behind a refusal (RFC 2920 §3.1). Where AUTH is required, all of
  /// them count before it. Default the 1,000th, as Postfix lets a client overshoot its limit of recipients.
  public var forgivenCommands = 1_000
  /// From which on, since the last accepted message, each NOOP, HELP, VRFY, repeated EHLO or HELO, and AUTH that could not
  /// be decided counts as an error. Default the 100th, as Postfix's limit of junk commands.
  public var uselessCommands = 100
  /// From which on, since the last accepted message, each RSET counts as an error. Default the 100th, as Postfix's limit of
  /// junk commands. A server that keeps connections open sends one or two for each message.
  public var resets = 100
  /// From which on, since the last accepted message, each MAIL that is accepted counts as an error, since those before it
  /// came to nothing. Default the 100th, likewise.
  public var fruitlessTransactions = 100
  /// Octets of a message, in all of its chunks so far, that earn it one chunk more than ``smallChunks`` (RFC 3030); less
  /// than 1 is as good as 1. Default 512: a client whose chunks bring that much on the average is never refused for them.
  public var smallChunk = 512
  /// Chunks of a message for which its octets need not make up, each ``smallChunk`` of them for one; a chunk more gets 421,
  /// unless it is the message's last. Default 100: a command for each octet makes a message dear to the server.
  public var smallChunks = 100
  /// Octets of refused content, since the last accepted message, that are read so that the dialogue stays in step; then
  /// 421. Behind DATA these are all octets of the message, dot-stuffing undone; behind BDAT those of the chunk, all of them
  /// at once, so that one that announces too many gets 421 at once.
  /// Default 104,857,600 (100 MiB): three times ``messageSize``, for clients that send first and look later.
  public var discardedContent = 104_857_600
  /// Failed AUTH of a session, then 421; default 3.
  public var authenticationFailures = 3
  /// How long after its beginning a session that requires AUTH may be without, whatever comes, then 421; TLS does not begin
  /// it anew, and while the policy is asked nobody is interrupted. Default 10 minutes.
  public var authenticationTimeout = Duration.seconds(600)
  /// How long the session waits for a command before AUTH, as well as for all octets behind a BDAT that could not be taken;
  /// default 60 s.
  public var commandTimeoutBeforeAuthentication = Duration.seconds(60)
  /// How long the session waits for a command after AUTH. RFC 5321 §4.5.3.2.7 asks for 5 minutes; default 300 s.
  public var commandTimeout = Duration.seconds(300)
  /// How long the session waits for the next octets of a message (RFC 5321 §4.5.3.2.5: 3 minutes); default 180 s. Between
  /// two chunks it waits for a command.
  public var dataBlockTimeout = Duration.seconds(180)
  /// How long a message may take from 354, or from its first BDAT, to its end, whatever its pace; default 10 minutes.
  public var messageTimeout = Duration.seconds(600)
  /// Octets a second that a message must bring on the whole, once ``dataRateGrace`` is over; default 500.
  public var minimumDataRate = 500
  /// How long a message may be slower than ``minimumDataRate``; default 60 s.
  public var dataRateGrace = Duration.seconds(60)

  /// The defaults.
  public init() {}
}
