import DeliveryQueue
import MailModel
import SMTPProtocol
import SMTPTesting
import Testing

/// A simulation with a network and one next host, `remote.example`, for tests of either.
struct SimulatedWorld {
  static let remote = name("remote.example")
  static let sender = ReversePath.mailbox(mailbox("sender@customer.example"))

  static func name(_ text: String) -> DomainName {
    guard let name = DomainName(text) else { preconditionFailure("\(text) is a domain name") }
    return name
  }

  static func mailbox(_ text: String) -> Mailbox {
    guard let mailbox = Mailbox(text) else { preconditionFailure("\(text) is a mailbox") }
    return mailbox
  }

  let simulation: Simulation
  let network: SimulatedNetwork
  let remote: RemoteHost

  init(
    seed: UInt64 = 1, latency: ClosedRange<Duration> = .milliseconds(1) ... .milliseconds(50),
    configuration: ServerConfiguration? = nil
  ) {
    simulation = Simulation(seed: seed)
    network = SimulatedNetwork(simulation, latency: latency)
    remote = RemoteHost(Self.remote, in: network, configuration: configuration)
  }

  /// A client's defaults, with whatever limits a test wants.
  func configuration(_ change: (inout ClientLimits) -> Void = { _ in }) -> ClientConfiguration {
    var configuration = SimulatedNetwork.remoteClient(helloName: Self.name("mail.example"))
    change(&configuration.limits)
    return configuration
  }

  func transport(_ change: (inout ClientLimits) -> Void = { _ in }) -> SimulatedTransport {
    SimulatedTransport(
      from: "mail.example", over: network, client: configuration(change),
      routes: [Self.name("other.example"): Self.remote]
    )
  }

  /// One attempt for these recipients.
  func deliver(
    to recipients: [String] = ["a@remote.example"], content: [UInt8] = Self.content,
    by transport: SimulatedTransport? = nil
  ) throws -> DeliveryReport {
    let claim = Self.claim(to: recipients, size: content.count)
    let transport = transport ?? self.transport()
    return try simulation.perform { await transport.deliver(claim, content: Octets(octets: content)) }
  }

  static func claim(to recipients: [String], size: Int) -> Claim {
    Claim(
      id: QueueIDGenerator().next(at: Timestamp(milliseconds: 0)),
      token: Claim.Token(1),
      tenant: nil, reversePath: sender, parameters: MessageParameters(),
      acceptedAt: Timestamp(milliseconds: 0),
      size: size,
      recipients: recipients.enumerated().map { ClaimedRecipient(index: $0, path: .mailbox(mailbox($1)), attempts: 0) })
  }

  static let content = Array("Subject: Hello\r\n\r\nHello\r\n.\r\n".utf8)

  /// An envelope for one recipient.
  static let envelope = Envelope(reversePath: sender, recipients: [.mailbox(mailbox("a@remote.example"))])
}

struct Octets: MessageContent {
  var octets: [UInt8]
  var count: Int { octets.count }
  func read(from offset: Int, limit: Int) async throws -> [UInt8] {
    Array(octets[min(offset, count)..<min(offset + limit, count)])
  }
}

extension DeliveryOutcome {
  var reply: DeliveryReply {
    switch self {
    case .delivered(let reply), .deferred(let reply), .failed(let reply): reply
    }
  }
}

extension SiteCondition {
  /// Its case's name.
  var name: String {
    switch self {
    case .working: "working"
    case .busy: "busy"
    case .failed: "failed"
    case .unknown: "unknown"
    @unknown default: "new"
    }
  }
}
