// A customer's mail is accepted, the next host says "later", time passes, the mail arrives: all of it in memory, with no
// socket, no disk and no waiting. What a host's own tests look like.

import AccessControl
import DeliveryQueue
import Logging
import MailModel
import SMTPAuth
import SMTPProtocol
import SMTPProtocolTesting
import SMTPSubmission
import SMTPTesting
import ServiceLifecycle

@main struct InMemoryTesting {
  static func main() async throws {
    let logger = Logger(label: "in-memory-testing", factory: { _ in SwiftLogNoOpLogHandler() })
    let name = try unwrap(DomainName("smtp.example.net"))

    // The fakes: tenants and queue in memory, a calendar that stands still, a next host that follows a script.
    let (tenants, key, credentials) = try await tenants()
    let queue = InMemoryQueueStore()
    let time = ManualTime()
    let transport = RecordingTransport { claim in
      let isFirst = claim.recipients.allSatisfy { $0.attempts == 0 }
      return DeliveryReport(
        outcomes: claim.recipients.map { _ in
          isFirst
            ? .deferred(DeliveryReply(code: 451, text: "451 4.7.1 Greylisted, try again later"))
            : .delivered(DeliveryReply(code: 250, text: "250 2.0.0 Ok"))
        })
    }

    // The real service, session and delivery round them.
    let delivery = DeliveryService(store: queue, transport: transport, time: time, logger: logger)
    let service = SubmissionService(
      configuration: SubmissionConfiguration(hostName: name), tenants: tenants, key: key, queue: queue,
      delivery: delivery, time: time, logger: logger)
    let client = SocketEndpoint(address: try unwrap(IPAddress("127.0.0.1")), port: 40_000)
    let server = SessionDriver(
      policy: service, configuration: ServerConfiguration(hostName: name),
      connection: ConnectionFacts(client: client))
    var configuration = ClientConfiguration(helloName: try unwrap(DomainName("app.example.com")))
    configuration.credentials = credentials
    let pair = SessionPair(server: server, client: configuration)

    // One message over STARTTLS and AUTH.
    guard await pair.connect() else { throw Unexpected(what: "\(String(describing: pair.failure))") }
    let envelope = Envelope(
      reversePath: .mailbox(try unwrap(Mailbox("mailer@example.com"))),
      recipients: [.mailbox(try unwrap(Mailbox("friend@example.org")))])
    let outcomes = await pair.send(envelope, content: Array("Subject: Hello\r\n\r\nHello\r\n".utf8))
    await pair.quit()
    guard case .accepted(let reply) = outcomes.first else { throw Unexpected(what: "\(outcomes)") }
    print("accepted:  \(reply)")
    let id = try unwrap(QueueID(String(reply.lines[0].suffix(26))))

    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await delivery.run() }

      let first = await transport.ended(1)
      print("attempt 1: \(first[0].report.outcomes[0])")
      // The next attempt is a minute and a bit away; the calendar goes there at once.
      await time.advancePastRetry(of: id, in: queue)
      let second = await transport.ended(2)
      print("attempt 2: \(second[1].report.outcomes[0])")
      print(String(decoding: second[1].content ?? [], as: UTF8.self))

      group.cancelAll()
      try await group.waitForAll()
    }
    let status = try unwrap(try await queue.status(of: id))
    print("status:    \(status.recipients[0].state) after \(status.recipients[0].attempts) attempts")
  }

  /// One instance with `example.com`, one user, one rule that lets loopback in.
  private static func tenants() async throws -> (InMemoryTenantStore, DeploymentKey, ClientCredentials) {
    let tenants = InMemoryTenantStore()
    let key = try DeploymentKey.generate()
    let secret = SecretGenerator.password()
    let instance = Instance(name: "test")
    let domain = SMTPConfiguration(instance: instance.id, name: "test", domain: try unwrap(DomainName("example.com")))
    let user = SMTPUser(
      configuration: domain.id, username: SecretGenerator.username(), verifier: try .keyedDigest(of: secret, under: key)
    )
    let zone = try NetworkZone(id: "loopback", name: "loopback", addresses: [try unwrap(ZoneAddress("127.0.0.0/8"))])
    let rule = try AccessRule(id: "loopback", contexts: [AccessContext(zoneIDs: [zone.id])])
    try await tenants.apply([
      .addInstance(instance), .addConfiguration(domain), .addUser(user),
      .setAccessPolicy(instance.id, try AccessPolicy(zones: [zone], rules: [rule])),
    ])
    return (tenants, key, try unwrap(ClientCredentials(username: user.username, password: secret.text)))
  }
}

extension ManualTime {
  /// Waits until a message's retry stands in the queue, and goes there.
  fileprivate func advancePastRetry(of id: QueueID, in queue: InMemoryQueueStore) async {
    while true {
      if let next = try? await queue.status(of: id)?.recipients.first?.nextAttempt, next > now() {
        return advance(to: next)
      }
      await Task.yield()
    }
  }
}

struct Unexpected: Error {
  var what: String
}

func unwrap<Value>(_ value: Value?, _ what: String = "\(Value.self)") throws -> Value {
  guard let value else { throw Unexpected(what: "no \(what)") }
  return value
}
