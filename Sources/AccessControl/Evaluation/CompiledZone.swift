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

/// How one address stands to every zone of a policy: found out once, however many rules ask.
struct ZoneMemberships {
  let zones: [CompiledZone]
  let values: [CompiledZone.Membership]

  init(of address: IPAddress, in zones: [CompiledZone]) {
    self.zones = zones
    values = zones.map { $0.membership(of: address) }
  }
}
