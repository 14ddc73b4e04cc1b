import AccessControl
public import MailModel
import SMTPAuth
public import SMTPProtocol
import SMTPSubmission

/// A tenant of a ``SimulatedPlatform`` with one domain, one user and one rule, which lets the customer's own host in.
public struct SimulatedCustomer: Sendable {
  /// How the sending of a message ended.
  public struct Answer: Hashable, Sendable, CustomStringConvertible {
    /// What came of each recipient, in the order of the envelope.
    public var outcomes: [ClientOutcome]

    /// An answer of these parts.
    public init(_ outcomes: [ClientOutcome]) { self.outcomes = outcomes }

    /// Whether the platform took it for anybody.
    public var isAccepted: Bool { reply != nil }
    /// Under which name it is queued, as far as the platform's words tell; `nil` where it is not accepted.
    public var queueID: QueueID? {
      // `queued as`, and its name (RFC 5321 leaves the words to the server; these are the platform's).
      reply.flatMap { QueueID(String($0.lines.first?.suffix(26) ?? "")) }
    }
    /// Whether the connection ended before the reply to the end of its content: it may be queued or not.
    public var isUnknown: Bool {
      outcomes.contains { if case .interrupted(let failure) = $0 { failure.stage == .endOfContent } else { false } }
    }

    private var reply: SMTPReply? {
      outcomes.lazy.compactMap { if case .accepted(let reply) = $0 { reply } else { nil } }.first
    }

    /// The outcomes.
    public var description: String { "\(outcomes)" }
  }

  /// Its host in the network.
  public let host: String
  /// What stands behind the `@` of its senders.
  public let domain: DomainName
  /// Whose messages are the customer's, as the queue names it.
  public let tenant: String
  /// How its client behaves; its credentials are the user's.
  public var client: ClientConfiguration
  let network: SimulatedNetwork
  let platform: (host: String, port: UInt16)

  /// A mailbox of its domain; `nil` where that would be none.
  public func mailbox(_ localPart: String) -> ReversePath? { ReversePath("\(localPart)@\(domain)") }

  /// Sends a short message from `mailer` at its domain, over a connection of its own.
  ///
  /// - Throws: ``SimulationError`` with code ``SimulationError/Code/invalidName`` where `recipient` is no address.
  public func send(to recipient: String, subject: String) async throws -> Answer {
    guard let path = ForwardPath(recipient) else {
      throw SimulationError(.invalidName, "\(recipient) is no address")
    }
    let envelope = Envelope(reversePath: mailbox("mailer") ?? .null, recipients: [path])
    let content = "From: <mailer@\(domain)>\r\nSubject: \(subject)\r\n\r\n\(subject)\r\n"
    return await send(envelope, content: Array(content.utf8))
  }

  /// Sends one message over a connection of its own.
  public func send(_ envelope: Envelope, content: [UInt8]) async -> Answer {
    await send([(envelope, content)]).first ?? Answer([])
  }

  /// Sends messages over one connection, one after another.
  ///
  /// - Returns: an answer for each message.
  public func send(_ messages: [(envelope: Envelope, content: [UInt8])]) async -> [Answer] {
    var answers: [Answer] = []
    do {
      let client = try await network.client(
        from: host, to: platform.host, port: platform.port, configuration: client)
      for message in messages {
        answers.append(Answer(await client.send(message.envelope, content: message.content)))
      }
      await client.quit()
    } catch {
      let failure = (error as? SimulatedNetworkError)?.failure
      let reason = failure ?? ClientFailure(.connectionLost("\(error)"), at: .greeting)
      answers = messages.map { Answer($0.envelope.recipients.map { _ in .interrupted(reason) }) }
    }
    return answers
  }
}

extension SimulatedPlatform {
  /// A new tenant, as ``addCustomer(_:)-(DomainName)`` makes it. Not for what runs within the simulation.
  ///
  /// - Throws: where that is no domain's name, besides.
  public func addCustomer(_ domain: String) throws -> SimulatedCustomer {
    let domain = try DomainName(simulated: domain)
    return try network.simulation.perform { try await self.addCustomer(domain) }
  }

  /// A new tenant, with an instance, a host and a user that all have the domain's name.
  ///
  /// - Throws: where the domain's name is too long to be a tenant's, or there is such a tenant.
  public func addCustomer(_ domain: DomainName) async throws -> SimulatedCustomer {
    let name = domain.description
    let secret = SecretGenerator.password()
    guard let instance = Identifier<Instance>(name), let configuration = Identifier<SMTPConfiguration>(name),
      let user = Identifier<SMTPUser>(name),
      let credentials = ClientCredentials(username: "mailer.\(name)", password: secret.text)
    else { throw TenantError(.invalidValue, "a domain of that length is no tenant's name") }
    let zone = try NetworkZone(id: "own", name: "own", addresses: [.single(network.address(of: name))])
    let rule = try AccessRule(id: "own", contexts: [AccessContext(zoneIDs: [zone.id])])
    try await tenants.apply([
      .addInstance(Instance(id: instance, name: name)),
      .addConfiguration(SMTPConfiguration(id: configuration, instance: instance, name: name, domain: domain)),
      .addUser(
        SMTPUser(
          id: user, configuration: configuration, username: "mailer.\(name)",
          verifier: try .keyedDigest(of: secret, under: key))),
      .setAccessPolicy(instance, try AccessPolicy(zones: [zone], rules: [rule])),
    ])
    var client = ClientConfiguration(helloName: domain)
    client.credentials = credentials
    return SimulatedCustomer(
      host: name, domain: domain, tenant: instance.description, client: client, network: network,
      platform: (self.configuration.name.description, self.configuration.port))
  }
}
