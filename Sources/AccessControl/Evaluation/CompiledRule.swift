import MailModel

/// A zone with its addresses in order.
struct CompiledZone: Sendable {
  enum Membership { case inside, excluded, outside }

  let id: NetworkZone.ID
  private let addresses: AddressSet
  private let excluded: AddressSet

  init(_ zone: NetworkZone) {
    id = zone.id
    addresses = AddressSet(zone.addresses)
    excluded = AddressSet(zone.excluded)
  }

  func membership(of address: IPAddress) -> Membership {
    guard addresses.contains(address) else { return .outside }
    return excluded.contains(address) ? .excluded : .inside
  }
}

/// A rule with its zones at hand.
struct CompiledRule: Sendable {
  /// Zones that do not exist and are named in a reason.
  static let maximumUnknownZones = 10

  let id: AccessRule.ID
  private let contexts: [CompiledContext]
  private let unknownZones: [NetworkZone.ID]

  init(_ rule: AccessRule, zones: [NetworkZone.ID: CompiledZone]) {
    id = rule.id
    contexts = rule.contexts.map { context in
      CompiledContext(endpointTypes: context.endpointTypes, zones: context.zoneIDs?.compactMap { zones[$0] })
    }
    let unknown = Set(rule.contexts.flatMap { $0.zoneIDs ?? [] }).filter { zones[$0] == nil }
    unknownZones = Array(unknown.sorted().prefix(Self.maximumUnknownZones))
  }

  /// Where no context holds, the reason is that of the context which came nearest.
  func evaluate(_ request: AccessRequest) -> AccessDecision.Reason {
    guard !contexts.isEmpty else { return .noContexts }
    var nearest = AccessDecision.Reason.notInZones(unknown: unknownZones)
    for context in contexts {
      let reason = context.evaluate(request, unknownZones)
      if reason.isAllowed { return reason }
      if reason.nearness > nearest.nearness { nearest = reason }
    }
    return nearest
  }
}

/// A context with its zones at hand, those that there are.
private struct CompiledContext: Sendable {
  var endpointTypes: Set<EndpointType>?
  var zones: [CompiledZone]?

  func evaluate(_ request: AccessRequest, _ unknown: [NetworkZone.ID]) -> AccessDecision.Reason {
    let address = evaluate(request.address, unknown)
    guard address.isAllowed else { return address }
    guard let endpointTypes, !endpointTypes.contains(request.endpointType) else { return address }
    return .otherEndpointType
  }

  private func evaluate(_ address: IPAddress, _ unknown: [NetworkZone.ID]) -> AccessDecision.Reason {
    guard let zones else { return .allowed(zone: nil) }
    var excludedFrom: NetworkZone.ID?
    for zone in zones {
      switch zone.membership(of: address) {
      case .inside: return .allowed(zone: zone.id)
      case .excluded: excludedFrom = excludedFrom ?? zone.id
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
