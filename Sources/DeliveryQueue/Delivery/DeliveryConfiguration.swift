public import MailModel

/// How a ``DeliveryService`` works.
public struct DeliveryConfiguration: Sendable {
  /// Deliveries at once, in all; 1 or more, default 400. Most wait for a next host most of their time.
  public var workers = 400
  /// How many of them at a site and for a tenant, and how a site that fails is left alone.
  public var rules = SchedulingRules()
  /// Outcomes of deliveries at most that wait to be recorded; with more, none is begun until the store has caught up. What a crash of
  /// the process finds under way or waiting here may be delivered again, so this many and the ``workers`` at most. Never over
  /// eight for each worker; 1 or more, default 160, what a store records with one sync.
  public var unrecordedOutcomes = 160
  /// When a deferred recipient is tried again, and when a message is given up.
  public var schedule = RetrySchedule()
  /// How long a claim holds. It is extended as long as the attempt lasts; another machine takes the message over when
  /// this one is gone for so long. Default 10 minutes.
  public var lease = Duration.seconds(600)
  /// How long one attempt for one message may take before it is cancelled; default 30 minutes, since the timeouts of
  /// RFC 5321 §4.5.3.2 allow a slow host 10 minutes for the end of the content alone.
  public var attemptLimit = Duration.seconds(1800)
  /// How often the store is looked at though nothing is known to be due, for what others put into it; default 1 minute.
  public var pollInterval = Duration.seconds(60)
  /// How long the service waits after the store failed; default 5 seconds.
  public var pauseAfterFailure = Duration.seconds(5)
  /// How long running attempts may last after a graceful shutdown began; default 30 seconds.
  public var shutdownDeadline = Duration.seconds(30)
  /// How the log shows addresses: those of the envelope, and those in the words of next hosts; default masked.
  public var addressesInLog = AddressDisplay.masked
  /// Gives a number from 0 to 1, for the jitter of the schedule; random by default.
  public var chance: @Sendable () -> Double = { .random(in: 0...1) }

  /// The defaults.
  public init() {}

  /// The same, without periods so short that the service would spin: the lease and the polls take a second at least,
  /// the pauses a tenth of one; and with rules that let something through.
  var sane: DeliveryConfiguration {
    var sane = self
    sane.lease = max(lease, .seconds(1))
    sane.pollInterval = max(pollInterval, .seconds(1))
    sane.pauseAfterFailure = max(pauseAfterFailure, .milliseconds(100))
    sane.rules = rules.sane
    return sane
  }
}
