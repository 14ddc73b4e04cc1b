public import DeliveryQueue
import DeliveryReporting
public import MailModel
public import SMTPProtocol

/// Delivers over a ``SimulatedNetwork``, by real client sessions, to the host of each recipient's domain. Each delivery has a
/// connection of its own.
public final class SimulatedTransport: DeliveryTransport {
  /// The name of the host that delivers.
  public let host: String
  private let network: SimulatedNetwork
  private let client: ClientConfiguration
  private let connectTimeout: Duration
  private let routes: [String: String]

  /// A transport of that host.
  ///
  /// - Parameters:
  ///   - client: how it speaks; see ``SimulatedNetwork/remoteClient(helloName:)``.
  ///   - connectTimeout: how long a connection may take to stand; default 30 seconds.
  ///   - routes: which host stands behind a domain. Domains with the same host share a site, and one that is not named here
  ///     is its own host.
  public init(
    from host: String, over network: SimulatedNetwork, client: ClientConfiguration,
    connectTimeout: Duration = .seconds(30), routes: [DomainName: DomainName] = [:]
  ) {
    (self.host, self.network, self.client, self.connectTimeout) = (host, network, client, connectTimeout)
    self.routes = [String: String](
      routes.map { ($0.key.description, $0.value.description) }, uniquingKeysWith: { first, _ in first })
  }

  /// What the sessions hand on.
  public var extensions: MailExtensions { .all }

  /// The host behind the destination.
  public func site(of destination: Mailbox.Host?) -> DeliverySite { DeliverySite(next(of: destination)) }

  private func next(of destination: Mailbox.Host?) -> String {
    let name = DeliverySite(destination).description
    return routes[name] ?? name
  }

  /// One attempt, in one session; as many transactions as it takes where the host takes fewer recipients at a time.
  public func deliver(_ claim: Claim, content: any MessageContent) async -> DeliveryReport {
    await attempt(claim, content).report
  }

  /// Likewise; and whether anything was lost on the connection.
  func attempt(_ claim: Claim, _ content: any MessageContent) async -> (report: DeliveryReport, hasTrouble: Bool) {
    let next = next(of: claim.recipients.first?.path.host)
    let (result, hasTrouble) = await attempt(claim, content, at: next)
    return (DeliveryReport(result, of: claim.recipients.count, by: next), hasTrouble)
  }

  private func attempt(
    _ claim: Claim, _ content: any MessageContent, at next: String
  ) async -> (result: SessionResult, hasTrouble: Bool) {
    let connected: SimulatedClient
    do {
      connected = try await network.client(
        from: host, to: next, port: RemoteHost.port, configuration: client, timeout: connectTimeout)
    } catch let error as SimulatedNetworkError {
      return (error.failure.map { .failed($0, []) } ?? .unreachable(Unreachable(reason: error.message)), false)
    } catch {
      return (.unreachable(.cancelled), false)
    }
    var result = await transact(claim, Array(claim.recipients.indices), content, connected)
    while let rest = result.postponed, await connected.takesAnother {
      result = await transact(claim, rest, content, connected).joined(to: result, at: rest)
    }
    let hasTrouble = connected.connection.hasTrouble
    await connected.quit()
    return (result, hasTrouble)
  }

  /// One transaction for the recipients at these places.
  private func transact(
    _ claim: Claim, _ places: [Int], _ content: any MessageContent, _ client: SimulatedClient
  ) async -> SessionResult {
    let recipients = places.map { Recipient(claim.recipients[$0].path, parameters: claim.recipients[$0].parameters) }
    let envelope = Envelope(reversePath: claim.reversePath, recipients: recipients, parameters: claim.parameters)
    let transaction = ClientTransaction(envelope: envelope, size: content.count)
    return await client.send(transaction, size: content.count) { offset, limit in
      try await content.read(from: offset, limit: limit)
    }
  }
}

extension ForwardPath {
  /// What stands behind the `@`.
  fileprivate var host: Mailbox.Host? {
    if case .mailbox(let mailbox) = self { mailbox.host } else { nil }
  }
}
