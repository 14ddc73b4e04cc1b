import DeliveryQueue
import MailModel

/// A ledger with a case's recipients in it, and the deliveries under way.
struct Queue {
  /// What a request asks for at most.
  static let batch = 20

  private let name: Case
  private let recipients: Int
  private let tenants: [String]
  private let hosts: [Mailbox.Host?]
  private let dead: Set<DeliverySite>
  /// How far the time moves on before a request, so that as much falls due as it asks for.
  private let step: Duration
  private let rules: SchedulingRules
  private var ledger = ClaimLedger(limits: QueueLimits(messages: .max, octets: .max))
  private var now = Timestamp(milliseconds: 1_800_000_000_000)

  init(_ name: Case, recipients: Int) {
    (self.name, self.recipients) = (name, recipients)
    tenants = (0..<name.tenants).map { "tenant-\($0)" }
    let hosts = (0..<name.sites).map { DomainName("host-\($0).example").map(Mailbox.Host.domain) }
    self.hosts = hosts
    dead = Set(hosts.indices.lazy.filter(name.isDead).map { DeliverySite(hosts[$0]) })
    step = name.spread * Self.batch / recipients
    var rules = SchedulingRules()
    rules.leavesRoomForOthers = false  // or a tenant that is alone would have half a batch
    self.rules = rules
  }

  /// How many recipients can be claimed.
  var claimable: Int { name.claimable(of: recipients) }

  mutating func fill() {
    for index in 0..<recipients {
      let place = name.place(of: index, of: recipients)
      // In no order: steps of the golden section.
      let share = Double(UInt32(truncatingIfNeeded: index &* 0x9E37_79B9)) / 0x1p32
      let part = ClaimLedger.Part(destination: hosts[place.site], due: now + name.spread * share)
      ledger.insert(
        ClaimLedger.Entry(sequence: Int64(index), size: 4096, tenant: tenants[place.tenant], parts: [part]))
    }
  }

  /// Lets everything begin at once that may, and gives it back: all that is due is then with its site, and dead ones are paused.
  mutating func begin() throws {
    var rules = rules
    (rules.deliveriesPerTenant, rules.failuresBeforePause) = (.max, 1)
    let grants = claim(.max, rules, ended: [])
    let ended = grants.map { DeliveryEnd(token: $0.token, condition: dead.contains($0.site) ? .failed("") : .working) }
    _ = claim(0, rules, ended: ended)
    for grant in grants { ledger.giveBack(grant.token) }
  }

  /// Claims so many recipients; as soon as a delivery has begun, it ends, which the next request tells, and is settled.
  mutating func run(_ count: Int) throws -> (claims: Int, requests: Int) {
    var done = (claims: 0, requests: 0)
    var running: [ClaimLedger.Grant] = []
    while done.claims < count {
      now = now + step
      let ended = running.prefix(name.ends)
      running.removeFirst(ended.count)
      let grants = claim(Self.batch, rules, ended: ended.map { DeliveryEnd(token: $0.token, condition: .working) })
      for grant in ended {
        _ = try ledger.beginSettlement(grant.token, of: grant.sequence)
        ledger.endSettlement(grant.token, left: [], isFinished: true)
      }
      running += grants
      done = (done.claims + grants.count, done.requests + 1)
    }
    return done
  }

  private mutating func claim(_ limit: Int, _ rules: SchedulingRules, ended: [DeliveryEnd]) -> [ClaimLedger.Grant] {
    var request = ClaimRequest(limit: limit, now: now, leasedUntil: now + .seconds(600))
    (request.rules, request.site, request.ended) = (rules, { DeliverySite($0) }, ended)
    return ledger.claim(request).grants
  }
}
