import MailModel

/// What is known of a site, and how many deliveries it may have at once: the rules of ``SchedulingRules`` for one site.
///
/// ```
///              failures in a row                    its time is over
///   open ─────────────────────────────▶ paused ───────────────────────▶ probed
///    ▲                                    ▲  │                           │  │
///    │                                    └──┼────── the probe fails ────┘  │
///    └───────────────────────────────────────┴───────── it works ───────────┘
/// ```
///
/// Deliveries are told apart by their claims' tokens, which ascend: what began before a pause says nothing new by its failure.
struct SiteState: Sendable {
  struct Pause: Hashable, Sendable {
    var begin: Timestamp
    /// When the first of the pauses began that follow one another.
    var since: Timestamp
    var length: Duration
    var until: Timestamp
    var reason: String
    /// Whether its time is over: one delivery may probe the site.
    var isOver = false
  }

  /// Deliveries under way.
  private(set) var running = 0
  /// From the beginning of a pause until the site works again.
  private(set) var pause: Pause?
  /// Deliveries that it may have at once while it is open.
  private var window: Int
  /// Failures in a row.
  private var failures = 0
  /// The delivery that probes it.
  private var probe: UInt64?
  /// The last delivery that began before the window was last halved.
  private var lastBeforeHalving: UInt64 = 0
  /// The last delivery that began before the last pause.
  private var lastBeforePause: UInt64 = 0

  init(_ rules: SchedulingRules) { window = max(1, rules.firstDeliveriesPerSite) }

  /// Whether nothing at all may begin there.
  var isPaused: Bool { pause.map { !$0.isOver } ?? false }

  /// Deliveries that may begin there now.
  func room(_ rules: SchedulingRules) -> Int {
    guard let pause else { return max(0, min(window, rules.siteLimit) - running) }
    return pause.isOver && probe == nil && running < rules.siteLimit ? 1 : 0
  }

  mutating func begin(_ token: UInt64) {
    running += 1
    if pause != nil { probe = token }
  }

  /// A delivery has ended, or its claim is lost. A probe that tells nothing is followed by another.
  mutating func end(_ token: UInt64) {
    running -= 1
    if probe == token { probe = nil }
  }

  /// Takes what a delivery found.
  ///
  /// - Parameter last: the last delivery that has begun anywhere.
  mutating func learn(
    _ condition: SiteCondition, from token: UInt64, last: UInt64, at now: Timestamp, _ rules: SchedulingRules
  ) -> SiteChange.Kind? {
    switch condition {
    case .working: return work(rules)
    case .busy(let reason):
      guard token > max(lastBeforePause, lastBeforeHalving) else { return nil }
      guard pause == nil, min(window, rules.siteLimit) > 1 else { return fail(reason, last: last, at: now, rules) }
      guard rules.firstDeliveriesPerSite < .max else { return nil }  // there is no window that could be halved
      window = min(window, rules.siteLimit) / 2
      lastBeforeHalving = last
      return nil
    case .failed(let reason):
      guard token > lastBeforePause else { return nil }
      return fail(reason, last: last, at: now, rules)
    case .unknown: return nil
    }
  }

  private mutating func work(_ rules: SchedulingRules) -> SiteChange.Kind? {
    failures = 0
    guard pause != nil else {
      if window < rules.siteLimit { window += 1 }
      return nil
    }
    (pause, probe, window) = (nil, nil, 1)
    return .resumed
  }

  private mutating func fail(
    _ reason: String, last: UInt64, at now: Timestamp, _ rules: SchedulingRules
  ) -> SiteChange.Kind? {
    if failures < .max { failures += 1 }
    guard pause != nil || failures >= rules.failuresBeforePause else { return nil }
    let length = max(.zero, pause.map { doubled($0.length, rules) } ?? min(rules.firstPause, rules.maximumPause))
    pause = Pause(begin: now, since: min(pause?.since ?? now, now), length: length, until: now + length, reason: reason)
    (probe, lastBeforePause) = (nil, last)
    return .paused(until: now + length, because: reason)
  }

  private func doubled(_ length: Duration, _ rules: SchedulingRules) -> Duration {
    length > rules.maximumPause / 2 ? rules.maximumPause : length * 2
  }

  /// The time of the pause is over: the next delivery is the probe.
  mutating func endPause() { pause?.isOver = true }

  /// The clock went back: a pause must not become longer by that.
  mutating func setBack(to now: Timestamp) {
    guard var pause, pause.begin > now else { return }
    (pause.begin, pause.since, pause.until) = (now, min(pause.since, now), now + pause.length)
    self.pause = pause
  }
}

extension SchedulingRules {
  /// Deliveries at one site at once.
  var siteLimit: Int { max(1, deliveriesPerSite) }
  /// Deliveries for one tenant at once.
  var tenantLimit: Int { max(1, deliveriesPerTenant) }
  /// How long a message waits for a paused site.
  var wait: Duration { max(.zero, patience) }
}
