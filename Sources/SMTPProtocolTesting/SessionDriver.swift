public import SMTPProtocol

/// Drives a ``ServerSession`` and a policy in memory, without sockets, tasks or time of its own: what a listener does, for a
/// test to look at step by step.
public final class SessionDriver<Policy: SubmissionPolicy> {
  /// The clock that the session is shown.
  public var clock = ManualClock()
  /// Whether the session has asked for TLS and waits for it: call ``startTLS(_:)``.
  public private(set) var wantsTLS = false
  /// Whether the session has ended.
  public private(set) var isClosed = false

  private var session: ServerSession
  private let dialogue: PolicyDialogue<Policy>
  private let tls: TLSFacts?
  private var input: [UInt8] = []
  private var replies: [UInt8] = []

  /// A connection that has not begun.
  ///
  /// - Parameter tls: what protects the connection from the first octet on; for
  ///   ``ConnectionSecurity/implicitTLS`` alone.
  public init(
    policy: Policy, configuration: ServerConfiguration,
    connection: ConnectionFacts = ConnectionFacts(client: nil), tls: TLSFacts? = nil
  ) {
    session = ServerSession(configuration: configuration)
    dialogue = PolicyDialogue(policy: policy, connection: connection, tls: tls)
    self.tls = tls
  }

  /// The connection begins.
  ///
  /// - Returns: the greeting, or why there is none.
  public func connect() async -> [UInt8] {
    guard case .ask(let question) = session.start(tls: tls, at: clock.now) else { return [] }
    session.resume(await dialogue.answer(question), at: clock.now, replies: &replies)
    return await receive([])
  }

  /// The client sends octets. While the session waits for TLS, any are a handshake that fails, and end the connection.
  ///
  /// - Returns: all that the server has to say to them.
  public func receive(_ octets: [UInt8]) async -> [UInt8] {
    if wantsTLS, !octets.isEmpty { close() }
    input.append(contentsOf: octets)
    while !wantsTLS, !isClosed {
      let step = session.receive(input.span, at: clock.now, replies: &replies)
      var isFull = false
      if case .content(let range) = step.action { isFull = !dialogue.write(input.span.extracting(range)) }
      input.removeFirst(step.consumed)
      switch step.action {
      case .read: return takeReplies()
      case .content: if isFull { await dialogue.drained() }
      case .ask(let question):
        session.resume(await dialogue.answer(question), at: clock.now, replies: &replies)
      case .abandonExchange: dialogue.abandonExchange()
      case .abandonMessage: dialogue.abandonMessage()
      case .startTLS: wantsTLS = true
      default: close()
      }
    }
    return takeReplies()
  }

  /// TLS stands, as far as the session can tell.
  public func startTLS(_ tls: TLSFacts = TLSFacts(version: "TLSv1.3")) {
    guard wantsTLS else { return }
    wantsTLS = false
    session.tlsStarted(tls, mechanisms: dialogue.tlsStarted(tls), at: clock.now)
  }

  /// Time passes; the session is told where it asked to be.
  ///
  /// - Returns: what it says to that.
  public func advance(by duration: Duration) -> [UInt8] {
    clock.advance(by: duration)
    while !isClosed, let deadline = session.nextDeadline, deadline <= clock.now {
      perform(session.expire(at: clock.now, replies: &replies))
      if session.nextDeadline == nil { perform(session.expire(at: clock.now, replies: &replies)) }
    }
    return takeReplies()
  }

  /// The server shuts down.
  ///
  /// - Returns: what the session says to that.
  public func shutDown() -> [UInt8] {
    perform(session.shutDown(replies: &replies))
    return takeReplies()
  }

  /// The client goes away.
  public func disconnect() { close() }

  /// For tests: an action without its state tells half of a transition.
  package var stateName: String { session.stateName }

  private func perform(_ action: SessionAction) {
    switch action {
    case .abandonMessage: dialogue.abandonMessage()
    case .close: close()
    default: break
    }
  }

  private func close() {
    isClosed = true
    dialogue.abandonMessage()
  }

  private func takeReplies() -> [UInt8] {
    defer { replies.removeAll() }
    return replies
  }
}
