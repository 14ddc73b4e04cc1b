/// Limits of what a message's content may be and cost, beside the size that the protocol session watches.
public struct IntakeLimits: Hashable, Sendable {
  /// Octets of content that a message holds in memory; what is beyond goes to the store's spool. Default 262,144.
  public var memoryPerMessage = 262_144
  /// Octets that all messages together hold in memory; then 452 4.3.1. Default 268,435,456 (256 MiB).
  public var memoryInAll = 268_435_456
  /// Octets of the header section; default 262,144. It is held in memory whole.
  public var headerSection = 262_144
  /// Octets of one header field, folded lines included; default 65,536.
  public var headerField = 65_536
  /// Header fields; default 1,000.
  public var headerFields = 1_000
  /// Received fields, one for each hop; more are a loop (RFC 5321 §6.3). Default 50.
  public var receivedFields = 50

  /// The defaults.
  public init() {}
}
