import MailModel
import NIOCore
import SMTPProtocol

// Between the session and the policy.
extension Connection {
  /// What the session waits for.
  enum Wait: Sendable {
    case question(SessionQuestion)
    /// Room in the sink.
    case room(Policy.Session.Sink)
  }

  /// Octets have come from the client.
  func receive(_ octets: consuming ByteBuffer) {
    guard isOpen else { return }
    // More than the limit and one round of reading come only when the client has hung up and the channel reads what
    // is left: nobody waits for an answer to that.
    guard input.readableBytes + octets.readableBytes <= endpoint.limits.inputBuffer + Self.readingRound else {
      drop()
      return settle()
    }
    if input.readableBytes == 0 { input = octets } else { input.writeBuffer(&octets) }
    proceed()
  }

  /// The most octets that one round of reading brings, with room to spare for TLS.
  static var readingRound: Int { 8 * Self.largestRead }
  /// The most octets of one read from the socket.
  static var largestRead: Int { 16_384 }

  /// Goes on, unless the policy is being asked.
  func proceed() {
    if isOpen, dialogue == nil, !isAdvancing, let wait = advance() { begin(wait) }
    settle()
  }

  /// One task for all the questions that one piece of input brings.
  func begin(_ wait: Wait) {
    askedAt = now
    dialogue = Task { await converse(from: wait) }
  }

  private func converse(from first: Wait) async {
    var next: Wait? = first
    while let wait = next {
      askedAt = now
      switch wait {
      case .room(let sink):
        await sink.drained()
      case .question(let question):
        let answer = await answer(question)
        if isOpen { session.resume(answer, at: now, replies: &replies) }
      }
      next = isOpen ? advance() : nil
    }
    dialogue = nil
    settle()
  }

  /// Runs the session as far as it goes without the policy and without replies that the client does not read.
  ///
  /// - Returns: what it waits for; `nil` for more input, a writable channel, or nothing more.
  private func advance() -> Wait? {
    isAdvancing = true
    defer { isAdvancing = false }
    while isOpen, channel.isWritable {
      let size = input.readableBytes
      let shown = sink == nil ? min(size, endpoint.commandWindow) : size
      let step = session.receive(input.readableBytesUInt8Span.extracting(first: shown), at: now, replies: &replies)
      switch step.action {
      case .read:
        input.moveReaderIndex(forwardBy: step.consumed)
        send()
        guard shown < size, step.consumed > 0 else {
          trimInput()
          return nil
        }
      case .content(let range):
        // A session with content to give has been given a sink.
        let hasRoom = sink?.write(input.readableBytesUInt8Span.extracting(range)) ?? true
        input.moveReaderIndex(forwardBy: step.consumed)
        if !hasRoom, let sink { return .room(sink) }
      case .ask(let question):
        input.moveReaderIndex(forwardBy: step.consumed)
        return .question(question)
      case .abandonExchange:
        input.moveReaderIndex(forwardBy: step.consumed)
        exchange = nil
      case .abandonMessage:
        input.moveReaderIndex(forwardBy: step.consumed)
        abandonMessage()
      case .startTLS:
        input.moveReaderIndex(forwardBy: step.consumed)
        send()
        beginTLS()
      case .close:
        end()
      @unknown default:
        end()
      }
    }
    return nil
  }

  /// Keeps no more memory than what is left needs. (`clear()` would allocate again what a shared buffer holds.)
  private func trimInput() {
    guard input.readableBytes > 0 else {
      input = ByteBuffer()
      return
    }
    var rest = channel.allocator.buffer(capacity: input.readableBytes)
    rest.writeBuffer(&input)
    input = rest
  }

  /// Writes the replies gathered so far, in one piece.
  func send() {
    guard !replies.isEmpty else { return }
    let buffer = channel.allocator.buffer(bytes: replies)
    replies.removeAll(keepingCapacity: replies.count <= 1024)
    channel.writeAndFlush(buffer, promise: nil)
  }

  /// The client went away, or what it sent cannot be accepted.
  func abandonMessage() {
    sink?.abort()
    sink = nil
  }

  // MARK: Asking

  private func answer(_ question: SessionQuestion) async -> SessionAnswer {
    if case .connection = question { return await connect() }
    guard let policySession else { return .refuse(.unavailable) }
    switch question {
    case .authentication(let mechanism, let initialResponse):
      exchange = await policySession.authenticate(mechanism)
      return await step(initialResponse)
    case .authenticationResponse(let response):
      return await step(response)
    case .sender(let request):
      return SessionAnswer(await policySession.sender(request))
    case .recipient(let recipient):
      return SessionAnswer(await policySession.recipient(recipient))
    case .message(let request):
      switch await policySession.beginMessage(request) {
      case .accept(let sink):
        self.sink = sink
        return .accept
      case .refuse(let reply): return .refuse(reply)
      }
    case .endOfMessage:
      return .finished(await finish())
    default:
      return .refuse(.unavailable)
    }
  }

  private func connect() async -> SessionAnswer {
    switch await endpoint.policy.connect(facts) {
    case .accept(let session):
      policySession = session
      return .connected(mechanisms: tls.map(session.mechanisms) ?? [])
    case .refuse(let reply): return .refuse(reply)
    }
  }

  private func step(_ response: [UInt8]?) async -> SessionAnswer {
    guard let exchange else { return .authentication(.failure(.unavailable)) }
    let step = await exchange.step(response)
    if case .challenge = step {} else { self.exchange = nil }
    return .authentication(step)
  }

  /// From here on the sink is told of its end by `finish` alone, whatever becomes of the connection.
  private func finish() async -> SMTPReply {
    guard let sink else { return .unavailable }
    self.sink = nil
    isFinishing = true
    defer { isFinishing = false }
    return await sink.finish()
  }
}

extension SMTPReply {
  /// For what cannot be, unless we have a bug.
  fileprivate static let unavailable = SMTPReply(421, (.persistentTransientFailure, 3, 0), "Service not available")
}

extension SessionAnswer {
  fileprivate init(_ decision: PolicyDecision) {
    switch decision {
    case .accept: self = .accept
    case .refuse(let reply): self = .refuse(reply)
    }
  }
}
