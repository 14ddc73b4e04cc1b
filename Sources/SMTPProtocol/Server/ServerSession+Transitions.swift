import MailModel

// The transitions. Each branch gives `self` exactly one new state.
extension ServerSession.State {
  typealias Context = ServerSession.Context

  mutating func start(_ tls: TLSFacts?, _ context: inout Context, _ now: MonotonicInstant) -> SessionAction {
    switch consume self {
    case .unconnected:
      context.tls = tls
      (context.begun, context.waitingSince) = (now, now)
      self = .asking(.connection)
      return .ask(.connection)
    case let other:
      self = other
      assertionFailure("start of a session that has begun")
      return .read
    }
  }

  mutating func receive(
    _ input: Span<UInt8>, _ context: inout Context, _ now: MonotonicInstant, _ replies: inout [UInt8]
  ) -> SessionStep {
    var offset = 0
    while true {
      let transition: Transition
      switch consume self {
      case .command(let stage):
        transition = Self.receiveCommand(input, &offset, stage, &context, now, &replies)
      case .discardingLine(let line):
        transition = Self.discardLine(input, &offset, line, &context, now, &replies)
      case .authenticating:
        transition = Self.receiveAuthentication(input, &offset, &context, now, &replies)
      case .content:
        self = .content
        return receiveContent(input, &context, now)
      case .discardingContent(let refusal):
        transition = Self.discardContent(input, &offset, refusal, &context, now, &replies)
      case .chunk:
        transition = Self.receiveChunk(input, &offset, &context, now, &replies)
      case .discardingChunk(let chunk):
        transition = Self.discardChunk(input, &offset, chunk, &context, now, &replies)
      case .closing:
        offset = input.count
        transition = Transition(.closing, .close)
      case .unconnected:
        assertionFailure("input before start")
        transition = Transition(.unconnected, .read)
      case .asking(let pending):
        assertionFailure("input while the policy is asked")
        transition = Transition(.asking(pending), .read)
      case .startingTLS:
        assertionFailure("input while TLS begins")
        transition = Transition(.startingTLS, .read)
      }
      let action = transition.action
      self = transition.state
      if let action { return SessionStep(consumed: offset, action: context.sessionAction(action)) }
    }
  }

  mutating func resume(
    _ answer: SessionAnswer, _ context: inout Context, _ now: MonotonicInstant, _ replies: inout [UInt8]
  ) {
    switch consume self {
    case .asking(let pending):
      context.waitingSince = now
      let transition = Self.answered(pending, answer, &context, now, &replies)
      self = transition.state
    case let other:
      assertionFailure("an answer without a question")
      self = other
    }
  }

  mutating func tlsStarted(
    _ tls: TLSFacts, _ mechanisms: [String], _ context: inout Context, _ now: MonotonicInstant
  ) {
    switch consume self {
    case .startingTLS:
      context.forgetDialogue()
      context.tls = tls
      context.offer(mechanisms: mechanisms)
      context.isHelloForgiven = context.hello != nil && context.configuration.acceptsMissingHelloAfterTLS
      context.hello = nil
      context.waitingSince = now
      self = .command(.none)
    case let other:
      self = other
      assertionFailure("TLS that was not asked for")
    }
  }

  mutating func expire(
    _ context: inout Context, _ now: MonotonicInstant, _ replies: inout [UInt8]
  ) -> SessionAction {
    let isTimeUp = deadline(context).map { $0 <= now } ?? false
    switch consume self {
    case .closing:
      self = .closing
      return .close
    case let other:
      guard isTimeUp else {
        self = other
        return .read
      }
      (other.isReceiving ? SMTPReply.tooSlow : .timeout).encode(into: &replies)
      let abandonment = other.abandonment
      self = .closing
      return abandonment == nil ? .close : .abandonMessage
    }
  }

  mutating func shutDown(_ context: inout Context, _ replies: inout [UInt8]) -> SessionAction {
    context.isShuttingDown = true
    switch consume self {
    case .command(let stage) where stage.isNone:
      SMTPReply.shuttingDown.encode(into: &replies)
      self = .closing
      return .close
    case .closing:
      self = .closing
      return .close
    case let other:
      self = other
      return .read
    }
  }
}

extension ServerSession.State {
  /// Whether octets of a message are awaited, and not a command.
  private var isReceiving: Bool {
    switch self {
    case .content: true
    case .discardingContent: true
    case .chunk: true
    case .discardingChunk: true
    default: false
    }
  }

  /// What tells the driver that the state's end is also the end of a message.
  private var abandonment: ServerSession.Action? {
    switch self {
    case .content: .abandonMessage
    case .chunk: .abandonMessage
    case .command(let stage): stage.abandonment
    case .discardingLine(let line): line.stage.abandonment
    default: nil
    }
  }
}
