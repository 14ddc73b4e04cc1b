import DeliveryQueue
import Foundation
import Logging
import MailModel
import SMTPAuth
import SMTPDelivery
import SMTPListener
import SMTPProtocol
import SMTPSubmission
import SQLiteStorage
import ServiceLifecycle
import UnixSignals

/// The README's thirty lines. They need `chain.pem` and `key.pem`, a relay, a `deployment.key` of 32 random octets
/// (`DeploymentKey.generate()`), and tenants in the store, which `storage.tenants.apply(_:)` puts there; the example
/// submission-server shows both.
@main struct QuickStart {
  static func main() async throws {
    let logger = Logger(label: "submission")
    guard let name = DomainName("smtp.example.com"), let relay = RelayEndpoint("relay.example.com:587"),
      let key = DeploymentKey([UInt8](try Data(contentsOf: URL(filePath: "deployment.key"))))
    else { throw ConfigurationMissing() }

    // Everything that must survive: one SQLite file and a spool folder.
    let storage = try await StorageFolder("/var/lib/submission", logger: logger)

    // Out: through one relay host, over TLS, with retries for four days.
    let transport = try RelayTransport(RelayConfiguration(relay: relay, client: ClientConfiguration(helloName: name)))
    let delivery = DeliveryService(store: storage.queue, transport: transport, logger: logger)

    // In between: who may connect, who sends as whom, and where messages go.
    let policy = SubmissionService(
      configuration: SubmissionConfiguration(hostName: name), tenants: storage.tenants, key: key,
      queue: storage.queue, delivery: delivery,
      queueIDs: QueueIDGenerator(after: storage.queue.greatestSequence), logger: logger)

    // In: port 587 with STARTTLS, port 465 with TLS from the first octet.
    let server = try SMTPServer(
      endpoints: [.startTLS(host: "::", port: 587), .implicitTLS(host: "::", port: 465)],
      configuration: ServerConfiguration(hostName: name),
      tls: ServerTLS([CertificateFiles(chain: "chain.pem", privateKey: "key.pem")], checkInterval: .seconds(3600)),
      policy: policy, logger: logger)

    try await ServiceGroup(
      services: [storage, delivery, server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
    ).run()
    await transport.shutdown()
    await storage.close()
  }
}

/// The host's own name, its relay or its key is not what it must be.
struct ConfigurationMissing: Error {}
