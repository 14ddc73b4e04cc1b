public import DeliveryQueue
public import MailModel
import Synchronization

/// Delivers over one of several transports, by the destination's domain: mail for a partner through the partner's own
/// relay, and all else through the default.
///
/// Of the routes, that of the very domain counts; then that of the longest domain which the destination is below; then the
/// default. What has no domain goes by the default too: an address literal, and a postmaster without a domain.
///
///     let transport = RoutedTransport(
///       routes: [.domain(partner): partnersRelay, .subdomains(of: partner): partnersRelay], default: relay)
///
/// A site is that of the destination's transport, so that each relay has limits and pauses of its own.
public final class RoutedTransport: DeliveryTransport {
  /// What all transports keep, the default one included.
  public let extensions: MailExtensions
  private let fallback: any DeliveryTransport
  private let table: Mutex<RouteTable>

  /// Routes to transports. Two that are the same object are one transport; two relays of the same address should be one.
  public init(routes: [RoutePattern: any DeliveryTransport] = [:], default fallback: any DeliveryTransport) {
    let table = RouteTable(routes, default: fallback)
    extensions = table.transports.reduce(.all) { $0.intersection($1.extensions) }
    self.fallback = fallback
    self.table = Mutex(table)
  }

  /// Other routes from now on, in the place of all that there are. The default stays. Deliveries that are under way end on the
  /// transports on which they began; what waits for a paused site takes the new way when the pause ends, at the latest. A
  /// transport that no route names any more is the caller's to shut down.
  ///
  /// - Throws: ``TransportError`` with code ``TransportError/Code/fewerExtensions`` where a transport keeps less than
  ///   ``extensions``, which was promised to clients; the routes then stay as they were.
  public func replaceRoutes(with routes: [RoutePattern: any DeliveryTransport]) throws(TransportError) {
    let new = RouteTable(routes, default: fallback)
    guard new.transports.allSatisfy({ $0.extensions.isSuperset(of: extensions) }) else {
      throw TransportError(.fewerExtensions, "a new route's transport keeps less than was promised to clients")
    }
    table.withLock { $0 = new }
  }

  /// The site that the destination's transport names.
  public func site(of destination: Mailbox.Host?) -> DeliverySite {
    transport(for: destination).site(of: destination)
  }

  /// One attempt over the transport of the claim's recipients. Where the routes have changed since it was claimed, so that its
  /// recipients have several, there is one attempt over each, one after the other.
  public func deliver(_ claim: Claim, content: any MessageContent) async -> DeliveryReport {
    let table = table.withLock { $0 }
    var parts: [Int: [Int]] = [:]
    for (index, recipient) in claim.recipients.enumerated() {
      parts[table.place(of: recipient.path.destination), default: []].append(index)
    }
    var joint = JointReport(of: claim)
    for (place, indices) in parts.sorted(by: { $0.key < $1.key }) {
      let part = claim.part(indices, over: table.transports[place])
      joint.add(await table.transports[place].deliver(part, content: content), of: part, at: indices)
    }
    return joint.report
  }

  /// Shuts down the default transport and those that routes name now.
  public func shutdown() async {
    let transports = table.withLock { $0.transports }
    await withTaskGroup { group in
      for transport in transports { group.addTask { await transport.shutdown() } }
    }
  }

  private func transport(for destination: Mailbox.Host?) -> any DeliveryTransport {
    table.withLock { $0.transport(for: destination) }
  }
}

extension Claim {
  /// The same message for those of the recipients that stand at these places, one or more.
  fileprivate func part(_ places: [Int], over transport: any DeliveryTransport) -> Claim {
    var part = self
    part.recipients = places.map { recipients[$0] }
    if let first = part.recipients.first { part.site = transport.site(of: first.path.destination) }
    return part
  }
}
