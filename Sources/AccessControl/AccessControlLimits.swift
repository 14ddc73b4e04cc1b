/// Every limit of network zones and rules. The defaults are those of the service that this one is modelled on.
public struct AccessControlLimits: Hashable, Sendable {
  /// Zones of a policy; default 500.
  public var zones = 500
  /// Rules of a policy; default 4,020.
  public var rules = 4_020
  /// Addresses, ranges and subnets of a zone, and as many again of its exclusions; default 1,000.
  public var zoneAddresses = 1_000
  /// Addresses, ranges and subnets of all the zones that one rule names, exclusions not counted; default 1,000.
  public var ruleAddresses = 1_000
  /// Contexts of a rule; default 1,000.
  public var contexts = 1_000
  /// Zones that one context names; default 500.
  public var contextZones = 500
  /// Zones that all contexts of one rule name, each as often as it is named; default 1,000. With ``rules`` it bounds what
  /// one decision costs.
  public var ruleZones = 1_000
  /// Characters of an identifier; default 64.
  public var identifierLength = 64
  /// Characters of a zone's name; default 128.
  public var nameLength = 128
  /// Characters of a description; default 300.
  public var descriptionLength = 300

  /// The defaults.
  public init() {}
}
