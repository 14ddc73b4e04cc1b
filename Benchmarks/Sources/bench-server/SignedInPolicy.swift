import AccessControl
import MailModel
import SMTPAuth
import SMTPProtocol
import SMTPSubmission

/// A submission service in front of which every connection is signed in already.
///
/// Load generators such as `smtp-source` cannot authenticate. So the bench itself says AUTH PLAIN to the service, for its only
/// user, when a client connects. All the rest is as every client of the library has it: the network rules, the account
/// asked for at MAIL and at the end of the content, the header scan and the added fields.
struct SignedInPolicy: SubmissionPolicy {
  let service: SubmissionService
  let account: BenchAccount

  func connect(_ connection: ConnectionFacts) async -> ConnectionDecision<SubmissionSession> {
    let decision = await service.connect(connection)
    // Where it should fail, MAIL gets a 530.
    if case .accept(let session) = decision { _ = await session.authenticate("PLAIN").step(account.credentials) }
    return decision
  }
}

/// The one account of a bench: sends from `example.com`, and from loopback alone.
struct BenchAccount {
  let tenants = InMemoryTenantStore()
  let key: DeploymentKey
  /// What a client says in AUTH PLAIN (RFC 4616 §2).
  let credentials: [UInt8]

  init() async throws {
    key = try .generate()
    let password = SecretGenerator.password()
    let instance = Instance(name: "bench")
    let zone = try NetworkZone(
      id: "loopback", name: "loopback", addresses: ["127.0.0.0/8", "::1"].compactMap { ZoneAddress($0) })
    let rule = try AccessRule(id: "loopback", contexts: [AccessContext(zoneIDs: [zone.id])])
    guard let domain = DomainName("example.com") else { throw InvalidBenchAccount() }
    let configuration = SMTPConfiguration(instance: instance.id, name: "bench", domain: domain)
    let user = SMTPUser(
      configuration: configuration.id, username: SecretGenerator.username(),
      verifier: try .keyedDigest(of: password, under: key))
    credentials = Array("\0\(user.username)\0\(password.text)".utf8)
    try await tenants.apply([
      .addInstance(instance), .addConfiguration(configuration), .addUser(user),
      .setAccessPolicy(instance.id, try AccessPolicy(zones: [zone], rules: [rule])),
    ])
  }
}

/// The bench's own values are wrong.
struct InvalidBenchAccount: Error {}
