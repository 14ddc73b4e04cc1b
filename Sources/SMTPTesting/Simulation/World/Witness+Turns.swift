import DeliveryQueue
import MailModel

// Whose turn it is at a site that one tenant floods.
extension Witness {
  /// How often others had a turn at a site while a tenant waited there that might have had one.
  struct Turns: Sendable {
    let site: DeliverySite
    /// Turns of others at most.
    let most: Int
    fileprivate var passed: [String: Int] = [:]
  }

  /// From now on nobody waits at this site for more turns of others than `most`; `nil` for as many as you like.
  mutating func watchTurns(at site: DeliverySite?, most: Int) { turns = site.map { Turns(site: $0, most: most) } }

  mutating func countTurns(_ claim: Claim, at now: Timestamp) throws(Violation) {
    guard let turns, claim.site == turns.site, claim.suspension == nil else { return }
    self.turns?.passed[claim.tenant ?? ""] = 0
    for tenant in tenantsWaiting(at: turns.site, since: now).sorted() where tenant != claim.tenant {
      let passed = turns.passed[tenant, default: 0] + 1
      guard passed <= turns.most else {
        throw Violation("\(tenant) waits at \(turns.site) for more than \(turns.most) turns of others")
      }
      self.turns?.passed[tenant] = passed
    }
  }

  /// Tenants that have something due there, and nothing under way that could keep them from more.
  private func tenantsWaiting(at site: DeliverySite, since now: Timestamp) -> Set<String> {
    let busy = Set(limits.deliveries.values.map(\.tenant)).union(claims.values.map(\.claim.tenant))
    var waiting: Set<String> = []
    for message in messages.values {
      guard let tenant = message.status.tenant, !busy.contains(tenant), !waiting.contains(tenant) else { continue }
      let isDue = message.status.recipients.contains { recipient in
        [.queued, .deferred].contains(recipient.state) && recipient.nextAttempt.map { $0 <= now } ?? false
          && self.site(recipient.path.destination) == site
      }
      if isDue { waiting.insert(tenant) }
    }
    return waiting
  }
}
