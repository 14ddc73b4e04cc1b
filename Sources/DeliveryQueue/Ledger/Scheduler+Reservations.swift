// What a tenant leaves free for a lane that was passed over.

extension Scheduler {
  /// Times that a lane is woken in vain before a delivery is reserved for it. What that costs its tenant is then no more than one
  /// delivery for an eighth of the time, even where the site is so slow that the tenant's other mail goes out many times as fast.
  static let wakesInVain: UInt8 = 7

  /// A lane that was woken had its tenant's turn, and others had taken the places at its site. A tenant that always has something
  /// for other sites is full by the time that the next place there is free, and so would have none for ever.
  mutating func passOver(_ lane: UInt32) {
    // For a site that has failed, and that perhaps does not answer, nothing is left free.
    guard sites[lanes[lane].site].state.pause == nil else { return endReservation(for: lane) }
    let tenant = Int(lanes[lane].tenant)
    lanes[lane].timesPassedOver = min(lanes[lane].timesPassedOver + 1, Self.wakesInVain)
    guard lanes[lane].timesPassedOver == Self.wakesInVain, tenants[tenant].reservation == nil else { return }
    tenants[tenant].reservation = lane
  }

  /// A lane has something, or wants nothing more, or its site does not work: its tenant has the delivery back that it left free.
  mutating func endReservation(for lane: UInt32) {
    lanes[lane].timesPassedOver = 0
    let tenant = lanes[lane].tenant
    guard tenants[Int(tenant)].reservation == lane else { return }
    tenants[Int(tenant)].reservation = nil
    unpark(tenant)
  }

  /// A tenant's deliveries under way, and the one that it leaves free for a lane while that waits for its site.
  func deliveries(of tenant: UInt32) -> Int {
    let tenant = tenants[Int(tenant)]
    guard let lane = tenant.reservation, lanes[lane].isBlocked else { return tenant.running }
    return tenant.running + 1
  }
}
