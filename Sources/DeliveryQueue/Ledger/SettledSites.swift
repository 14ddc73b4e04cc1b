/// Where deliveries were whose claims were settled before it is told how they ended: a store may be quicker than the next claim,
/// which tells. The last of them alone, since nobody need ever tell.
struct SettledSites: Sendable {
  /// Deliveries remembered at least; twice as many at most.
  private static let least = 5_000

  private var recent: [UInt64: DeliverySite] = [:]
  private var older: [UInt64: DeliverySite] = [:]

  mutating func insert(_ token: UInt64, _ site: DeliverySite) {
    if recent.count >= Self.least { (older, recent) = (recent, [:]) }
    recent[token] = site
  }

  mutating func remove(_ token: UInt64) -> DeliverySite? {
    recent.removeValue(forKey: token) ?? older.removeValue(forKey: token)
  }
}
