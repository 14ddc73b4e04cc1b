import ArgumentParser
import Foundation
import Logging
import MailModel
import NIOCore
import NIOPosix
import NIOSSL
import SMTPListener
import SMTPProtocol
import ServiceLifecycle

/// Loads an SMTP server, and says how fast it was.
@main struct BenchClient: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench-client", abstract: "Sends messages to an SMTP server as fast as it takes them.")

  @Option(help: "The server's IPv4 or IPv6 address.")
  var host = "127.0.0.1"
  @Option(help: "The server's port.")
  var port = 2525
  @Option(help: "Connections at a time.")
  var connections = 20
  @Option(help: "Messages in all.")
  var messages = 20_000
  @Option(help: "Messages over one connection, after which it is closed and another one opened. Default: no limit.")
  var messagesPerSession = Int.max
  @Option(help: "Octets of a message.")
  var size = 4_096
  @Option(help: "Recipients of a message.")
  var recipients = 1
  @Option(help: "Their domain.")
  var to = "example.org"
  @Option(help: "Messages to send a second, each at its time. Default: as fast as the server takes them.")
  var rate: Double?
  @Option(
    help: """
      Be the host, too, to which the messages come in the end: listen on this port, number the messages, wait until all are \
      here, and say how long they took.
      """)
  var arrivals: UInt16?
  @Option(help: "Seconds to wait for those.")
  var patience = 120
  @Flag(help: "Use STARTTLS. The server's certificate is not verified.")
  var starttls = false
  @Option(help: ArgumentHelp("Authenticate by PLAIN or LOGIN.", valueName: "user:password"))
  var auth: String?
  @Flag(help: "Send MAIL, RCPT and DATA in one piece where the server offers PIPELINING. Without it, DATA waits.")
  var pipelining = false
  @Option(help: ArgumentHelp("Instead of sending, open connections and hold them until killed.", valueName: "n"))
  var idle: Int?
  @Option(help: "Addresses that connections come from, from --source on: each has 28,000 ports or so.")
  var sources = 1
  @Option(help: "The first address that connections come from, 1 to 250 for 127.0.0.1 to 127.0.0.250.")
  var source = 1
  @Option(help: "Event-loop threads.")
  var threads = 1

  func validate() throws {
    let numbers = [
      connections, messages, messagesPerSession, size, recipients, sources, source, threads, idle ?? 1, patience,
    ]
    guard numbers.allSatisfy({ $0 > 0 }), sources <= 250, source <= 250, source + sources <= 251 else {
      throw ValidationError("Numbers must be 1 or more.")
    }
    if let rate {
      guard rate >= 0.01 else { throw ValidationError("--rate is 0.01 or more.") }
      // Each connection waits for its turn; servers hang up after five minutes (RFC 5321 §4.5.3.2.7).
      guard Double(connections) / rate <= 240 else {
        throw ValidationError("With so many --connections at that --rate each would wait for more than four minutes.")
      }
    }
    guard auth == nil || credentials != nil else { throw ValidationError("--auth takes USER:PASSWORD.") }
  }

  func run() async throws {
    guard let helloName = DomainName("client.example.com") else { throw ValidationError("no name for EHLO") }
    var configuration = ClientConfiguration(helloName: helloName)
    configuration.security = starttls ? .required : .none
    configuration.credentials = credentials
    configuration.allowsAuthenticationWithoutTLS = true
    configuration.pipelinesData = pipelining
    let connector = Connector(
      group: MultiThreadedEventLoopGroup(numberOfThreads: threads),
      server: try SocketAddress(ipAddress: host, port: port), sources: try sourceAddresses(),
      configuration: configuration,
      tls: starttls ? try trustingContext() : nil)
    if let idle {
      try await hold(idle, connector)
    } else {
      try await send(connector)
    }
  }

  private func send(_ connector: Connector) async throws {
    let arrivals = arrivals.map { _ in Arrivals() }
    let load = Load(
      messages: messages, messagesPerSession: messagesPerSession, of: try transaction(),
      message: Message(octets: size, isNumbered: arrivals != nil),
      interval: rate.map { .nanoseconds(Int64(1e9 / $0)) }, arrivals: arrivals)
    var results: Results
    let clock = ContinuousClock()
    let start = clock.now
    var duration = Duration.zero
    if let arrivals {
      try await receiving(arrivals, on: connector.group) {
        try await connector.send(load, connections: connections)
        duration = start.duration(to: clock.now)
        await arrivals.wait(for: messages, atMost: .seconds(patience))
      }
      results = load.results
      (results.arrivals, results.span) = (arrivals.times, arrivals.span)
      let missing = results.replies.count - results.arrivals.count
      if missing > 0 { results.failures["accepted, and did not arrive"] = missing }
    } else {
      try await connector.send(load, connections: connections)
      duration = start.duration(to: clock.now)
      results = load.results
    }
    print(results.report(over: duration))
    if !results.failures.isEmpty { throw ExitCode.failure }
  }

  /// While `body` runs, messages come in here; then those that are under way end well.
  private func receiving(
    _ arrivals: Arrivals, on group: any EventLoopGroup, _ body: () async throws -> Void
  ) async throws {
    guard let name = DomainName("arrivals.example.com") else { throw ValidationError("no host name") }
    var configuration = ServerConfiguration(hostName: name)
    configuration.requiresAuthentication = false
    configuration.limits.messages = .max
    let logger = Logger(label: "bench-client", factory: { _ in SwiftLogNoOpLogHandler() })
    let server = try SMTPServer(
      endpoints: [.insecurePlaintext(host: "127.0.0.1", port: self.arrivals ?? 0)], configuration: configuration,
      policy: ArrivalPolicy(arrivals: arrivals), eventLoopGroup: group, logger: logger)
    let services = ServiceGroup(services: [server], logger: logger)
    async let end: Void = services.run()
    _ = try await server.boundAddresses()
    let result: Result<Void, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    await services.triggerGracefulShutdown()
    try await end
    try result.get()
  }

  private func sourceAddresses() throws -> [SocketAddress] {
    guard sources > 1 || source > 1 else { return [] }
    return try (source..<(source + sources)).map { try SocketAddress(ipAddress: "127.0.0.\($0)", port: 0) }
  }

  private func hold(_ connections: Int, _ connector: Connector) async throws {
    try await connector.hold(connections)
    FileHandle.standardOutput.write(Data("Holding \(connections) connections\n".utf8))
    try await Task.sleep(for: .seconds(3_600))
  }

  private func transaction() throws -> ClientTransaction {
    let recipients = (1...recipients).compactMap { ForwardPath("recipient\($0)@\(to)") }
    guard let sender = ReversePath("sender@example.com") else { throw ValidationError("no sender") }
    guard recipients.count == self.recipients else { throw ValidationError("'\(to)' is no domain.") }
    return ClientTransaction(envelope: Envelope(reversePath: sender, recipients: recipients), size: size)
  }

  private var credentials: ClientCredentials? {
    guard let colon = auth?.firstIndex(of: ":"), let auth else { return nil }
    return ClientCredentials(username: String(auth[..<colon]), password: String(auth[auth.index(after: colon)...]))
  }

  /// What is measured is speed, on a machine of one's own.
  private func trustingContext() throws -> NIOSSLContext {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.certificateVerification = .none
    // One key exchange for all servers, so that none is charged for a stronger one.
    configuration.curves = [.x25519]
    return try NIOSSLContext(configuration: configuration)
  }
}
