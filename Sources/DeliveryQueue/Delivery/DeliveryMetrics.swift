import MailModel
import Metrics

/// What a delivery service measures. All handles are made at once, so that a message costs none.
struct DeliveryMetrics: Sendable {
  /// What an attempt can make of a recipient.
  private static let outcomes: [RecipientState] = [.delivered, .deferred, .bounced, .expired]

  private let active: Meter
  private let attemptDuration: Timer
  private let attempts: [RecipientState: Counter]
  private let latency: [RecipientState: Timer]
  private let deferrals: [FailureKind: Counter]
  private let pausedSites: Meter

  init(_ factory: any MetricsFactory) {
    active = Meter(label: "submission.delivery.active", factory: factory)
    attemptDuration = Timer(label: "submission.delivery.attempt.duration", factory: factory)
    attempts = Self.handles(of: "outcome", Self.outcomes) {
      Counter(label: "submission.delivery.attempts", dimensions: $0, factory: factory)
    }
    latency = Self.handles(of: "outcome", Self.outcomes.filter(\.isFinal)) {
      Timer(label: "submission.delivery.latency", dimensions: $0, factory: factory)
    }
    deferrals = Self.handles(of: "kind", FailureKind.allCases) {
      Counter(label: "submission.delivery.deferrals", dimensions: $0, factory: factory)
    }
    pausedSites = Meter(label: "submission.delivery.sites.paused", factory: factory)
  }

  private static func handles<Value: RawRepresentable<String> & Hashable, Handle>(
    of dimension: String, _ values: [Value], make: ([(String, String)]) -> Handle
  ) -> [Value: Handle] {
    Dictionary(uniqueKeysWithValues: values.map { ($0, make([(dimension, $0.rawValue)])) })
  }

  /// A message is under attempt from now on.
  func begun() { active.increment() }

  /// A message is no longer under attempt; what came of it is recorded, or never will be.
  func ended() { active.decrement() }

  /// The transport was done after so long.
  func attempted(in duration: Duration) { attemptDuration.record(duration: duration) }

  /// So many sites are left alone, though something waits for them.
  func paused(sites count: Int) { pausedSites.set(count) }

  /// What came of an attempt is recorded. A deferral without an attempt, for a site that is left alone, counts among the deferrals
  /// alone.
  func settled(_ result: AttemptResult, of claim: Claim) {
    let age = max(result.settlement.at - claim.acceptedAt, .zero)
    for change in result.settlement.changes {
      if change.attempts > 0 { attempts[change.state]?.increment() }
      latency[change.state]?.record(duration: age)
      if change.state == .deferred, let kind = result.kinds[change.index] { deferrals[kind]?.increment() }
    }
  }
}
