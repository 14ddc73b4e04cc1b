import DeliveryQueue

/// What attempts for parts of a claim come to together.
struct JointReport {
  private let claim: Claim
  /// By the recipient's place in the claim.
  private var outcomes: [DeliveryOutcome?]
  private var hostProblems: [String] = []
  private var uncertain: Set<Int> = []
  private var condition = SiteCondition.unknown

  init(of claim: Claim) {
    self.claim = claim
    outcomes = Array(repeating: nil, count: claim.recipients.count)
  }

  /// Adds what came of the recipients at these places of the claim.
  mutating func add(_ report: DeliveryReport, of part: Claim, at places: [Int]) {
    for (place, outcome) in zip(places, report.outcomes) { outcomes[place] = outcome }
    for index in report.uncertain where places.indices.contains(index) { uncertain.insert(places[index]) }
    if let problem = report.hostProblem { hostProblems.append(problem) }
    // Where routes have changed, an attempt tells of another site than the one that is waited for.
    if part.site == claim.site, report.condition.tellsMore(than: condition) { condition = report.condition }
  }

  var report: DeliveryReport {
    let missing = DeliveryOutcome.deferred(DeliveryReply(problem: "The transport gave no outcome"))
    return DeliveryReport(
      outcomes: outcomes.map { $0 ?? missing },
      hostProblem: hostProblems.isEmpty ? nil : hostProblems.joined(separator: "; "), uncertain: uncertain,
      condition: condition)
  }
}

extension SiteCondition {
  /// The better of two, and anything rather than nothing.
  fileprivate func tellsMore(than other: SiteCondition) -> Bool { rank > other.rank }

  private var rank: Int {
    switch self {
    case .working: 3
    case .busy: 2
    case .failed: 1
    case .unknown: 0
    @unknown default: 0
    }
  }
}
