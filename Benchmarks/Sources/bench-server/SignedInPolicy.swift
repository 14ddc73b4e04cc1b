import AccessControl
import MailModel
import SMTPAuth
import SMTPProtocol
import SMTPSubmission

/// A submission service in front of which every connection is signed in already.
///
/// Load generators such as `smtp-source` cannot authenticate. So the bench itself says AUTH PLAIN to the service when a client
/// connects: from 127.0.0.1 for the first tenant's user, from 127.0.0.2 for the second's, and so on. All the rest is as every
/// client of the library has it: the network rules, the account asked for at MAIL and at the end of the content, the header
/// scan and the added fields.
struct SignedInPolicy: SubmissionPolicy {
  let service: SubmissionService
  let accounts: BenchAccounts

  func connect(_ connection: ConnectionFacts) async -> ConnectionDecision<SubmissionSession> {
    let decision = await service.connect(connection)
    // Where it should fail, MAIL gets a 530.
    if case .accept(let session) = decision {
      _ = await session.authenticate("PLAIN").step(accounts.credentials(for: connection.client?.address))
    }
    return decision
  }
}

/// The accounts of a bench, one for each tenant: each sends from `example.com`, and from loopback alone.
struct BenchAccounts {
  let tenants = InMemoryTenantStore()
  let key: DeploymentKey
  /// What clients say in AUTH PLAIN (RFC 4616 §2).
  private var credentials: [[UInt8]] = []

  init(tenants count: Int) async throws {
    key = try .generate()
    for number in 1...count { try await add(named: "bench-\(number)") }
  }

  /// Those of the tenant whose number is the last octet of the client's address; of the first, for any other.
  func credentials(for client: IPAddress?) -> [UInt8] {
    guard case .v4(let bits) = client else { return credentials[0] }
    let place = Int(bits & 0xFF) - 1
    return credentials.indices.contains(place) ? credentials[place] : credentials[0]
  }

  private mutating func add(named name: String) async throws {
    let password = SecretGenerator.password()
    let instance = Instance(name: name)
    let zone = try NetworkZone(
      id: "loopback", name: "loopback", addresses: ["127.0.0.0/8", "::1"].compactMap { ZoneAddress($0) })
    let rule = try AccessRule(id: "loopback", contexts: [AccessContext(zoneIDs: [zone.id])])
    guard let domain = DomainName("example.com") else { throw InvalidBenchAccount() }
    let configuration = SMTPConfiguration(instance: instance.id, name: name, domain: domain)
    let user = SMTPUser(
      configuration: configuration.id, username: SecretGenerator.username(),
      verifier: try .keyedDigest(of: password, under: key))
    credentials.append(Array("\0\(user.username)\0\(password.text)".utf8))
    try await tenants.apply([
      .addInstance(instance), .addConfiguration(configuration), .addUser(user),
      .setAccessPolicy(instance.id, try AccessPolicy(zones: [zone], rules: [rule])),
    ])
  }
}

/// The bench's own values are wrong.
struct InvalidBenchAccount: Error {}
