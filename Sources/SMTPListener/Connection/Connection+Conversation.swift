import MailModel
import NIOCore
import SMTPProtocol

// Between the session and the policy.
extension Connection {
  /// What the session waits for.
  enum Wait: Equatable, Sendable {
    case question(SessionQuestion)
    /// Room in the message's sink.
    case room
  }

  /// Octets have come from the client.
  func receive(_ octets: consuming ByteBuffer) {
    if case .proxyHeader = phase { return receiveProxyHeader(octets) }
    guard isOpen else { return }
    // More than the limit and one round of reading come only when the client has hung up and the channel reads what
    // is left: nobody waits for an answer to that.
    guard input.readableBytes + octets.readableBytes - Self.readingRound <= endpoint.limits.inputBuffer else {
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
    if isOpen, conversation == nil, !isAdvancing, let wait = advance() { begin(wait) }
    settle()
  }

  /// One task for all the questions that one piece of input brings.
  func begin(_ wait: Wait) {
    prepare(wait)
    conversation = Task { await converse(from: wait) }
  }

  /// Before the task runs that asks, since the connection may end before that: the end of a message is asked all the same.
  private func prepare(_ wait: Wait) {
    askedAt = now
    isFinishing = wait == .question(.endOfMessage)
    arm()
  }

  private func converse(from first: Wait) async {
    var next: Wait? = first
    while let wait = next, isOpen || isFinishing {
      switch wait {
      case .room:
        await policy.drained()
      case .question(let question):
        let answer = await policy.answer(question)
        isFinishing = false
        if isOpen { session.resume(answer, at: now, replies: &replies) }
      }
      next = isOpen ? advance() : nil
      if let next { prepare(next) }
    }
    conversation = nil
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
      let shown = min(size, endpoint.inputWindow)
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
        let hasRoom = policy.write(input.readableBytesUInt8Span.extracting(range))
        input.moveReaderIndex(forwardBy: step.consumed)
        if !hasRoom { return .room }
      case .ask(let question):
        input.moveReaderIndex(forwardBy: step.consumed)
        return .question(question)
      case .abandonExchange:
        input.moveReaderIndex(forwardBy: step.consumed)
        policy.abandonExchange()
      case .abandonMessage:
        input.moveReaderIndex(forwardBy: step.consumed)
        policy.abandonMessage()
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
}
