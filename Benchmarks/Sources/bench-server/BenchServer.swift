import ArgumentParser
import DeliveryQueue
import Foundation
import Logging
import MailModel
import NIOCore
import NIOPosix
import SMTPDelivery
import SMTPListener
import SMTPProtocol
import SMTPSubmission
import SQLiteStorage
import ServiceLifecycle
import UnixSignals

/// A server to measure: the library's listener, and behind it nothing, or the library's whole way of a message.
@main struct BenchServer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench-server", abstract: "An SMTP server for benchmarks, open to everybody who reaches it.",
    discussion: "Ctrl-C or SIGTERM ends it.")

  enum Mode: String, ExpressibleByArgument, CaseIterable {
    /// Content is counted and forgotten.
    case discard
    /// Content goes through the submission service and a queue in memory.
    case memory
    /// Content goes through the submission service and a queue on disk, synced before the reply.
    case sqlite
    /// Connections are taken, and nothing is ever said on them.
    case silent
  }

  @Option(help: "Where messages go.")
  var mode = Mode.discard
  @Option(help: "The port; 0 for any.")
  var port: UInt16 = 2525
  @Option(help: "The address to listen on.")
  var host = "127.0.0.1"
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Offer STARTTLS with this certificate and key, in PEM, and then AUTH; for discard alone.",
      valueName: "certificate> <key"))
  var tls: [String] = []
  @Option(help: "The folder of the queue on disk; needed for sqlite.")
  var data: String?
  @Option(
    help: ArgumentHelp(
      "Relay the queue's messages there, in clear. Default: they are delivered to nowhere.", valueName: "host:port"))
  var deliver: String?
  @Option(
    name: .customLong("route"),
    help: ArgumentHelp(
      "Relay those for this domain there instead; may be repeated.", valueName: "domain=host:port"))
  var routes: [String] = []
  @Option(help: "Messages of the queue that are delivered at once.")
  var workers = DeliveryConfiguration().workers
  @Option(help: "Of these, to one host.")
  var deliveriesPerSite = SchedulingRules().deliveriesPerSite
  @Option(help: "Tenants: clients from 127.0.0.1 are the first, those from 127.0.0.2 the second, and so on; up to 250.")
  var tenants = 1
  @Option(help: "Microseconds for which an accepted message may wait for others to share its sync.") var commitDelay = 0
  @Option(help: "Microseconds for which an outcome may wait.") var settlementDelay = 5_000
  @Option(help: "Event-loop threads. Two share two cores badly with a client on the same machine.")
  var threads = 1
  @Flag(help: "Log to standard error what a service would: two lines for each message of a queue.")
  var logMessages = false

  func validate() throws {
    guard tls.isEmpty || tls.count == 2 else { throw ValidationError("--tls takes a certificate and its key.") }
    guard tls.isEmpty || mode == .discard else { throw ValidationError("--tls is for --mode discard.") }
    guard mode != .sqlite || data != nil else { throw ValidationError("--mode sqlite needs --data.") }
    guard [threads, workers, deliveriesPerSite, tenants].allSatisfy({ $0 > 0 }), tenants <= 250 else {
      throw ValidationError("Numbers must be 1 or more.")
    }
    guard mode != .discard && mode != .silent || routes.isEmpty && tenants == 1 else {
      throw ValidationError("--route and --tenants need a queue: --mode memory or sqlite.")
    }
    _ = try parsedRoutes()
    if let deliver {
      guard RelayEndpoint(deliver) != nil else { throw ValidationError("'\(deliver)' is not HOST:PORT.") }
      guard mode != .discard, mode != .silent else {
        throw ValidationError("--deliver needs a queue: --mode memory or sqlite.")
      }
    }
  }

  func run() async throws {
    var logger = Logger(label: "bench-server", factory: { StreamLogHandler.standardError(label: $0) })
    logger.logLevel = logMessages ? .info : .warning
    guard let hostName = DomainName("bench.example.com") else { throw ValidationError("no host name") }
    let bench = Bench(hostName: hostName, loops: MultiThreadedEventLoopGroup(numberOfThreads: threads), logger: logger)
    switch mode {
    case .discard:
      let discard = Discard()
      try await serve(OpenPolicy(discard: discard), with: [], bench)
      print(discard)
    case .memory:
      try await serve(InMemoryQueueStore(finishedMessages: 1_000), with: [], lastID: 0, bench)
    case .sqlite:
      var configuration = StorageConfiguration()
      configuration.commitDelay = .microseconds(commitDelay)
      configuration.settlementDelay = .microseconds(settlementDelay)
      let storage = try await StorageFolder(data ?? "", configuration: configuration, logger: logger)
      try await serve(storage.queue, with: [storage], lastID: storage.queue.greatestSequence, bench)
      await storage.close()
    case .silent: try await keepSilent(bench)
    }
  }

  /// What all parts share.
  private struct Bench {
    let hostName: DomainName
    let loops: MultiThreadedEventLoopGroup
    let logger: Logger
  }

  private func serve(
    _ queue: any QueueStore, with services: [any Service], lastID: Int64, _ bench: Bench
  ) async throws {
    let accounts = try await BenchAccounts(tenants: tenants)
    var configuration = DeliveryConfiguration()
    configuration.workers = workers
    configuration.rules.deliveriesPerSite = deliveriesPerSite
    let transport = try transport(bench)
    let delivery = DeliveryService(
      store: queue, transport: transport, configuration: configuration, logger: bench.logger)
    let service = SubmissionService(
      configuration: SubmissionConfiguration(hostName: bench.hostName), tenants: accounts.tenants, key: accounts.key,
      queue: queue, delivery: delivery, queueIDs: QueueIDGenerator(after: lastID), logger: bench.logger)
    try await serve(SignedInPolicy(service: service, accounts: accounts), with: services + [delivery], bench)
    await transport.shutdown()
  }

  private func transport(_ bench: Bench) throws -> any DeliveryTransport {
    let fallback: any DeliveryTransport = try relay(deliver, bench) ?? VanishingTransport()
    let routes = try parsedRoutes()
    guard !routes.isEmpty else { return fallback }
    return RoutedTransport(routes: try routes.compactMapValues { try relay($0, bench) }, default: fallback)
  }

  private func relay(_ host: String?, _ bench: Bench) throws -> RelayTransport? {
    guard let endpoint = host.flatMap({ RelayEndpoint($0) }) else { return nil }
    var client = ClientConfiguration(helloName: bench.hostName)
    client.security = .none
    return try RelayTransport(RelayConfiguration(relay: endpoint, client: client), eventLoopGroup: bench.loops)
  }

  private func parsedRoutes() throws -> [RoutePattern: String] {
    var result: [RoutePattern: String] = [:]
    for route in routes {
      let parts = route.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, let pattern = RoutePattern(parts[0]), RelayEndpoint(parts[1]) != nil else {
        throw ValidationError("'\(route)' is not DOMAIN=HOST:PORT.")
      }
      guard result.updateValue(parts[1], forKey: pattern) == nil else {
        throw ValidationError("There are several routes for \(pattern).")
      }
    }
    return result
  }

  /// Takes connections until the process is ended.
  private func keepSilent(_ bench: Bench) async throws {
    let channel = try await ServerBootstrap(group: bench.loops)
      .serverChannelOption(.backlog, value: 4_096)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .bind(host: host, port: Int(port)).get()
    try await channel.closeFuture.get()
  }

  private func serve(
    _ policy: some SubmissionPolicy, with services: [any Service], _ bench: Bench
  ) async throws {
    var configuration = ServerConfiguration(hostName: bench.hostName)
    configuration.requiresAuthentication = false
    configuration.limits = .raised
    let certificates = try tls.isEmpty ? nil : ServerTLS([CertificateFiles(chain: tls[0], privateKey: tls[1])])
    let server = try SMTPServer(
      endpoints: [tls.isEmpty ? .insecurePlaintext(host: host, port: port) : .startTLS(host: host, port: port)],
      configuration: configuration, connectionLimits: .raised, tls: certificates, policy: policy,
      eventLoopGroup: bench.loops, logger: bench.logger)

    let all = ServiceGroup(
      services: services + [server], gracefulShutdownSignals: [.sigint, .sigterm], logger: bench.logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await announce(server.boundAddresses()[0]) }
      group.addTask { try await all.run() }
      try await group.waitForAll()
    }
  }

  /// One line, once clients may come.
  private func announce(_ address: SocketEndpoint) {
    let security = tls.isEmpty ? "in plain text" : "STARTTLS and AUTH"
    let (connections, limits) = (ConnectionLimits.raised, Limits.raised)
    let line = """
      Listening on \(address), \(security), mode \(mode), threads \(threads), workers \(workers), \
      delivering to \(([deliver ?? "nowhere"] + routes).joined(separator: ", ")); limits: connections and \
      connections per source \(connections.connections), recipients \(limits.recipients), messages per session none, \
      idle \(limits.commandTimeout)
      """
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
  }
}

extension Limits {
  /// What a load generator needs, and nobody else should have.
  fileprivate static var raised: Limits {
    var limits = Limits()
    limits.messages = .max
    limits.recipients = 1_000
    limits.commandTimeoutBeforeAuthentication = .seconds(3_600)
    limits.commandTimeout = .seconds(3_600)
    return limits
  }
}

extension ConnectionLimits {
  /// All of a benchmark's connections come from one address.
  fileprivate static var raised: ConnectionLimits {
    var limits = ConnectionLimits()
    limits.connections = 65_536
    limits.connectionsPerSource = 65_536
    limits.shutdownGrace = .seconds(1)
    return limits
  }
}
