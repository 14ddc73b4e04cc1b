import ArgumentParser
import MailModel

/// What is in the queue.
enum Case: String, CaseIterable, ExpressibleByArgument {
  /// All of one tenant, for one site.
  case one
  /// Of 1,000 tenants, each of which has mail for 1,000 sites.
  case many
  /// The same, due at times over the next four days. Before each request the time moves on by as much as it takes until a batch
  /// is due.
  case later
  /// Nine in ten for 10,000 sites that are paused; the others of another tenant, for a site that works.
  case paused
  /// Of 1,000 tenants, for one site that has as many deliveries as it may: each end lets one begin.
  case saturated

  /// Deliveries that end before the next request.
  var ends: Int { self == .saturated ? 1 : Queue.batch }

  var tenants: Int {
    switch self {
    case .one: 1
    case .paused: 2
    case .many, .later, .saturated: 1_000
    }
  }

  var sites: Int {
    switch self {
    case .one, .saturated: 1
    case .many, .later: 1_000
    case .paused: 10_001
    }
  }

  /// Over how long what is queued falls due.
  var spread: Duration { self == .later ? .seconds(4 * 86_400) : .zero }

  /// How many of so many recipients can be claimed.
  func claimable(of count: Int) -> Int { self == .paused ? count - dead(of: count) : count }

  /// Whose a recipient is, and where.
  func place(of index: Int, of count: Int) -> (tenant: Int, site: Int) {
    guard self == .paused else { return (index % tenants, index / tenants % sites) }
    return index < dead(of: count) ? (1, 1 + index % (sites - 1)) : (0, 0)
  }

  /// Whether a site fails.
  func isDead(_ site: Int) -> Bool { self == .paused && site > 0 }

  private func dead(of count: Int) -> Int { count / 10 * 9 }
}
