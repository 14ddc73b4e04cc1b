/// What befalls connections by chance, each time that one side sends something. By default nothing does.
public struct SimulatedFaults: Sendable, Hashable {
  /// How probable it is that both sides hear that the connection is reset, between 0 and 1.
  public var reset = 0.0
  /// How probable it is that from then on nothing gets through, either way, and neither side is told.
  public var silence = 0.0
  /// How probable it is that what is sent takes longer.
  public var delay = 0.0
  /// How much longer; default 1 to 30 seconds.
  public var delays: ClosedRange<Duration> = .seconds(1) ... .seconds(30)

  /// None.
  public init() {}
}
