import DeliveryQueue
import MailModel
import Testing

/// The ledger against ``SchedulerModel``: whatever happens, it gives nothing that it should not, and leaves nothing that it
/// should give.
@Suite struct SchedulerModelTests {
  @Test(arguments: 0..<8) func agreesWithTheModel(_ part: Int) {
    for seed in 0..<25 { check(UInt64(part * 25 + seed)) }
  }

  @Test func agreesWithTheModelInFreshSeeds() {
    let first = UInt64.random(in: 0...(.max / 2))
    for seed in first..<first + 50 { check(seed) }
  }

  private func check(_ seed: UInt64) {
    var run = Run(seed: seed)
    if let fault = run.fault() {
      Issue.record("seed \(seed)\(run.wentBack ? ", where the clock went back" : ""), \(fault)")
    }
  }
}

private struct Run {
  var numbers: SeededNumbers
  var ledger = ClaimLedger(limits: QueueLimits(messages: .max, octets: .max))
  var model = SchedulerModel()
  var rules = SchedulingRules()
  var now = Timestamp(milliseconds: 1_000_000)
  var ended: [DeliveryEnd] = []
  var taken: [ClaimLedger.Entry] = []
  var lastSequence: Int64 = 0
  /// At most once, so that it is known until when a pause lasts.
  var mayGoBack: Bool
  /// What was due, and is not any more, still counts as waiting for a while.
  var wentBack = false
  let destinations = ["a.x", "b.x", "c.x", "d.x", "e.x", "f.x"].map { DomainName($0).map(Mailbox.Host.domain) } + [nil]
  let tenants = ["one", "two", "three", "four", nil]

  init(seed: UInt64) {
    numbers = SeededNumbers(seed)
    mayGoBack = Bool.random(using: &numbers)
    rules = anyRules()
  }

  mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &numbers) }
  mutating func chance(_ percent: Int) -> Bool { number(1...100) <= percent }

  mutating func anyRules() -> SchedulingRules {
    var rules = SchedulingRules()
    rules.deliveriesPerSite = number(1...5)
    rules.firstDeliveriesPerSite = number(1...rules.deliveriesPerSite)
    rules.deliveriesPerTenant = number(1...6)
    rules.leavesRoomForOthers = chance(50)
    rules.failuresBeforePause = number(1...3)
    rules.firstPause = .seconds(number(1...60))
    rules.maximumPause = .seconds(86_400)  // so that no site is forgotten meanwhile
    rules.patience = .seconds(number(0...120))
    return rules
  }

  /// The first thing that goes wrong.
  mutating func fault() -> String? {
    for step in 0..<150 {
      if let fault = self.step() { return "step \(step): \(fault)" }
    }
    return drain()
  }

  private mutating func step() -> String? {
    switch number(0...99) {
    case 0..<25: for _ in 0..<number(1...6) { queue() }
    case 25..<55: return claim(number(-1...8))
    case 55..<75: for _ in 0..<number(1...4) { endOne() }
    case 75..<82: settleOne()
    case 82..<90: now = now + .milliseconds(number(1...40_000))
    case 90..<91: goBack()
    case 91..<93: giveBackOne()
    case 93..<95: take()
    case 95..<97: putBack()
    case 97: rules = anyRules()
    default: extendOne()
    }
    return nil
  }

  private mutating func goBack() {
    guard mayGoBack else { return }
    (mayGoBack, wentBack) = (false, true)
    now = now + .seconds(-number(1...3600))
  }

  private mutating func queue() {
    lastSequence += 1
    let (tenant, priority) = (tenants[number(0...4)], MessagePriority.allCases[number(0...2)])
    let due = now + .milliseconds(chance(60) ? 0 : number(-10_000...60_000))
    let some = destinations.shuffled(using: &numbers).prefix(number(1...4))
    let parts = some.map { ClaimLedger.Part(destination: $0, due: chance(90) ? due : due + .seconds(5)) }
    ledger.insert(
      ClaimLedger.Entry(sequence: lastSequence, size: 10, tenant: tenant, priority: priority, parts: parts))
    add(parts, lastSequence, tenant, priority)
  }

  private mutating func add(
    _ parts: [ClaimLedger.Part], _ sequence: Int64, _ tenant: String?, _ priority: MessagePriority
  ) {
    for part in parts {
      model.parts.append(
        SchedulerModel.Part(
          sequence: sequence, destination: part.destination, site: SchedulerModel.site(part.destination),
          tenant: tenant, priority: priority, due: part.due))
    }
  }

  // MARK: Claims

  private mutating func claim(_ limit: Int) -> String? {
    var request = ClaimRequest(limit: limit, now: now, leasedUntil: now + .seconds(300))
    (request.rules, request.ended) = (rules, ended)
    request.site = SchedulerModel.site
    // Some are told of twice, as after a claim that failed.
    if chance(80) { ended = [] }
    let claimed = ledger.claim(request)
    let changes = model.prepare(request)
    guard claimed.siteChanges == changes else { return "site changes \(claimed.siteChanges), not \(changes)" }
    for (index, grant) in claimed.grants.enumerated() {
      if let fault = model.take(grant, free: limit - index, leasedUntil: request.leasedUntil) { return fault }
    }
    return check(claimed, limit)
  }

  private func check(_ claimed: ClaimLedger.Claimed, _ limit: Int) -> String? {
    let free = limit - claimed.grants.count
    guard free >= min(0, limit) else { return "more than asked for" }
    guard wentBack || claimed.pausedSites == model.pausedSites else { return "\(claimed.pausedSites) paused sites" }
    guard free > 0 else { return nil }
    if let left = model.eligible(free: free) { return "left lying: \(left)" }
    if model.awaitsEnd(free: free), !claimed.awaitsEnd { return "does not await the end of a delivery" }
    if !wentBack, !model.parts.contains(where: model.isDue), claimed.awaitsEnd {
      return "awaits an end though nothing is due"
    }
    let expected = model.nextDue(free: free, wentBack: wentBack)
    if let due = claimed.nextDue, due <= now { return "next due \(due) is past" }
    if let expected, claimed.nextDue.map({ $0 > expected }) ?? true {
      return "next due \(String(describing: claimed.nextDue)) is behind \(expected)"
    }
    if claimed.nextDue != nil, !model.parts.contains(where: { $0.due != .never }) { return "next due without anything" }
    return nil
  }

  /// Follows what the claims say alone, until nothing is left.
  private mutating func drain() -> String? {
    while !taken.isEmpty { putBack() }
    for token in model.deliveries.keys.sorted() where model.deliveries[token]?.isSettling == true { settle(token) }
    for _ in 0..<5_000 {
      if let fault = claim(number(1...5)) { return fault }
      for token in model.deliveries.keys.sorted() where chance(50) { finish(token) }
      let claimed = ledger.claim(request())
      _ = model.prepare(request())
      ended = []
      for (index, grant) in claimed.grants.enumerated() {
        if let fault = model.take(grant, free: 1 - index, leasedUntil: now + .seconds(300)) { return fault }
      }
      guard claimed.grants.isEmpty else { continue }
      guard !model.parts.isEmpty else {
        return claimed.nextDue == nil && !claimed.awaitsEnd && ledger.messages == 0
          ? nil : "something is left: \(claimed)"
      }
      if claimed.awaitsEnd || claimed.nextDue == nil {
        guard let token = model.deliveries.keys.min() else { return "waits for nothing: \(claimed)" }
        finish(token)
      } else if let due = claimed.nextDue {
        now = max(now, due)
      }
    }
    return "has no end: \(model.parts.count) parts left"
  }

  private func request() -> ClaimRequest {
    var request = ClaimRequest(limit: 1, now: now, leasedUntil: now + .seconds(300))
    (request.rules, request.ended) = (rules, ended)
    request.site = SchedulerModel.site
    return request
  }

  // MARK: Ends

  private mutating func anyCondition() -> SiteCondition {
    [.working, .working, .working, .failed("down"), .failed("down"), .busy("421"), .unknown][number(0...6)]
  }

  private mutating func anyDelivery() -> UInt64? { model.deliveries.keys.sorted().randomElement(using: &numbers) }

  private mutating func endOne() {
    guard let token = anyDelivery() else { return }
    ended.append(DeliveryEnd(token: Claim.Token(token), condition: anyCondition()))
  }

  private mutating func settleOne() {
    guard let token = anyDelivery() else { return }
    guard model.deliveries[token]?.isSettling == true else {
      guard let sequence = model.parts.first(where: { $0.claim == token })?.sequence else { return }
      guard (try? ledger.beginSettlement(Claim.Token(token), of: sequence)) != nil else { return }
      model.deliveries[token]?.isSettling = true
      return
    }
    guard chance(80) else {
      ledger.abandonSettlement(Claim.Token(token))
      model.deliveries[token]?.isSettling = false
      return
    }
    settle(token)
  }

  private mutating func settle(_ token: UInt64) {
    let (claimed, all) = (model.parts.filter { $0.claim == token }, model.parts)
    var left: [ClaimLedger.Part] = []
    for part in claimed where chance(40) {
      left.append(ClaimLedger.Part(destination: part.destination, due: now + .milliseconds(number(1...100_000))))
    }
    conclude(token, claimed, left: left, all)
  }

  private mutating func finish(_ token: UInt64) {
    if chance(50) { ended.append(DeliveryEnd(token: Claim.Token(token), condition: .working)) }
    conclude(token, model.parts.filter { $0.claim == token }, left: [], model.parts)
  }

  private mutating func conclude(
    _ token: UInt64, _ claimed: [SchedulerModel.Part], left: [ClaimLedger.Part], _ all: [SchedulerModel.Part]
  ) {
    guard let first = claimed.first else { return }
    let others = all.contains { $0.sequence == first.sequence && $0.claim != token }
    ledger.endSettlement(Claim.Token(token), left: left, isFinished: left.isEmpty && !others)
    model.settle(token)
    model.parts.removeAll { $0.claim == token }
    add(left, first.sequence, first.tenant, first.priority)
  }

  private mutating func giveBackOne() {
    guard let token = anyDelivery() else { return }
    let due = chance(50) ? nil : now + .seconds(number(0...100))
    ledger.giveBack(Claim.Token(token), due: due)
    model.giveBack(token, due: due)
  }

  private mutating func extendOne() {
    guard let token = anyDelivery() else { return }
    let until = now + .seconds(number(1...600))
    guard ledger.extend([Claim.Token(token)], until: until) == [Claim.Token(token)] else { return }
    model.deliveries[token]?.leasedUntil = until
  }

  // MARK: Orders

  private mutating func take() {
    let sequences = Set((0..<5).map { _ in Int64(number(1...Int(max(1, lastSequence)))) })
    let (taken, _) = ledger.take(sequences)
    self.taken += taken
    let gone = Set(taken.map(\.sequence))
    model.parts.removeAll { gone.contains($0.sequence) }
  }

  private mutating func putBack() {
    guard let entry = taken.popLast() else { return }
    guard chance(80) else { return ledger.putBack(entry, parts: nil) }
    let due = now + .seconds(number(-10...10))
    let parts = entry.parts.map { ClaimLedger.Part(destination: $0.destination, due: due) }
    ledger.putBack(entry, parts: parts)
    add(parts, entry.sequence, entry.tenant, entry.priority)
  }
}
