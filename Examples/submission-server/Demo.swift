import AccessControl
import ArgumentParser
import DeliveryQueue
import Logging
import MailModel
import SMTPDelivery
import SMTPListener
import SMTPProtocol
import SMTPSubmission
import SQLiteStorage
import ServiceLifecycle
import UnixSignals

/// A whole submission service on this machine, with everything that it needs made on the first start.
struct Demo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a submission server for example.com on this machine.",
    discussion: "Ctrl-C ends it; SIGHUP makes it read its certificate again.")

  @Option(help: "The port for STARTTLS; 0 for any.")
  var port: UInt16 = 2587
  @Option(help: "The port for TLS from the first octet; 0 for any.")
  var tlsPort: UInt16 = 2465
  @Option(help: "The address to listen on. Only loopback is let in, whatever it is.")
  var host = "127.0.0.1"
  @OptionGroup var data: DataOption
  @Option(help: "Hand mail on to HOST:PORT, with TLS where it offers that. Default: files in DATA/delivered.")
  var relay: String?
  @Option(
    name: .customLong("route"),
    help: ArgumentHelp(
      "Hand mail for this domain on to HOST:PORT instead; *.DOMAIN stands for all that is below it. May be repeated.",
      valueName: "domain=host:port"),
    transform: Route.parse)
  var routes: [Route] = []
  @Option(help: "The SMTP user's name. Default: the one there is, or a new one.")
  var username: String?
  @Option(help: "The SMTP user's password from now on. Default: as it is, or a new one.")
  var password: String?
  @Option(
    help: "Space that is left free on the disk: a share such as 5%, or octets such as 2GiB. Default: 10%.",
    transform: Parse.diskFloor)
  var diskFloor: DiskFloor?
  @Option(help: "Messages delivered at once, in all. Default: 400.")
  var workers: Int?
  @Option(help: "Of these, messages delivered at once to one host. Default: 20.")
  var deliveriesPerSite: Int?
  @Flag(help: "Write addresses into the log as they are. Default: masked.")
  var logAddresses = false
  @Flag(help: "Print one line of JSON once the server listens.")
  var json = false

  func validate() throws {
    if let relay, RelayEndpoint(relay) == nil { throw ValidationError("'\(relay)' is not HOST:PORT.") }
    if let twice = Dictionary(grouping: routes, by: \.pattern).first(where: { $0.value.count > 1 }) {
      throw ValidationError("There are \(twice.value.count) routes for \(twice.key).")
    }
    if let workers, workers < 1 { throw ValidationError("--workers is 1 or more.") }
    if let deliveriesPerSite, deliveriesPerSite < 1 { throw ValidationError("--deliveries-per-site is 1 or more.") }
    if let username { try DemoTenant.validate(username: username) }
  }

  func run() async throws {
    var logger = Logger(label: "submission-server", factory: { StreamLogHandler.standardError(label: $0) })
    logger.logLevel = .info
    guard let hostName = DomainName("localhost") else { throw ValidationError("no host name") }

    let storage = try await StorageFolder(data.folder, configuration: storageConfiguration, logger: logger)
    let files = try DemoFiles(folder: storage.path, host: host)
    let user = try await DemoTenant(tenants: storage.tenants, key: files.key)
      .user(named: username, password: password)
    let tls = try ServerTLS([CertificateFiles(chain: files.certificate, privateKey: files.privateKey)])

    var (outgoing, incoming) = (DeliveryConfiguration(), SubmissionConfiguration(hostName: hostName))
    if let workers { outgoing.workers = workers }
    if let deliveriesPerSite { outgoing.rules.deliveriesPerSite = deliveriesPerSite }
    if logAddresses { (outgoing.addressesInLog, incoming.addressesInLog) = (.plain, .plain) }
    let transport = try DemoTransport(hostName: hostName, relay: relay.flatMap(RelayEndpoint.init), routes: routes)
      .make(folder: "\(data.folder)/delivered")
    let delivery = DeliveryService(
      store: storage.queue, transport: transport, configuration: outgoing, logger: logger)
    let service = SubmissionService(
      configuration: incoming, tenants: storage.tenants, key: files.key, queue: storage.queue, delivery: delivery,
      queueIDs: QueueIDGenerator(after: storage.queue.greatestSequence), logger: logger)
    let server = try SMTPServer(
      endpoints: [.startTLS(host: host, port: port), .implicitTLS(host: host, port: tlsPort)],
      configuration: ServerConfiguration(hostName: hostName), tls: tls, policy: service, logger: logger)

    let services = ServiceGroup(
      services: [
        storage, delivery, server, CertificateReload(tls: tls, logger: logger),
        QueueMonitor(queue: storage.queue, logger: logger),
      ],
      gracefulShutdownSignals: [.sigint, .sigterm], logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        let addresses = try await server.boundAddresses()
        let announcement = Announcement(
          host: host, port: addresses[0].port, tlsPort: addresses[1].port, username: user.username,
          password: user.password, domain: DemoTenant.domain, certificate: files.certificate, data: storage.path)
        try announcement.print(asJSON: json)
      }
      group.addTask { try await services.run() }
      try await group.waitForAll()
    }
    await transport.shutdown()
    await storage.close()
  }

  private var storageConfiguration: StorageConfiguration {
    var configuration = StorageConfiguration()
    if let diskFloor { configuration.diskFloor = diskFloor }
    return configuration
  }
}
