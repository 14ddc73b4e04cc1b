import AccessControl
import DeliveryQueue
import Logging
import MailModel
import MetricsTestKit
import SMTPAuth
import SMTPProtocol
import SMTPProtocolTesting
import SMTPSubmission
import SMTPTesting
import Testing

/// A deployment in memory: one instance with `example.com`, one user, one rule that lets loopback in.
struct Deployment {
  let tenants = InMemoryTenantStore()
  let queue: any QueueStore
  let memory = InMemoryQueueStore()
  let time = ManualTime()
  let logs = RecordingLog()
  let metrics = TestMetrics()
  let instance = Instance(name: "test")
  let user: SMTPUser
  let password: String
  let service: SubmissionService
  let delivery: DeliveryService?

  init(
    queue store: ((InMemoryQueueStore) -> any QueueStore)? = nil, isOpen: Bool = true,
    transport: (any DeliveryTransport)? = nil, change: (inout SubmissionConfiguration) -> Void = { _ in }
  ) async throws {
    let key = try DeploymentKey.generate()
    let secret = SecretGenerator.password()
    password = secret.text
    let configuration = SMTPConfiguration(
      instance: instance.id, name: "example", domain: try #require(DomainName("example.com")))
    user = SMTPUser(
      configuration: configuration.id, username: SecretGenerator.username(),
      verifier: try .keyedDigest(of: secret, under: key))
    try await tenants.apply([.addInstance(instance), .addConfiguration(configuration), .addUser(user)])
    if isOpen { try await tenants.apply([.setAccessPolicy(instance.id, try Self.loopbackOnly())]) }
    queue = store?(memory) ?? memory
    var submission = SubmissionConfiguration(hostName: try #require(DomainName("mail.example.net")))
    change(&submission)
    var deliveryConfiguration = DeliveryConfiguration()
    deliveryConfiguration.addressesInLog = submission.addressesInLog
    delivery = transport.map { [memory, time, logs, metrics, deliveryConfiguration] in
      DeliveryService(
        store: memory, transport: $0, time: time, configuration: deliveryConfiguration, logger: logs.logger,
        metrics: metrics)
    }
    service = SubmissionService(
      configuration: submission, tenants: tenants, key: key, queue: queue, delivery: delivery, time: time,
      logger: logs.logger, metrics: metrics)
  }

  static func loopbackOnly() throws -> AccessPolicy {
    let zone = try NetworkZone(
      id: "loopback", name: "loopback", addresses: [.subnet(try #require(IPNetwork("127.0.0.0/8")))])
    let rule = try AccessRule(id: "loopback", contexts: [AccessContext(zoneIDs: ["loopback"])])
    return try AccessPolicy(zones: [zone], rules: [rule])
  }

  func connection(from address: String = "127.0.0.1") throws -> SessionDriver<SubmissionService> {
    var configuration = ServerConfiguration(hostName: try #require(DomainName("mail.example.net")))
    configuration.security = .implicitTLS
    let client = SocketEndpoint(address: try #require(IPAddress(address)), port: 40_000)
    return SessionDriver(
      policy: service, configuration: configuration, connection: ConnectionFacts(client: client),
      tls: TLSFacts(version: "TLSv1.3"))
  }

  /// Connected, greeted and authenticated.
  func session() async throws -> SessionDriver<SubmissionService> {
    let driver = try connection()
    _ = await driver.connect()
    _ = await driver.send("EHLO client.example.org\r\n")
    let response = Array("\0\(user.username)\0\(password)".utf8).base64
    let reply = await driver.send("AUTH PLAIN \(response)\r\n")
    try #require(reply == "235 2.7.0 Authentication successful\r\n")
    return driver
  }

  /// Sends `content` from `a@example.com`, and gives the last reply.
  func send(
    _ content: String, to recipients: [String] = ["b@example.org"], by driver: SessionDriver<SubmissionService>
  ) async -> String {
    _ = await driver.send("MAIL FROM:<a@example.com>\r\n")
    for recipient in recipients { _ = await driver.send("RCPT TO:<\(recipient)>\r\n") }
    let ready = await driver.send("DATA\r\n")
    guard ready.hasPrefix("354") else { return ready }
    return await driver.send(content + ".\r\n")
  }

  /// The content of the message that a reply names.
  func content(queuedBy reply: String) async throws -> String {
    try await content(of: try #require(QueueID(String(reply.dropLast().suffix(26)))))
  }

  func content(of id: QueueID) async throws -> String {
    let content = try await memory.content(of: id)
    return String(decoding: try await content.read(from: 0, limit: content.count), as: UTF8.self)
  }

  /// What the service keeps of a connection, before anybody has signed in.
  func policySession() async throws -> SubmissionSession {
    let client = SocketEndpoint(address: try #require(IPAddress("127.0.0.1")), port: 40_000)
    guard case .accept(let session) = await service.connect(ConnectionFacts(client: client)) else {
      throw QueueError(.closed, "the connection was refused")
    }
    return session
  }

  /// Hands a message to the policy itself, and claims it.
  func queue(_ request: MessageRequest, content: String) async throws -> Claim {
    let session = try await policySession()
    let exchange = await session.authenticate("PLAIN")
    guard case .success = await exchange.step(Array("\0\(user.username)\0\(password)".utf8)) else {
      throw QueueError(.closed, "the password was refused")
    }
    guard case .accept(let intake) = await session.beginMessage(request) else {
      throw QueueError(.closed, "the message was refused")
    }
    let octets = Array(content.utf8)
    if !intake.write(octets.span) { await intake.drained() }
    let reply = await intake.finish()
    try #require(reply.code == 250)
    let now = time.now()
    let batch = try await memory.claim(ClaimRequest(limit: 1, now: now, leasedUntil: now + .seconds(60)))
    return try #require(batch.claims.first)
  }
}

extension SessionDriver {
  func send(_ text: String) async -> String { String(decoding: await receive(Array(text.utf8)), as: UTF8.self) }
}

extension [UInt8] {
  /// RFC 4648, for what a client sends.
  var base64: String {
    let alphabet = Array<Character>("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    return stride(from: 0, to: count, by: 3).map { start in
      let part = self[start..<Swift.min(start + 3, count)]
      let bits = part.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - part.count))
      let letters = (0..<4).map { alphabet[bits >> (18 - 6 * $0) & 63] }
      return String(letters.prefix(part.count + 1)) + String(repeating: "=", count: 3 - part.count)
    }.joined()
  }
}
