public import MailModel

/// Circumstances under which a rule allows access: all attributes that are given must hold.
public struct AccessContext: Hashable, Sendable {
  /// The client's address is in one of these zones, by their ``NetworkZone/id``. A zone that does not exist holds
  /// nobody. `nil` where the address does not matter.
  public let zoneIDs: [NetworkZone.ID]?
  /// The client came in by an endpoint of one of these types. `nil` where that does not matter.
  public let endpointTypes: Set<EndpointType>?

  /// A context of these attributes; one at least.
  ///
  /// - Throws: ``AccessControlError`` with code ``AccessControlError/Code/invalidContext`` where there is no attribute,
  ///   which would let in everybody, or an empty one; ``AccessControlError/Code/invalidIdentifier`` or
  ///   ``AccessControlError/Code/limitExceeded`` for the zones.
  public init(
    zoneIDs: [NetworkZone.ID]? = nil, endpointTypes: Set<EndpointType>? = nil,
    limits: AccessControlLimits = AccessControlLimits()
  ) throws(AccessControlError) {
    guard zoneIDs != nil || endpointTypes != nil else {
      throw AccessControlError(.invalidContext, "a context needs an attribute, or it would let in everybody")
    }
    guard zoneIDs?.isEmpty != true, endpointTypes?.isEmpty != true else {
      throw AccessControlError(.invalidContext, "an attribute of a context needs a value")
    }
    for id in zoneIDs ?? [] { try limits.checkIdentifier(id) }
    guard zoneIDs?.count ?? 0 <= limits.contextZones else {
      throw AccessControlError(.limitExceeded, "a context names at most \(limits.contextZones) zones")
    }
    (self.zoneIDs, self.endpointTypes) = (zoneIDs, endpointTypes)
  }
}
