import DeliveryQueue
import MailModel
import Testing

/// A ledger with a clock, whose sites are its destinations.
struct SchedulerRig {
  var ledger = ClaimLedger(limits: QueueLimits(messages: .max, octets: .max))
  var rules: SchedulingRules
  /// Seconds.
  var now = 0
  private var lastSequence: Int64 = 0
  private var ended: [DeliveryEnd] = []
  private(set) var last: ClaimLedger.Claimed?

  init(_ change: (inout SchedulingRules) -> Void = { _ in }) {
    var rules = SchedulingRules()
    change(&rules)
    self.rules = rules
  }

  static func at(_ second: Int) -> Timestamp { Timestamp(milliseconds: Int64(second) * 1000) }

  static func host(_ name: String) -> Mailbox.Host? { DomainName("\(name).example").map(Mailbox.Host.domain) }

  /// Queues a message that is due at once, or then.
  @discardableResult mutating func queue(
    _ tenant: String? = "tenant", to destinations: [String] = ["site"], _ priority: MessagePriority = .normal,
    due: Int? = nil
  ) -> Int64 {
    lastSequence += 1
    let parts = destinations.map { ClaimLedger.Part(destination: Self.host($0), due: Self.at(due ?? now)) }
    ledger.insert(
      ClaimLedger.Entry(sequence: lastSequence, size: 1, tenant: tenant, priority: priority, parts: parts))
    return lastSequence
  }

  /// Claims, with leases that do not run out.
  @discardableResult mutating func claim(_ limit: Int = 1000) -> [ClaimLedger.Grant] {
    var request = ClaimRequest(limit: limit, now: Self.at(now), leasedUntil: .never)
    (request.rules, request.ended) = (rules, ended)
    request.site = { DeliverySite($0) }
    ended = []
    let claimed = ledger.claim(request)
    last = claimed
    return claimed.grants
  }

  /// A delivery ends, of which the next claim hears; the message is done.
  mutating func end(_ grants: [ClaimLedger.Grant], _ condition: SiteCondition = .working) {
    for grant in grants {
      ended.append(DeliveryEnd(token: grant.token, condition: condition))
      settled.append(grant.token)
    }
  }
  private var settled: [Claim.Token] = []

  /// Claims, and then settles what was said to have ended.
  @discardableResult mutating func turn(_ limit: Int = 1000) -> [ClaimLedger.Grant] {
    let grants = claim(limit)
    for token in settled { ledger.endSettlement(token, left: [], isFinished: true) }
    settled = []
    return grants
  }
}

/// Numbers that are the same for the same seed.
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) {
    state = seed
    state = next()  // else the numbers of the next seed would be these, but for the first
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
