import ArgumentParser
import DeliveryQueue
import Foundation
import Logging
import MailModel
import NIOPosix
import SMTPListener
import SMTPProtocol
import SQLiteStorage
import ServiceLifecycle
import UnixSignals

/// A server to measure: the library's listener, in front of a policy that accepts everybody and everything.
@main struct BenchServer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench-server", abstract: "An SMTP server for benchmarks, open to everybody who reaches it.",
    discussion: "Ctrl-C or SIGTERM ends it.")

  enum Mode: String, ExpressibleByArgument, CaseIterable {
    /// Content is counted and forgotten.
    case discard
    /// Content goes through a queue in memory, and is delivered to nowhere.
    case memory
    /// Content goes through a queue on disk, synced before the reply, and is delivered to nowhere.
    case sqlite
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
      "Offer STARTTLS with this certificate and key, in PEM, and then AUTH.", valueName: "certificate> <key"))
  var tls: [String] = []
  @Option(help: "The folder of the queue on disk; needed for sqlite.")
  var data: String?
  @Option(help: "Event-loop threads. Two share two cores badly with a client on the same machine.")
  var threads = 1

  func validate() throws {
    guard tls.isEmpty || tls.count == 2 else { throw ValidationError("--tls takes a certificate and its key.") }
    guard mode != .sqlite || data != nil else { throw ValidationError("--mode sqlite needs --data.") }
    guard threads > 0 else { throw ValidationError("--threads must be 1 or more.") }
  }

  func run() async throws {
    var logger = Logger(label: "bench-server", factory: { StreamLogHandler.standardError(label: $0) })
    logger.logLevel = .warning
    switch mode {
    case .discard:
      let discard = Discard()
      try await serve(discard, with: [], logger)
      print(discard)
    case .memory:
      try await serve(InMemoryQueueStore(finishedMessages: 1_000), with: [], lastID: 0, logger)
    case .sqlite:
      let storage = try await StorageFolder(data ?? "", logger: logger)
      try await serve(storage.queue, with: [storage], lastID: storage.queue.greatestSequence, logger)
      await storage.close()
    }
  }

  private func serve(
    _ queue: any QueueStore, with services: [any Service], lastID: Int64, _ logger: Logger
  ) async throws {
    let delivery = DeliveryService(store: queue, transport: VanishingTransport(), logger: logger)
    let destination = QueueDestination(queue: queue, delivery: delivery, ids: QueueIDGenerator(after: lastID))
    try await serve(destination, with: services + [delivery], logger)
  }

  private func serve(
    _ destination: some MessageDestination, with services: [any Service], _ logger: Logger
  ) async throws {
    guard let hostName = DomainName("bench.example.com") else { throw ValidationError("no host name") }
    var configuration = ServerConfiguration(hostName: hostName)
    configuration.requiresAuthentication = false
    configuration.limits = .raised
    let certificates = try tls.isEmpty ? nil : ServerTLS([CertificateFiles(chain: tls[0], privateKey: tls[1])])
    let server = try SMTPServer(
      endpoints: [tls.isEmpty ? .insecurePlaintext(host: host, port: port) : .startTLS(host: host, port: port)],
      configuration: configuration, connectionLimits: .raised, tls: certificates,
      policy: OpenPolicy(destination: destination),
      eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: threads), logger: logger)

    let all = ServiceGroup(
      services: services + [server], gracefulShutdownSignals: [.sigint, .sigterm], logger: logger)
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
      Listening on \(address), \(security), mode \(mode), threads \(threads); limits: connections and \
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
