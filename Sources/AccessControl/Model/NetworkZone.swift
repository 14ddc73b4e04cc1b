/// A set of addresses with a name, for rules to refer to. What is excluded is not in the zone, whatever else says that
/// it is.
public struct NetworkZone: Hashable, Sendable, Identifiable {
  /// What rules call it: 1 to 64 of `A-Z a-z 0-9 - _`.
  public let id: String
  /// What people call it: 1 to 128 of `A-Z a-z 0-9 - _` and blank.
  public let name: String
  /// For people: up to 300 characters from U+0020 to U+00FE.
  public let summary: String
  /// What is in the zone, up to 1,000. None makes a zone that holds nobody.
  public let addresses: [ZoneAddress]
  /// What is not, up to 1,000.
  public let excluded: [ZoneAddress]

  /// A zone of these parts.
  ///
  /// - Throws: ``AccessControlError`` with code ``AccessControlError/Code/invalidIdentifier``,
  ///   ``AccessControlError/Code/invalidName``, ``AccessControlError/Code/invalidDescription`` or
  ///   ``AccessControlError/Code/limitExceeded``.
  public init(
    id: String, name: String, summary: String = "", addresses: [ZoneAddress], excluded: [ZoneAddress] = [],
    limits: AccessControlLimits = AccessControlLimits()
  ) throws(AccessControlError) {
    try limits.checkIdentifier(id)
    try limits.checkName(name, of: id)
    try limits.checkDescription(summary, of: id)
    guard addresses.count <= limits.zoneAddresses, excluded.count <= limits.zoneAddresses else {
      throw AccessControlError(
        .limitExceeded, "a zone has at most \(limits.zoneAddresses) addresses and as many exclusions", subject: id)
    }
    (self.id, self.name, self.summary, self.addresses, self.excluded) = (id, name, summary, addresses, excluded)
  }
}
