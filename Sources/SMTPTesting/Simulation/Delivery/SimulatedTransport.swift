public import DeliveryQueue
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
    let attempt = SimulatedAttempt(host: next, recipients: claim.recipients.count)
    let connected: SimulatedClient
    do {
      connected = try await network.client(
        from: host, to: next, port: RemoteHost.port, configuration: client, timeout: connectTimeout)
    } catch let error as SimulatedNetworkError {
      return (error.failure.map(attempt.failed) ?? attempt.unreachable(error.message), false)
    } catch {
      return (attempt.cancelled, false)
    }
    var outcomes = await transact(claim, Array(claim.recipients.indices), content, connected)
    while let rest = attempt.postponed(outcomes), await connected.takesAnother {
      let more = await transact(claim, rest, content, connected)
      for (place, outcome) in zip(rest, more) { outcomes[place] = outcome }
      if attempt.postponed(outcomes)?.count == rest.count { break }
    }
    let report = attempt.report(outcomes, failure: await connected.failure)
    let hasTrouble = connected.connection.hasTrouble
    await connected.quit()
    return (report, hasTrouble)
  }

  /// One transaction for the recipients at these places.
  private func transact(
    _ claim: Claim, _ places: [Int], _ content: any MessageContent, _ client: SimulatedClient
  ) async -> [ClientOutcome] {
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
