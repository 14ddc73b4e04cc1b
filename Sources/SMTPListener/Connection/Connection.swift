import Logging
import MailModel
import NIOCore
import SMTPProtocol

/// One client's connection: carries octets between the channel and a `ServerSession`, puts the session's questions to
/// the policy, and keeps the clock.
///
/// The actor's executor is the channel's event loop. The channel's handler enters it by `assumeIsolated`, and what
/// suspends while the policy is asked comes back to the loop by itself.
///
/// This file holds what a connection keeps, its end and its clock. `Connection+Opening.swift` brings it to the first word,
/// by way of `Connection+Proxy.swift` behind a proxy; `Connection+Conversation.swift` holds all that is said.
actor Connection: OpenConnection {
  enum Phase {
    case unopened
    /// A proxy has the word.
    case proxyHeader(until: MonotonicInstant)
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
  nonisolated let id = UInt64.random(in: .min ... .max)

  nonisolated let endpoint: EndpointContext
  let channel: any Channel
  /// Who connected; behind a proxy, once it has told, its client.
  var client: SocketEndpoint?
  /// The proxy that told who the client is.
  var proxy: SocketEndpoint?
  var session: ServerSession
  var phase = Phase.unopened

  /// Octets that the session has not taken yet.
  var input = ByteBuffer()
  /// Replies that were not written yet.
  var replies: [UInt8] = []
  /// What was written last. Kept for its memory.
  var output = ByteBuffer()
  /// Whether the channel takes more replies. Kept, since it is asked for at every step.
  var isWritable = true
  /// Whether the channel asked to read while too much waited.
  private var isReadHeld = false
  /// Guards ``advance(at:)`` against being entered from what it writes.
  var isAdvancing = false

  /// Keeps what the policy has given for this connection. Another one when a proxy has told who the client is.
  var policy: any Dialogue
  /// Runs while the policy is asked.
  var conversation: Task<Void, Never>?
  /// When the question was put that the policy is at.
  var askedAt = MonotonicInstant(nanoseconds: 0)
  /// The policy is at the end of a message, which nobody interrupts.
  var isFinishing = false

  /// One for the connection's life, and not exchanged while it fires too early.
  private var timer: (task: Scheduled<Void>, fires: MonotonicInstant)?

  init(channel: any Channel, endpoint: EndpointContext) {
    self.channel = channel
    self.endpoint = endpoint
    eventLoop = channel.eventLoop
    unownedExecutor = eventLoop.executor.asUnownedSerialExecutor()
    session = ServerSession(configuration: endpoint.configuration)
    let facts = ConnectionFacts(channel, at: endpoint.type)
    client = facts.client
    policy = endpoint.dialogue(facts)
  }

  var now: MonotonicInstant { MonotonicInstant(eventLoop.now) }

  var isOpen: Bool {
    if case .open = phase { true } else { false }
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

  /// The session has said its last word.
  func end() {
    if isOpen { linger() }
  }

  /// Writes what there is to say, and waits for the client to take it.
  func linger() {
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
    case .unopened, .proxyHeader, .handshake, .open, .lingering: phase = .closing
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
    case .unopened, .proxyHeader, .handshake: drop()
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
    case .proxyHeader(let until), .handshake(let until), .lingering(let until): return until
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
    case .proxyHeader:
      log(.warning, "PROXY header did not come in time")
      drop()
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

  /// Never what was said on the connection. A text that never varies, and what varies as metadata.
  func log(_ level: Logger.Level, _ message: Logger.Message, _ more: @autoclosure () -> Logger.Metadata = [:]) {
    endpoint.logger.log(level: level, message, metadata: logMetadata.merging(more(), uniquingKeysWith: { $1 }))
  }

  /// Dear, and made only for what is logged indeed.
  private var logMetadata: Logger.Metadata {
    var metadata: Logger.Metadata = [
      "smtp.session-id": "\(String(id, radix: 16))",
      "smtp.client": "\(client.map(\.description) ?? "unknown")",
    ]
    if let proxy { metadata["smtp.proxy"] = "\(proxy)" }
    return metadata
  }
}
