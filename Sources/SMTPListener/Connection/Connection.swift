import Logging
import MailModel
import NIOCore
import NIOSSL
import SMTPProtocol

/// One client's connection: carries octets between the channel and a `ServerSession`, puts the session's questions to
/// the policy, and keeps the clock.
///
/// The actor's executor is the channel's event loop. The channel's handler enters it by `assumeIsolated`, and what
/// suspends while the policy is asked comes back to the loop by itself.
///
/// This file holds a connection's life from its opening to its end. What happens between the two is in
/// `Connection+Conversation.swift`.
actor Connection<Policy: SubmissionPolicy>: OpenConnection {
  enum Phase {
    case unopened
    case handshake(until: MonotonicInstant)
    /// The session speaks.
    case open
    /// The last word is on its way. Input is dropped: closing a socket with unread input would make the system throw
    /// away what the client has not read yet.
    case lingering(until: MonotonicInstant)
    /// The channel was told to close.
    case closing
    case closed
  }

  nonisolated let eventLoop: any EventLoop
  /// The event loop's. Kept, since it is asked for at every entry.
  nonisolated let unownedExecutor: UnownedSerialExecutor
  nonisolated let facts: ConnectionFacts
  nonisolated let id = UInt64.random(in: .min ... .max)

  nonisolated let endpoint: EndpointContext<Policy>
  let channel: any Channel
  var session: ServerSession
  var phase = Phase.unopened

  /// Octets that the session has not taken yet.
  var input = ByteBuffer()
  /// Replies that were not written yet.
  var replies: [UInt8] = []
  /// Whether the channel takes more replies. Kept, since it is asked for at every step.
  var isWritable = true
  /// Whether the channel asked to read while too much waited.
  private var isReadHeld = false
  /// Guards ``advance()`` against being entered from what it writes.
  var isAdvancing = false

  /// Keeps what the policy has given for this connection.
  let policy: PolicyDialogue<Policy>
  /// Runs while the policy is asked.
  var conversation: Task<Void, Never>?
  /// When the question was put that the policy is at.
  var askedAt = MonotonicInstant(nanoseconds: 0)
  /// The policy is at the end of a message, which nobody interrupts.
  var isFinishing = false

  /// One for the connection's life, and not exchanged while it fires too early.
  private var timer: (task: Scheduled<Void>, fires: MonotonicInstant)?

  init(channel: any Channel, endpoint: EndpointContext<Policy>) {
    self.channel = channel
    self.endpoint = endpoint
    eventLoop = channel.eventLoop
    unownedExecutor = eventLoop.executor.asUnownedSerialExecutor()
    session = ServerSession(configuration: endpoint.configuration)
    facts = ConnectionFacts(
      client: channel.remoteAddress.flatMap(SocketEndpoint.init),
      local: channel.localAddress.flatMap(SocketEndpoint.init), endpointType: endpoint.type)
    policy = PolicyDialogue(policy: endpoint.policy, connection: facts)
  }

  var now: MonotonicInstant { MonotonicInstant(eventLoop.now) }

  var isOpen: Bool {
    if case .open = phase { true } else { false }
  }

  // MARK: Opening

  /// The channel is active.
  func opened() {
    log(.debug, "Connection opened")
    switch endpoint.configuration.security {
    case .implicitTLS: phase = .handshake(until: now.advanced(by: endpoint.limits.handshakeTimeout))
    case .startTLSRequired, .plaintext: start(tls: nil)
    }
    settle()
  }

  private func start(tls: TLSFacts?) {
    phase = .open
    switch session.start(tls: tls, at: now) {
    case .ask(let question): begin(.question(question))
    default: end()
    }
  }

  /// Puts TLS in front of everything. What the client sent in clear behind its STARTTLS is already in the hands of
  /// the session or still unread, and then TLS takes it for the handshake that it is not.
  func beginTLS() {
    guard let tls = endpoint.tls, input.readableBytes == 0 else { return drop() }
    phase = .handshake(until: now.advanced(by: endpoint.limits.handshakeTimeout))
    do {
      try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.context), position: .first)
    } catch {
      drop()
    }
  }

  /// The TLS handshake is complete.
  func secured() {
    guard case .handshake = phase else { return }
    let version = try? channel.pipeline.syncOperations.nioSSL_tlsVersion()
    let tls = TLSFacts(version: version.map(Self.name) ?? "TLS")
    let mechanisms = policy.tlsStarted(tls)
    if endpoint.configuration.security == .implicitTLS {
      start(tls: tls)
    } else {
      phase = .open
      session.tlsStarted(tls, mechanisms: mechanisms, at: now)
    }
    settle()
  }

  private static func name(_ version: TLSVersion) -> String {
    switch version {
    case .tlsv1: "TLSv1"
    case .tlsv11: "TLSv1.1"
    case .tlsv12: "TLSv1.2"
    case .tlsv13: "TLSv1.3"
    }
  }

  // MARK: Reading

  /// Whether the channel may read on. If not, it does when there is room.
  func wantsRead() -> Bool {
    isReadHeld = !mayRead
    return mayRead
  }

  private var mayRead: Bool {
    let isWaiting = conversation != nil || !isWritable
    return !(isOpen && isWaiting && input.readableBytes >= endpoint.limits.inputBuffer)
  }

  // MARK: Closing

  /// The session has said its last word: writes it, and waits for the client to take it.
  func end() {
    guard isOpen else { return }
    phase = .lingering(until: now.advanced(by: endpoint.limits.lingerTimeout))
    input = ByteBuffer()
    cancelConversation()
    send()
    let channel = channel
    channel.close(mode: .output).whenFailure { _ in channel.close(promise: nil) }
  }

  /// Ends the connection without a word.
  func drop() {
    switch phase {
    case .closing, .closed: return
    case .unopened, .handshake, .open, .lingering: phase = .closing
    }
    input = ByteBuffer()
    cancelConversation()
    channel.close(promise: nil)
  }

  /// The channel is gone.
  func closed() {
    phase = .closed
    input = ByteBuffer()
    cancelConversation()
    settle()
    log(.debug, "Connection closed")
  }

  private func cancelConversation() {
    if !isFinishing { conversation?.cancel() }
  }

  /// The server shuts down.
  func shutDown() {
    switch phase {
    case .unopened, .handshake: drop()
    case .open:
      switch session.shutDown(replies: &replies) {
      case .close: end()
      default: break
      }
    case .lingering, .closing, .closed: break
    }
    settle()
  }

  nonisolated func beginShutDown() {
    eventLoop.execute { self.assumeIsolated { $0.shutDown() } }
  }

  nonisolated func beginDrop() {
    eventLoop.execute {
      self.assumeIsolated { connection in
        connection.drop()
        connection.settle()
      }
    }
  }

  /// Makes true what follows from whatever has just happened.
  func settle() {
    if conversation == nil, !isOpen {
      policy.abandonMessage()
      if case .closed = phase { endpoint.registry.remove(self) }
    }
    if isReadHeld, mayRead {
      isReadHeld = false
      channel.read()
    }
    arm()
  }

  // MARK: The clock

  private var deadline: MonotonicInstant? {
    switch phase {
    case .handshake(let until), .lingering(let until): return until
    case .open:
      guard conversation != nil else { return session.nextDeadline }
      return isFinishing ? nil : askedAt.advanced(by: endpoint.limits.policyTimeout)
    case .unopened, .closing, .closed: return nil
    }
  }

  /// A deadline moves with every read, a timer is dear: it is left to fire early, and set again then.
  func arm() {
    if case .closed = phase {
      timer?.task.cancel()
      timer = nil
      return
    }
    guard let deadline else { return }
    if let timer {
      guard deadline < timer.fires else { return }
      timer.task.cancel()
    }
    let task = eventLoop.scheduleTask(deadline: NIODeadline(deadline)) { self.assumeIsolated { $0.timerFired() } }
    timer = (task, deadline)
  }

  private func timerFired() {
    timer = nil
    if let deadline, deadline <= now { expire() }
    settle()
  }

  private func expire() {
    switch phase {
    case .handshake:
      log(.debug, "TLS handshake took too long")
      drop()
    case .lingering: drop()
    case .open where conversation != nil:
      log(.warning, "The policy did not answer in time")
      SMTPReply(421, (.persistentTransientFailure, 3, 0), "Service not available, try again later")
        .encode(into: &replies)
      end()
    case .open: expireSession()
    case .unopened, .closing, .closed: break
    }
  }

  private func expireSession() {
    while true {
      switch session.expire(at: now, replies: &replies) {
      case .abandonMessage: policy.abandonMessage()
      case .read: return
      default: return end()
      }
    }
  }

  // MARK: The log

  /// Never what was said on the connection.
  func log(_ level: Logger.Level, _ message: Logger.Message) {
    endpoint.logger.log(
      level: level, message,
      metadata: [
        "smtp.session-id": "\(String(id, radix: 16))",
        "smtp.client": "\(facts.client.map(\.description) ?? "unknown")",
      ])
  }
}
