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
  static var readingRound: Int { 8 * ReadBuffers.large }

  /// The channel takes more replies, or takes no more.
  func writabilityChanged(to isWritable: Bool) {
    self.isWritable = isWritable
    proceed()
  }

  /// Goes on, unless the policy is being asked.
  func proceed() {
    let now = now
    if isOpen, conversation == nil, !isAdvancing, let wait = advance(at: now) { begin(wait, at: now) }
    settle()
  }

  /// One task for all the questions that one piece of input brings.
  func begin(_ wait: Wait, at now: MonotonicInstant) {
    prepare(wait, at: now)
    conversation = Task { await converse(from: wait) }
  }

  /// Before the task runs that asks, since the connection may end before that: the end of a message is asked all the same.
  private func prepare(_ wait: Wait, at now: MonotonicInstant) {
    askedAt = now
    if case .question(.endOfMessage) = wait { isFinishing = true }
  }

  private func converse(from first: Wait) async {
    var next: Wait? = first
    while let wait = next, isOpen || isFinishing {
      let now: MonotonicInstant
      switch wait {
      case .room:
        await policy.drained()
        now = self.now
      case .question(let question):
        let answer = await policy.answer(question)
        isFinishing = false
        now = self.now
        if isOpen { session.resume(answer, at: now, replies: &replies) }
      }
      next = isOpen ? advance(at: now) : nil
      if let next {
        prepare(next, at: now)
        arm()
      }
    }
    conversation = nil
    settle()
  }

  /// Runs the session as far as it goes without the policy and without replies that the client does not read.
  ///
  /// - Returns: what it waits for; `nil` for more input, a writable channel, or nothing more.
  private func advance(at now: MonotonicInstant) -> Wait? {
    isAdvancing = true
    defer { isAdvancing = false }
    while isOpen, isWritable {
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
    // The same memory again, unless the channel still holds it.
    output.clear()
    output.writeBytes(replies)
    channel.writeAndFlush(output, promise: nil)
    guard replies.count > 1_024 else { return replies.removeAll(keepingCapacity: true) }
    replies = []
    output = ByteBuffer()
  }
}
