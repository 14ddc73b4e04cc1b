import MailModel
import SMTPProtocol

/// One client's connection: carries octets between a ``SimulatedEndpoint`` and a `ServerSession`, puts the session's questions
/// to the policy, and keeps the clock.
///
/// The network's events enter it by `assumeIsolated`; a task of its own asks the policy, and there is one at most.
actor ServerConnection<Policy: SubmissionPolicy>: ServingConnection {
  private enum Phase {
    case handshake(until: MonotonicInstant)
    /// The session speaks.
    case open
    /// The last word is on its way; what comes is dropped.
    case lingering(until: MonotonicInstant)
    case closed
  }
  /// What the session waits for.
  private enum Wait {
    case question(SessionQuestion)
    /// Room in the message's sink.
    case room
  }

  nonisolated let number: Int
  nonisolated let unownedExecutor: UnownedSerialExecutor
  private nonisolated let server: SimulatedServer
  private nonisolated let endpoint: SimulatedEndpoint
  private let configuration: ServerConfiguration
  private var session: ServerSession
  private let dialogue: PolicyDialogue<Policy>
  private var phase = Phase.open
  /// Octets that the session has not taken yet.
  private var input: [UInt8] = []
  private var replies: [UInt8] = []
  /// Runs while the policy is asked.
  private var conversation: Task<Void, Never>?
  /// When the question was put that the policy is at.
  private var askedAt = MonotonicInstant(nanoseconds: 0)
  /// The policy is at the end of a message, which nobody interrupts.
  private var isFinishing = false
  private var timer: (event: SimulatedEvent, deadline: MonotonicInstant)?

  init(
    endpoint: SimulatedEndpoint, server: SimulatedServer, policy: Policy, configuration: ServerConfiguration,
    facts: ConnectionFacts
  ) {
    number = endpoint.connection.number
    unownedExecutor = server.network.simulation.machines.asUnownedSerialExecutor()
    (self.server, self.endpoint, self.configuration) = (server, endpoint, configuration)
    session = ServerSession(configuration: configuration)
    dialogue = PolicyDialogue(
      policy: policy, connection: facts, tls: configuration.security == .implicitTLS ? .simulated : nil)
  }

  private nonisolated var simulation: Simulation { server.network.simulation }
  private var now: MonotonicInstant { simulation.clock }
  private var isOpen: Bool { if case .open = phase { true } else { false } }

  // MARK: What happens to it

  /// The connection stands.
  nonisolated func begin() {
    assumeIsolated { connection in
      if connection.configuration.security == .implicitTLS {
        connection.phase = .handshake(until: connection.now.advanced(by: connection.server.timeouts.handshake))
        connection.arm()
      } else {
        connection.start(tls: nil)
      }
    }
    endpoint.attach { [self] arrival in assumeIsolated { $0.handle(arrival) } }
  }

  nonisolated func shutDown() {
    assumeIsolated { connection in
      switch connection.phase {
      case .handshake: connection.drop()
      case .open: if case .close = connection.session.shutDown(replies: &connection.replies) { connection.end() }
      case .lingering, .closed: break
      }
      connection.settle()
    }
  }

  nonisolated func crash() {
    assumeIsolated { connection in
      connection.endpoint.reset()
      connection.drop()
      connection.settle()
    }
  }

  private func start(tls: TLSFacts?) {
    phase = .open
    if case .ask(let question) = session.start(tls: tls, at: now) { begin(.question(question)) } else { end() }
    settle()
  }

  private func handle(_ arrival: SimulatedArrival?) {
    switch (arrival, phase) {
    case (.octets(let octets), .open):
      input += octets
      proceed()
    case (.handshake, .handshake): secured()
    case (.octets, .handshake), (.handshake, .open), (.end, _), (.reset, _): drop()
    case (.octets(let octets), _): endpoint.took(octets.count)
    default: break
    }
    settle()
  }

  private func secured() {
    endpoint.sendHandshake()
    if configuration.security == .implicitTLS { return start(tls: .simulated) }
    phase = .open
    session.tlsStarted(.simulated, mechanisms: dialogue.tlsStarted(.simulated), at: now)
  }

  // MARK: Between the session and the policy

  /// Goes on, unless the policy is being asked.
  private func proceed() {
    if isOpen, conversation == nil, let wait = advance() { begin(wait) }
  }

  /// One task for all the questions that one piece of input brings.
  private func begin(_ wait: Wait) {
    prepare(wait)
    conversation = Task(executorPreference: simulation.executor) { await self.converse(from: wait) }
  }

  /// Before the task runs that asks, since the connection may end before that: the end of a message is asked all the same.
  private func prepare(_ wait: Wait) {
    askedAt = now
    if case .question(.endOfMessage) = wait { isFinishing = true }
  }

  private func converse(from first: Wait) async {
    var next: Wait? = first
    while let wait = next, isOpen || isFinishing {
      switch wait {
      case .room: await dialogue.drained()
      case .question(let question):
        let answer = await dialogue.answer(question)
        isFinishing = false
        if isOpen { session.resume(answer, at: now, replies: &replies) }
      }
      next = isOpen ? advance() : nil
      if let next {
        prepare(next)
        arm()
      }
    }
    conversation = nil
    settle()
  }

  /// Runs the session as far as it goes without the policy.
  ///
  /// - Returns: what it waits for; `nil` for more input, or nothing more.
  private func advance() -> Wait? {
    while isOpen {
      let step = session.receive(input.span, at: now, replies: &replies)
      var hasRoom = true
      if case .content(let range) = step.action { hasRoom = dialogue.write(input.span.extracting(range)) }
      if step.consumed > 0 {
        input.removeFirst(step.consumed)
        endpoint.took(step.consumed)
      }
      switch step.action {
      case .read:
        send()
        return nil
      case .content: if !hasRoom { return .room }
      case .ask(let question): return .question(question)
      case .abandonExchange: dialogue.abandonExchange()
      case .abandonMessage: dialogue.abandonMessage()
      case .startTLS:
        send()
        // Whatever came in clear behind STARTTLS is no handshake.
        guard input.isEmpty else {
          drop()
          return nil
        }
        phase = .handshake(until: now.advanced(by: server.timeouts.handshake))
      default: end()
      }
    }
    return nil
  }

  private func send() {
    guard !replies.isEmpty else { return }
    endpoint.send(replies)
    replies.removeAll(keepingCapacity: true)
  }

  // MARK: Ending

  /// The session has said its last word.
  private func end() {
    guard isOpen else { return }
    phase = .lingering(until: now.advanced(by: server.timeouts.linger))
    input = []
    cancelConversation()
    send()
    endpoint.finish()
  }

  /// Ends without a word.
  private func drop() {
    guard !isClosed else { return }
    phase = .closed
    input = []
    cancelConversation()
    endpoint.close()
  }

  private var isClosed: Bool { if case .closed = phase { true } else { false } }

  private func cancelConversation() {
    if !isFinishing { conversation?.cancel() }
  }

  /// Makes true what follows from whatever has just happened.
  private func settle() {
    if conversation == nil, !isOpen, !isInHandshake {
      dialogue.abandonMessage()
      if isClosed { server.remove(number) }
    }
    arm()
  }

  private var isInHandshake: Bool { if case .handshake = phase { true } else { false } }

  // MARK: The clock

  private var deadline: MonotonicInstant? {
    switch phase {
    case .handshake(let until), .lingering(let until): return until
    case .open:
      guard conversation != nil else { return session.nextDeadline }
      return isFinishing ? nil : askedAt.advanced(by: server.timeouts.policy)
    case .closed: return nil
    }
  }

  /// A deadline moves with every read: a timer that rings too early is left alone, and set again then.
  private func arm() {
    guard let deadline else {
      if isClosed {
        timer?.event.cancel()
        timer = nil
      }
      return
    }
    if let timer {
      guard deadline < timer.deadline else { return }
      timer.event.cancel()
    }
    let event = simulation.schedule(at: deadline) { [self] in assumeIsolated { $0.ring() } }
    timer = (event, deadline)
  }

  private func ring() {
    timer = nil
    if let deadline, deadline <= now { expire() }
    settle()
  }

  private func expire() {
    switch phase {
    case .handshake, .lingering: drop()
    case .open where conversation != nil:
      SMTPReply(421, EnhancedStatusCode("4.3.0"), "Service not available, try again later").encode(into: &replies)
      end()
    case .open: expireSession()
    case .closed: break
    }
  }

  private func expireSession() {
    while true {
      switch session.expire(at: now, replies: &replies) {
      case .abandonMessage: dialogue.abandonMessage()
      case .read: return
      default: return end()
      }
    }
  }
}

extension TLSFacts {
  /// What protects a simulated connection.
  static let simulated = TLSFacts(version: "TLSv1.3")
}
