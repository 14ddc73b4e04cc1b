import MailModel

// The ends of pauses, and of the patience of what waits for them.

extension Scheduler {
  /// Sees to what waits for a site that is paused from now on, or was before another time.
  mutating func beginPause(of site: UInt32) {
    watchPause(of: site)
    var next = sites[site].blocked.first
    while let node = next {
      watch(node / 3)
      endReservation(for: node / 3)
      next = laneLinks.next(after: node)
    }
  }

  /// Sees to it that the end of a pause is not missed while anything waits for it.
  mutating func watchPause(of site: UInt32) {
    guard let pause = sites[site].state.pause, !pause.isOver, sites[site].lanes > 0 else { return }
    guard sites[site].watchedUntil != pause.until else { return }
    sites[site].watchedUntil = pause.until
    pauseEnds.insert(Watch(instant: pause.until, number: site))
    if pauseEnds.count > 2 * sites.count + 64 { pauseEnds = pauseEnds.filter(isCurrentPauseEnd) }
  }

  /// Sees to it that the patience of what a blocked lane has is not missed while its site is paused.
  mutating func watch(_ lane: UInt32) {
    guard lanes[lane].isBlocked, sites[lanes[lane].site].state.isPaused else { return }
    guard let start = waitsFrom(lane), start < lanes[lane].watchedFrom else { return }
    lanes[lane].watchedFrom = start
    patienceEnds.insert(Watch(instant: start, number: lane))
    if patienceEnds.count > 2 * lanes.count + 64 { patienceEnds = patienceEnds.filter(isCurrentPatienceEnd) }
  }

  /// Since when the first of a lane's parts waits for its paused site: from when it is due, or its site is paused.
  func waitsFrom(_ lane: UInt32) -> Timestamp? {
    guard let due = earliest(lane)?.due, let pause = sites[lanes[lane].site].state.pause else { return nil }
    return max(due, pause.since)
  }

  private func isCurrentPauseEnd(_ watch: Watch) -> Bool {
    sites[watch.number].state.isPaused && sites[watch.number].watchedUntil == watch.instant
  }

  private func isCurrentPatienceEnd(_ watch: Watch) -> Bool { lanes[watch.number].watchedFrom == watch.instant }

  /// When the first pause ends that anything waits for.
  private mutating func firstPauseEnd() -> Watch? {
    while let end = pauseEnds.first {
      guard isCurrentPauseEnd(end) else {
        _ = pauseEnds.popFirst()
        continue
      }
      if sites[end.number].lanes > 0 { return end }
      _ = pauseEnds.popFirst()
      sites[end.number].watchedUntil = nil
    }
    return nil
  }

  /// Since when what has waited longest waits for a paused site.
  private mutating func firstPatienceEnd() -> Watch? {
    while let end = patienceEnds.first {
      guard isCurrentPatienceEnd(end) else {
        _ = patienceEnds.popFirst()
        continue
      }
      let lane = lanes[end.number]
      if lane.isBlocked, sites[lane.site].state.isPaused, waitsFrom(end.number) == end.instant { return end }
      _ = patienceEnds.popFirst()
      lanes[end.number].watchedFrom = .never
      watch(end.number)
    }
    return nil
  }

  /// Lets sites be probed whose pause is over, and those lanes have their turn that have waited long enough for others.
  mutating func endWaits() {
    while let end = firstPauseEnd(), end.instant <= now {
      _ = pauseEnds.popFirst()
      sites[end.number].watchedUntil = nil
      change(end.number) { $0.state.endPause() }
      wake(at: end.number)
    }
    while let end = firstPatienceEnd(), end.instant + rules.wait <= now {
      _ = patienceEnds.popFirst()
      lanes[end.number].watchedFrom = .never
      wake(end.number)
    }
  }

  /// When the first pause or patience ends.
  mutating func nextEndOfWait() -> Timestamp? {
    let ends = (firstPauseEnd()?.instant, (firstPatienceEnd()?.instant).map { $0 + rules.wait })
    return min(ends.0 ?? .never, ends.1 ?? .never).unlessNever
  }

  /// The clock went back: pauses must not become longer by that.
  mutating func setBack() {
    for site in siteNumbers.values.sorted() where sites[site].state.isPaused {
      let (old, now) = (sites[site].state.pause, now)
      change(site) { $0.state.setBack(to: now) }
      if sites[site].state.pause != old { beginPause(of: site) }
    }
  }
}

extension Timestamp {
  /// `nil` for ``never``.
  var unlessNever: Timestamp? { self == .never ? nil : self }
}
