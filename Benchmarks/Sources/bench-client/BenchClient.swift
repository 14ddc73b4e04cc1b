import ArgumentParser
import Foundation
import MailModel
import NIOCore
import NIOPosix
import NIOSSL
import SMTPProtocol

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
  @Flag(help: "Use STARTTLS. The server's certificate is not verified.")
  var starttls = false
  @Option(help: ArgumentHelp("Authenticate by PLAIN or LOGIN.", valueName: "user:password"))
  var auth: String?
  @Flag(help: "Send MAIL, RCPT and DATA in one piece where the server offers PIPELINING. Without it, DATA waits.")
  var pipelining = false
  @Option(help: ArgumentHelp("Instead of sending, open connections and hold them until killed.", valueName: "n"))
  var idle: Int?
  @Option(help: "Addresses that connections come from, from 127.0.0.1 on: each has 28,000 ports or so.")
  var sources = 1
  @Option(help: "Event-loop threads.")
  var threads = 1

  func validate() throws {
    let numbers = [connections, messages, messagesPerSession, size, recipients, sources, threads, idle ?? 1]
    guard numbers.allSatisfy({ $0 > 0 }), sources <= 250 else { throw ValidationError("Numbers must be 1 or more.") }
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
      server: try SocketAddress(ipAddress: host, port: port), sources: sources, configuration: configuration,
      tls: starttls ? try trustingContext() : nil)
    if let idle {
      try await hold(idle, connector)
    } else {
      try await send(connector)
    }
  }

  private func send(_ connector: Connector) async throws {
    let load = Load(
      messages: messages, messagesPerSession: messagesPerSession, of: try transaction(),
      content: Message.content(octets: size))
    let clock = ContinuousClock()
    let duration = try await clock.measure { try await connector.send(load, connections: connections) }
    let results = load.results
    print(results.report(over: duration))
    if !results.failures.isEmpty { throw ExitCode.failure }
  }

  private func hold(_ connections: Int, _ connector: Connector) async throws {
    try await connector.hold(connections)
    FileHandle.standardOutput.write(Data("Holding \(connections) connections\n".utf8))
    try await Task.sleep(for: .seconds(3_600))
  }

  private func transaction() throws -> ClientTransaction {
    let recipients = (1...recipients).compactMap { ForwardPath("recipient\($0)@example.org") }
    guard let sender = ReversePath("sender@example.com") else { throw ValidationError("no sender") }
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
