import MailModel
import SMTPProtocol
import Synchronization

/// Asks the ``RemoteHost``'s mood at every step.
struct RemotePolicy: SubmissionPolicy {
  let host: RemoteHost

  func connect(_ connection: ConnectionFacts) async -> ConnectionDecision<RemoteSession> {
    await host.pause(connection.client)
    if let refusal = host.refusal(at: .connection) { return .refuse(refusal) }
    return .accept(RemoteSession(host: host, client: connection.client))
  }
}

final class RemoteSession: PolicySession {
  private let host: RemoteHost
  private let client: SocketEndpoint?
  private let reversePath = Mutex(ReversePath.null)

  init(host: RemoteHost, client: SocketEndpoint?) { (self.host, self.client) = (host, client) }

  func mechanisms(_ tls: TLSFacts) -> [String] { ["PLAIN"] }

  var extensions: MailExtensions { .all }

  func authenticate(_ mechanism: String) async -> RemoteExchange {
    RemoteExchange(host: host, client: client)
  }

  func sender(_ sender: SenderRequest) async -> PolicyDecision {
    reversePath.withLock { $0 = sender.reversePath }
    await host.pause(client)
    return PolicyDecision(host.refusal(at: .sender))
  }

  func recipient(_ recipient: Recipient) async -> PolicyDecision {
    await host.pause(client)
    let sender = reversePath.withLock { $0 }
    guard host.hasMailbox(recipient.path) else {
      return .refuse(SMTPReply(550, (.permanentFailure, 1, 1), "No such mailbox"))
    }
    return PolicyDecision(host.refusal(at: .recipient) ?? host.greylisted(recipient.path, of: sender, from: client))
  }

  func beginMessage(_ message: MessageRequest) async -> MessageDecision<RemoteSink> {
    await host.pause(client)
    if let refusal = host.refusal(at: .data) { return .refuse(refusal) }
    return .accept(RemoteSink(host: host, client: client, envelope: message.envelope))
  }
}

/// Takes any credentials.
struct RemoteExchange: AuthenticationExchange {
  let host: RemoteHost
  let client: SocketEndpoint?

  func step(_ response: [UInt8]?) async -> AuthenticationStep {
    guard response != nil else { return .challenge([]) }
    await host.pause(client)
    if let refusal = host.refusal(at: .authentication) { return .failure(refusal) }
    return .success(identity: "relay")
  }
}

final class RemoteSink: MessageSink {
  private struct State: Sendable {
    var content: [UInt8] = []
    /// Whether the connection was lost over it.
    var isLost = false
  }
  private let host: RemoteHost
  private let client: SocketEndpoint?
  private let envelope: Envelope
  private let state = Mutex(State())

  init(host: RemoteHost, client: SocketEndpoint?, envelope: Envelope) {
    (self.host, self.client, self.envelope) = (host, client, envelope)
  }

  func write(_ octets: Span<UInt8>) -> Bool {
    if case .losingContent(let silently) = host.mood, !state.withLock({ $0.isLost }) {
      state.withLock { $0.isLost = true }
      host.lose(client, silently: silently)
    }
    state.withLock { state in
      for index in octets.indices { state.content.append(octets[index]) }
    }
    return true
  }

  func drained() async {}

  func finish() async -> SMTPReply {
    await host.pause(client)
    let state = state.withLock { $0 }
    if let refusal = host.refusal(at: .endOfContent) { return refusal }
    if !state.isLost { host.keep(envelope, state.content) }
    if case .losingReplies(let silently) = host.mood { host.lose(client, silently: silently) }
    return SMTPReply(250, (.success, 0, 0), "Ok")
  }

  func abort() {}
}

extension RemoteHost {
  /// As long as the mood wants an answer to that client to wait.
  fileprivate func pause(_ client: SocketEndpoint?) async {
    if case .slow(let duration) = mood { try? await network.simulation.sleep(for: duration) }
    // Another mood may have come meanwhile.
    if mood == .mute { lose(client, silently: true) }
  }

  /// What the mood says at that stage.
  fileprivate func refusal(at stage: RemoteMood.Stage) -> SMTPReply? {
    switch mood {
    case .temporary(stage): Self.temporary(at: stage)
    case .permanent(stage): Self.permanent(at: stage)
    // Of the mute nobody hears it.
    case .busy, .mute: SMTPReply(421, (.persistentTransientFailure, 3, 2), "Too busy; come back later")
    default: nil
    }
  }

  private static func temporary(at stage: RemoteMood.Stage) -> SMTPReply {
    switch stage {
    case .connection: SMTPReply(421, (.persistentTransientFailure, 3, 0), "Not available now")
    case .authentication: SMTPReply(454, (.persistentTransientFailure, 7, 0), "Cannot check now")
    case .sender: SMTPReply(451, (.persistentTransientFailure, 1, 8), "Cannot check the sender now")
    case .recipient: SMTPReply(450, (.persistentTransientFailure, 2, 0), "Mailbox busy")
    case .data: SMTPReply(451, (.persistentTransientFailure, 3, 0), "Not now")
    case .endOfContent: SMTPReply(452, (.persistentTransientFailure, 3, 1), "Disk full")
    }
  }

  private static func permanent(at stage: RemoteMood.Stage) -> SMTPReply {
    switch stage {
    case .connection: SMTPReply(554, (.permanentFailure, 7, 1), "Not from there")
    case .authentication: SMTPReply(535, (.permanentFailure, 7, 8), "Credentials invalid")
    case .sender: SMTPReply(550, (.permanentFailure, 1, 8), "No such sender")
    case .recipient: SMTPReply(550, (.permanentFailure, 1, 1), "No such mailbox")
    case .data: SMTPReply(554, (.permanentFailure, 3, 0), "No")
    case .endOfContent: SMTPReply(554, (.permanentFailure, 6, 0), "Not this content")
    }
  }

  /// Why the recipient has to come again, if it has.
  fileprivate func greylisted(
    _ recipient: ForwardPath, of sender: ReversePath, from client: SocketEndpoint?
  ) -> SMTPReply? {
    guard case .greylisting(let wait) = mood, let client else { return nil }
    let triplet = Triplet(client: client.address, sender: sender, recipient: recipient)
    let now = network.simulation.clock
    let since = state.withLock { state in
      let since = state.greylist[triplet] ?? now
      state.greylist[triplet] = since
      return since
    }
    guard since.duration(to: now) < wait else { return nil }
    return SMTPReply(451, (.persistentTransientFailure, 7, 1), "Greylisted; come again later")
  }

  fileprivate func keep(_ envelope: Envelope, _ content: [UInt8]) {
    let message = Message(envelope: envelope, content: content, at: network.simulation.time.now())
    state.withLock { $0.messages.append(message) }
    network.simulation.note("\(name) takes a message for \(envelope.recipients.count)")
  }

  /// The connection from that client is lost.
  fileprivate func lose(_ client: SocketEndpoint?, silently: Bool) {
    guard let connection = network.connection(from: client) else { return }
    if silently { connection.silence() } else { connection.reset() }
  }
}

extension PolicyDecision {
  fileprivate init(_ refusal: SMTPReply?) { self = refusal.map { .refuse($0) } ?? .accept }
}
