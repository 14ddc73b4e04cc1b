public import DeliveryQueue

/// How a ``StorageFolder`` keeps things.
public struct StorageConfiguration: Hashable, Sendable {
  /// What the queue takes before it refuses; default 4,000,000 messages and 256 GiB.
  public var queueLimits = QueueLimits(messages: 4_000_000, octets: 256 << 30)
  /// How long after its acceptance the status of a finished message is remembered; default 30 days. Looked at when the
  /// folder is opened and once an hour.
  public var historyRetention = Duration.seconds(30 * 86_400)

  /// The defaults.
  public init() {}
}
