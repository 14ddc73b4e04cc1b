import MailModel

/// A rule with its zones at hand.
struct CompiledRule: Sendable {
  /// Zones that do not exist and are named in a reason.
  static let maximumUnknownZones = 10

  let id: AccessRule.ID
  private let contexts: [CompiledContext]
  private let unknownZones: [NetworkZone.ID]

  /// - Parameter places: where each zone's membership stands.
  init(_ rule: AccessRule, places: [NetworkZone.ID: Int]) {
    id = rule.id
    contexts = rule.contexts.map { context in
      CompiledContext(endpointTypes: context.endpointTypes, zones: context.zoneIDs?.compactMap { places[$0] })
    }
    let unknown = Set(rule.contexts.flatMap { $0.zoneIDs ?? [] }).filter { places[$0] == nil }
    unknownZones = Array(unknown.sorted().prefix(Self.maximumUnknownZones))
  }

  /// Where no context holds, the reason is that of the context which came nearest.
  func evaluate(_ request: AccessRequest, _ memberships: ZoneMemberships) -> AccessDecision.Reason {
    guard !contexts.isEmpty else { return .noContexts }
    var nearest = AccessDecision.Reason.notInZones(unknown: unknownZones)
    for context in contexts {
      let reason = context.evaluate(request.endpointType, memberships, unknownZones)
      if reason.isAllowed { return reason }
      if reason.nearness > nearest.nearness { nearest = reason }
    }
    return nearest
  }
}

/// A context with its zones at hand, those that there are.
private struct CompiledContext: Sendable {
  var endpointTypes: Set<EndpointType>?
  var zones: [Int]?

  func evaluate(
    _ endpointType: EndpointType, _ memberships: ZoneMemberships, _ unknown: [NetworkZone.ID]
  ) -> AccessDecision.Reason {
    let address = evaluate(memberships, unknown)
    guard address.isAllowed else { return address }
    guard let endpointTypes, !endpointTypes.contains(endpointType) else { return address }
    return .otherEndpointType
  }

  private func evaluate(_ memberships: ZoneMemberships, _ unknown: [NetworkZone.ID]) -> AccessDecision.Reason {
    guard let zones else { return .allowed(zone: nil) }
    var excludedFrom: NetworkZone.ID?
    for zone in zones {
      switch memberships.values[zone] {
      case .inside: return .allowed(zone: memberships.zones[zone].id)
      case .excluded: excludedFrom = excludedFrom ?? memberships.zones[zone].id
      case .outside: break
      }
    }
    return excludedFrom.map { .excluded(zone: $0) } ?? .notInZones(unknown: unknown)
  }
}

extension AccessDecision.Reason {
  fileprivate var nearness: Int {
    switch self {
    case .noContexts, .notInZones: 0
    case .excluded: 1
    case .otherEndpointType: 2
    case .allowed: 3
    }
  }
}
