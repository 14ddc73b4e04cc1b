import MailModel

// What a tenant leaves free for a lane that was passed over.

extension Scheduler {
  /// Times that a lane is woken in vain before a delivery is reserved for it, and as many again for each lane at its site that
  /// has one already, and so comes before it; before it takes over what is reserved for another lane of its tenant, more than
  /// that was are enough. So its tenant does without that delivery for an eighth of what ends at that site; for more where it
  /// wants something of many such sites, but never without more than one.
  static let wakesInVain = 7

  /// A lane that was woken had its tenant's turn, and others had taken the places at its site. A tenant that always has something
  /// for other sites is full by the time that the next place there is free, and so would have none for ever: after some times, one
  /// of its deliveries is left free until a place is. Its other mail, however urgent, does without that one.
  mutating func passOver(_ lane: UInt32) {
    let (tenant, site) = (Int(lanes[lane].tenant), lanes[lane].site)
    // For a site that is paused or probed, and perhaps does not answer, nothing is left free: nor for a lane that was woken
    // before.
    guard sites[site].state.pause == nil else { return endReservation(for: lane) }
    lanes[lane].timesPassedOver = min(lanes[lane].timesPassedOver, .max - 1) + 1
    guard tenants[tenant].reservation == nil else { return }
    if Int(lanes[lane].timesPassedOver) >= Self.wakesInVain * (sites[site].reservations + 1) { reserve(for: lane) }
  }

  private mutating func reserve(for lane: UInt32) {
    tenants[Int(lanes[lane].tenant)].reservation = lane
    sites[lanes[lane].site].reservations += 1
  }

  /// A lane has its turn, or wants nothing more, or its site does not work: its tenant has its delivery back.
  mutating func endReservation(for lane: UInt32) {
    let tenant = lanes[lane].tenant
    guard tenants[Int(tenant)].reservation == lane else { return }
    tenants[Int(tenant)].reservation = nil
    sites[lanes[lane].site].reservations -= 1
    unpark(tenant)
  }

  /// Whether a lane that is woken has the delivery that its tenant left free: for it, or for another that waits on. It takes over
  /// what was left free for another only if it was passed over more often than that, whose times count double from then on, so
  /// that it has a delivery reserved again the next time: a site where places are free often would else have each one that was
  /// meant for a site where they are free rarely.
  mutating func takesReservation(_ lane: UInt32) -> Bool {
    let tenant = lanes[lane].tenant
    guard let reserved = tenants[Int(tenant)].reservation else { return false }
    if reserved != lane {
      let times = (own: lanes[lane].timesPassedOver, reserved: lanes[reserved].timesPassedOver)
      guard lanes[reserved].isBlocked, times.own > times.reserved, sites[lanes[lane].site].state.pause == nil else {
        return false
      }
      lanes[reserved].timesPassedOver = UInt16(clamping: 2 * Int(times.reserved))
      endReservation(for: reserved)
      reserve(for: lane)
    }
    unpark(tenant)
    return true
  }

  /// A tenant's deliveries under way, and the one that it leaves free while a lane waits for its site.
  func deliveriesAndReservation(of tenant: UInt32) -> Int {
    let tenant = tenants[Int(tenant)]
    guard let lane = tenant.reservation, lanes[lane].isBlocked else { return tenant.running }
    return tenant.running + 1
  }

  /// Which of a lane's parts has the turn that was reserved: the most urgent; after some turns, what was due first.
  func reservedPriority(_ lane: UInt32) -> MessagePriority? {
    if lanes[lane].reservedTurns >= Self.turnsInARow { return earliest(lane)?.priority }
    return mostUrgent(lane)
  }

  mutating func countReservedTurn(of lane: UInt32) {
    guard tenants[Int(lanes[lane].tenant)].reservation == lane else { return }
    lanes[lane].reservedTurns = lanes[lane].reservedTurns < Self.turnsInARow ? lanes[lane].reservedTurns + 1 : 0
  }
}
