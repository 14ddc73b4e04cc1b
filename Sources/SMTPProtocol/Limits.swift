/// Every limit of a ``ServerSession``, with its unit and where its default comes from. All defaults are those of a
/// submission server on the open internet; benches and tests set their own.
public struct Limits: Hashable, Sendable {
  /// Octets of a command line, CRLF included. RFC 5321 §4.5.3.1.4 asks for 512, extensions add to it; default 2,048.
  public var commandLine = 2_048
  /// Octets of a line within AUTH, CRLF included (RFC 4954 §4.3); default 12,288.
  public var authenticationLine = 12_288
  /// Octets of an overlong line that are read and dropped in the hope of its end, before the connection ends;
  /// default 65,536.
  public var discardedLine = 65_536
  /// Octets of a message, as RFC 1870 counts them; default 31,457,280 (30 MiB).
  public var messageSize = 31_457_280
  /// Octets of a line of the message, CRLF not included; such lines are carried whole. RFC 5321 §4.5.3.1.6 lets a
  /// sender use 998; default 65,536. A message with a longer line is refused.
  public var textLine = 65_536
  /// Recipients of a message; more get 452 4.5.3 (RFC 5321 §4.5.3.1.10 asks for 100 at least of a relay; a submission
  /// service sets its own). Default 50.
  public var recipients = 50
  /// Messages of a session, then 421; default 1,000.
  public var messages = 1_000
  /// Bad commands and refusals of a session, then 421; default 10. What a lawful client may run into many times counts only
  /// from the 1,000th since the last accepted message on: recipients over ``recipients`` (RFC 5321 §4.5.3.1.10) or refused by the policy,
  /// and commands that were pipelined behind a refusal (RFC 2920).
  public var errors = 10
  /// Failed AUTH of a session, then 421; default 3.
  public var authenticationFailures = 3
  /// How long the session waits for a command before AUTH; default 60 s.
  public var commandTimeoutBeforeAuthentication = Duration.seconds(60)
  /// How long the session waits for a command after AUTH. RFC 5321 §4.5.3.2.7 asks for 5 minutes; default 300 s.
  public var commandTimeout = Duration.seconds(300)
  /// How long the session waits for the next octets of a message (RFC 5321 §4.5.3.2.5: 3 minutes); default 180 s.
  public var dataBlockTimeout = Duration.seconds(180)
  /// How long a message may take from 354 to its end, whatever its pace; default 10 minutes.
  public var messageTimeout = Duration.seconds(600)
  /// Octets a second that a message must bring on the whole, once ``dataRateGrace`` is over; default 500.
  public var minimumDataRate = 500
  /// How long a message may be slower than ``minimumDataRate``; default 60 s.
  public var dataRateGrace = Duration.seconds(60)

  /// The defaults.
  public init() {}
}
