/// How much a queue takes before it refuses with ``QueueError/Code/insufficientStorage``.
///
/// Only messages with recipients left count; in memory, bodies on their way in as well. Messages that come of a settlement
/// are taken in any case, so that a full queue can empty itself.
public struct QueueLimits: Hashable, Sendable {
  /// Messages with recipients left.
  public var messages: Int
  /// Octets of their content.
  public var octets: Int

  /// These limits.
  public init(messages: Int, octets: Int) { (self.messages, self.octets) = (messages, octets) }
}
