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

  init(_ factory: any MetricsFactory) {
    active = Meter(label: "submission.delivery.active", factory: factory)
    attemptDuration = Timer(label: "submission.delivery.attempt.duration", factory: factory)
    attempts = Self.handles(Self.outcomes) {
      Counter(label: "submission.delivery.attempts", dimensions: $0, factory: factory)
    }
    latency = Self.handles(Self.outcomes.filter(\.isFinal)) {
      Timer(label: "submission.delivery.latency", dimensions: $0, factory: factory)
    }
  }

  private static func handles<Handle>(
    _ outcomes: [RecipientState], make: ([(String, String)]) -> Handle
  ) -> [RecipientState: Handle] {
    Dictionary(uniqueKeysWithValues: outcomes.map { ($0, make([("outcome", $0.rawValue)])) })
  }

  /// A message is under attempt from now on.
  func begun() { active.increment() }

  /// A message is no longer under attempt; what came of it is recorded, or never will be.
  func ended() { active.decrement() }

  /// The transport was done after so long.
  func attempted(in duration: Duration) { attemptDuration.record(duration: duration) }

  /// What came of an attempt is recorded.
  func settled(_ settlement: Settlement, of claim: Claim) {
    let age = max(settlement.at - claim.acceptedAt, .zero)
    for change in settlement.changes {
      attempts[change.state]?.increment()
      latency[change.state]?.record(duration: age)
    }
  }
}
