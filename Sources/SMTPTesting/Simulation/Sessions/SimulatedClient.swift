import DeliveryReporting
public import MailModel
public import SMTPProtocol

/// A client in a ``SimulatedNetwork``: a real `ClientSession` over a simulated connection.
///
/// ```swift
/// let client = try await network.client(from: "customer", to: "mail.example", configuration: configuration)
/// let outcomes = await client.send(envelope, content: Array("Subject: Hello\r\n\r\nHello\r\n".utf8))
/// await client.quit()
/// ```
public actor SimulatedClient {
  /// Octets of the content that go out at a time.
  private static let chunkSize = 16_384

  /// The simulation's.
  public nonisolated let unownedExecutor: UnownedSerialExecutor
  private nonisolated let simulation: Simulation
  private nonisolated let endpoint: SimulatedEndpoint
  private var session: ClientSession
  private var input: [UInt8] = []
  private var output: [UInt8] = []
  /// What the session said and nobody has heard yet.
  private var news: [ClientAction] = []
  private var hasEnded = false
  private var sleeper: CheckedContinuation<Void, Never>?
  private var timer: (event: SimulatedEvent, deadline: MonotonicInstant)?
  /// Why the session failed, once it has.
  public private(set) var failure: ClientFailure?

  init(_ endpoint: SimulatedEndpoint, simulation: Simulation, configuration: ClientConfiguration) {
    (self.endpoint, self.simulation) = (endpoint, simulation)
    unownedExecutor = simulation.machines.asUnownedSerialExecutor()
    session = ClientSession(configuration: configuration)
  }

  nonisolated var connection: SimulatedConnection { endpoint.connection }

  // MARK: For the holder

  /// Sends one message. Cancellation ends the session soon.
  ///
  /// - Returns: one outcome for each recipient, in the order of the envelope.
  public func send(_ envelope: Envelope, content: [UInt8]) async -> [ClientOutcome] {
    let transaction = ClientTransaction(envelope: envelope, size: content.count)
    let result = await send(transaction, size: content.count) { offset, limit in
      Array(content[offset..<min(offset + limit, content.count)])
    }
    let over = ClientOutcome.interrupted(ClientFailure(.connectionLost("the session is over"), at: .idle))
    let recipients = envelope.recipients.count
    return result.outcomes(of: recipients) ?? Array(repeating: over, count: recipients)
  }

  /// Sends one message whose content `read` gives, so many octets at most from an offset on; where it throws, or gives too
  /// little, the session ends.
  func send(
    _ transaction: ClientTransaction, size: Int, read: (_ offset: Int, _ limit: Int) async throws -> [UInt8]
  ) async -> SessionResult {
    await withTaskCancellationHandler {
      perform(session.begin(transaction, at: simulation.clock, output: &output))
      var action = await nextNews()
      if case .sendContent = action {
        await write(size, read)
        perform(session.finishContent(at: simulation.clock, output: &output))
        action = await nextNews()
      }
      return result(of: action)
    } onCancel: {
      abandonSoon("the delivery was cancelled")
    }
  }

  /// Says goodbye, and returns when that is answered or its time is up, or the task is cancelled.
  public func quit() async {
    await withTaskCancellationHandler {
      perform(session.quit(at: simulation.clock, output: &output))
      _ = await nextNews()
    } onCancel: {
      abandonSoon("nobody waits for the goodbye")
    }
  }

  /// Goes away without a word: the server hears a reset.
  public func vanish() {
    perform(session.fail(.abandoned("the client went away")))
  }

  /// From now on nothing gets through between client and server, and neither is told.
  public func fallSilent() { endpoint.connection.silence() }

  /// Whether the session may take another transaction.
  var takesAnother: Bool { session.transactionsLeft != 0 && !session.isClosed }

  /// ``SMTPProtocol/ClientSession/passesNotifications``.
  public var passesNotifications: Bool { session.passesNotifications }

  /// Greeting, EHLO, TLS and AUTH: why they failed, if they did.
  func begin() async -> ClientFailure? {
    endpoint.attach { [self] arrival in assumeIsolated { $0.handle(arrival) } }
    let action = await withTaskCancellationHandler {
      perform(session.start(at: simulation.clock))
      return await nextNews()
    } onCancel: {
      abandonSoon("the delivery was cancelled")
    }
    if case .ready = action { return nil }
    return failure ?? ClientFailure(.abandoned("the dialogue is out of step"), at: session.stage)
  }

  private nonisolated func abandonSoon(_ reason: String) {
    simulation.schedule(after: .zero) { [self] in
      assumeIsolated { $0.perform($0.session.fail(.abandoned(reason))) }
    }
  }

  private func write(_ size: Int, _ read: (_ offset: Int, _ limit: Int) async throws -> [UInt8]) async {
    var offset = 0
    do {
      while offset < size, !session.isClosed {
        let chunk = try await read(offset, Self.chunkSize)
        guard !chunk.isEmpty else {
          return perform(session.fail(.abandoned("the content is shorter than it should be")))
        }
        perform(session.writeContent(chunk.span, at: simulation.clock, output: &output))
        while !endpoint.hasRoom, !session.isClosed { await sleep() }
        offset += chunk.count
      }
    } catch {
      perform(session.fail(.abandoned("the content cannot be read: \(error)")))
    }
  }

  private func result(of action: ClientAction) -> SessionResult {
    switch action {
    case .finished(let outcomes): .finished(outcomes)
    case .failed(let failure, let outcomes): .failed(failure, outcomes)
    // It was over before.
    default: failure.map { .failed($0, []) } ?? .unreachable(.connectionEnded)
    }
  }

  // MARK: What happens to it

  private func handle(_ arrival: SimulatedArrival?) {
    switch arrival {
    case .octets(let octets):
      endpoint.took(octets.count)
      input += octets
      advance()
    case .handshake:
      if session.stage == .handshake {
        perform(session.tlsStarted(at: simulation.clock, output: &output))
      } else {
        perform(session.fail(.protocolError("a handshake that nobody asked for")))
      }
    case .end: perform(session.fail(.connectionLost("it was closed by the other side")))
    case .reset: perform(session.fail(.connectionLost("it was reset")))
    case nil: wake()
    }
  }

  private func advance() {
    while !session.isClosed {
      let step = session.receive(input.span, at: simulation.clock, output: &output)
      input.removeFirst(step.consumed)
      perform(step.action)
      guard step.action != .read, !input.isEmpty else { return }
    }
  }

  // MARK: Doing what the session says

  private func perform(_ action: ClientAction) {
    if !output.isEmpty {
      endpoint.send(output)
      output.removeAll(keepingCapacity: true)
    }
    switch action {
    case .read: break
    case .startTLS: endpoint.sendHandshake()
    case .ready, .sendContent, .finished: tell(action)
    case .failed, .close: end(action)
    @unknown default: end(session.fail(.abandoned("an action that nobody here knows")))
    }
    setTimer()
  }

  private func end(_ action: ClientAction) {
    guard !hasEnded else { return }
    hasEnded = true
    if case .failed(let failure, _) = action { self.failure = failure }
    if case .failed = action { endpoint.reset() } else { endpoint.close() }
    tell(action)
  }

  private func setTimer() {
    guard let deadline = session.nextDeadline, !hasEnded else {
      timer?.event.cancel()
      timer = nil
      return
    }
    if let timer, timer.deadline <= deadline { return }
    timer?.event.cancel()
    let event = simulation.schedule(at: deadline) { [self] in assumeIsolated { $0.ring() } }
    timer = (event, deadline)
  }

  private func ring() {
    timer = nil
    perform(session.expire(at: simulation.clock))
  }

  // MARK: Waiting

  private func tell(_ action: ClientAction) {
    news.append(action)
    wake()
  }

  private func nextNews() async -> ClientAction {
    while news.isEmpty {
      if hasEnded { return .close }
      await sleep()
    }
    return news.removeFirst()
  }

  /// Until something happens. Only the holder sleeps, so there is one sleeper at most.
  private func sleep() async { await withCheckedContinuation { sleeper = $0 } }

  private func wake() { sleeper.take()?.resume() }
}

extension SimulatedNetwork {
  /// Connects a client, and brings it to the point where it may send.
  ///
  /// - Parameters:
  ///   - port: default 587.
  ///   - timeout: how long the connection may take to stand; default 30 seconds.
  /// - Throws: ``SimulatedNetworkError``; `CancellationError` where the task is cancelled before the connection stands.
  public func client(
    from client: String, to server: String, port: UInt16 = 587, configuration: ClientConfiguration,
    timeout: Duration = .seconds(30)
  ) async throws -> SimulatedClient {
    let endpoint = try await connect(from: client, to: server, port: port, timeout: timeout)
    let client = SimulatedClient(endpoint, simulation: simulation, configuration: configuration)
    if let failure = await client.begin() {
      throw SimulatedNetworkError(.sessionFailed, failure.description, failure: failure)
    }
    return client
  }
}
