public import MailModel
public import SMTPProtocol
import Synchronization

/// A next host in a ``SimulatedNetwork``: a real server with STARTTLS and AUTH, in a mood that a test sets at any time, which
/// remembers what it took.
public final class RemoteHost: Sendable {
  /// A message that it took.
  public struct Message: Hashable, Sendable {
    /// Who sent it to whom, as the client said.
    public var envelope: Envelope
    /// Its content.
    public var content: [UInt8]
    /// When, by the calendar.
    public var at: Timestamp
  }

  struct Triplet: Hashable, Sendable {
    var client: IPAddress
    var sender: ReversePath
    var recipient: ForwardPath
  }
  struct State: Sendable {
    var mood = RemoteMood.working
    var hasMailbox: @Sendable (ForwardPath) -> Bool = { _ in true }
    var server: SimulatedServer?
    var messages: [Message] = []
    var greylist: [Triplet: MonotonicInstant] = [:]
    /// Of servers that were there before it died.
    var accepted = 0
    var mostAtOnce = 0
  }

  /// The port at which it listens.
  public static let port: UInt16 = 587

  /// Its name in the network, and in its greeting.
  public let name: DomainName
  let network: SimulatedNetwork
  private let configuration: ServerConfiguration
  let state = Mutex(State())

  /// A host that works.
  ///
  /// - Parameter configuration: how its sessions behave; `nil` for the defaults.
  public init(_ name: DomainName, in network: SimulatedNetwork, configuration: ServerConfiguration? = nil) {
    (self.name, self.network) = (name, network)
    self.configuration = configuration ?? ServerConfiguration(hostName: name)
    listen()
  }

  /// A host of that name that works.
  ///
  /// - Throws: ``SimulationError`` with code ``SimulationError/Code/invalidName``.
  public convenience init(_ name: String, in network: SimulatedNetwork) throws {
    self.init(try DomainName(simulated: name), in: network)
  }

  /// How it behaves; to whoever is connected too, from the next AUTH, MAIL, RCPT, DATA or end of content on.
  public var mood: RemoteMood {
    get { state.withLock { $0.mood } }
    set {
      network.simulation.note("\(name) is \(newValue)")
      state.withLock { $0.mood = newValue }
      if newValue == .dead { die() } else { listen() }
    }
  }

  /// Which recipients there are; the others it refuses with 550 5.1.1. Default all.
  public var hasMailbox: @Sendable (ForwardPath) -> Bool {
    get { state.withLock { $0.hasMailbox } }
    set { state.withLock { $0.hasMailbox = newValue } }
  }

  /// What it took, the earliest first.
  public var messages: [Message] { state.withLock { $0.messages } }

  /// Connections that it accepted so far.
  public var connections: Int { state.withLock { $0.accepted + ($0.server?.accepted ?? 0) } }

  /// Connections that are open.
  public var openConnections: Int { state.withLock { $0.server }?.open ?? 0 }

  /// How many connections were open at once at most.
  public var mostConnections: Int { state.withLock { max($0.mostAtOnce, $0.server?.mostAtOnce ?? 0) } }

  private func listen() {
    guard state.withLock({ $0.server == nil }) else { return }
    // As slow as a mood wants it.
    var timeouts = SimulatedServer.Timeouts()
    timeouts.policy = .seconds(30 * 86_400)
    let server = network.listen(
      host: name.description, port: Self.port, policy: RemotePolicy(host: self), configuration: configuration,
      timeouts: timeouts)
    state.withLock { $0.server = server }
  }

  private func die() {
    let server = state.withLock { state in
      let server = state.server.take()
      state.accepted += server?.accepted ?? 0
      state.mostAtOnce = max(state.mostAtOnce, server?.mostAtOnce ?? 0)
      return server
    }
    server?.crash()
  }
}

extension DomainName {
  init(simulated text: String) throws(SimulationError) {
    guard let name = DomainName(text) else { throw SimulationError(.invalidName, "\(text) is no domain name") }
    self = name
  }
}

extension SimulatedNetwork {
  /// How a client named `helloName` speaks to a ``RemoteHost``: STARTTLS, and credentials that each of them takes.
  public static func remoteClient(helloName: DomainName) -> ClientConfiguration {
    var configuration = ClientConfiguration(helloName: helloName)
    configuration.credentials = ClientCredentials(username: "relay", password: "simulated")
    return configuration
  }
}
