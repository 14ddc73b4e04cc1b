import MailModel

// The transitions. Each branch gives `self` exactly one new state.
extension ServerSession.State {
  typealias Context = ServerSession.Context

  mutating func start(_ context: inout Context, _ now: MonotonicInstant) -> SessionAction {
    switch consume self {
    case .unconnected:
      context.waitingSince = now
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
      let transition: ServerSession.Transition
      switch consume self {
      case .command(let transaction):
        transition = Self.receiveCommand(input, &offset, transaction, &context, now, &replies)
      case .discardingLine(let discarder, let transaction):
        transition = Self.discardLine(input, &offset, discarder, transaction, &context, now, &replies)
      case .authenticating:
        transition = Self.receiveAuthentication(input, &offset, &context, now, &replies)
      case .content(let content):
        transition = Self.receiveContent(input, &offset, content, &context, now)
      case .discardingContent(let content, let refusal):
        transition = Self.discardContent(input, &offset, content, refusal, &context, now, &replies)
      case .closing:
        offset = input.count
        transition = ServerSession.Transition(.closing, .close)
      case .unconnected:
        assertionFailure("input before start")
        transition = ServerSession.Transition(.unconnected, .read)
      case .asking(let pending):
        assertionFailure("input while the policy is asked")
        transition = ServerSession.Transition(.asking(pending), .read)
      case .startingTLS:
        assertionFailure("input while TLS begins")
        transition = ServerSession.Transition(.startingTLS, .read)
      }
      let action = transition.action
      self = transition.state
      if let action { return SessionStep(consumed: offset, action: action) }
    }
  }

  mutating func resume(
    _ answer: SessionAnswer, _ context: inout Context, _ now: MonotonicInstant, _ replies: inout [UInt8]
  ) {
    switch consume self {
    case .asking(let pending):
      context.waitingSince = now
      self = Self.answered(pending, answer, &context, now, &replies)
    case let other:
      assertionFailure("an answer without a question")
      self = other
    }
  }

  private static func answered(
    _ pending: ServerSession.Pending, _ answer: SessionAnswer, _ context: inout Context, _ now: MonotonicInstant,
    _ replies: inout [UInt8]
  ) -> ServerSession.State {
    switch (pending, answer) {
    case (.connection, .connected(let mechanisms, let extensions)):
      context.extensions = extensions
      context.mechanisms = context.tls == nil ? [] : mechanisms
      replies.append(contentsOf: "220 \(context.configuration.hostName) ESMTP\r\n".utf8)
      return .command(nil)
    case (.connection, .refuse(let reply)):
      reply.encode(into: &replies)
      return .closing
    case (.authentication, .authentication(let step)):
      return afterExchange(step, &context, &replies)
    case (.sender(let sender), .accept):
      context.isMailRefused = false
      SMTPReply.senderOk.encode(into: &replies)
      return .command(ServerSession.Transaction(sender: sender))
    case (.sender, .refuse(let reply)):
      return refuse(reply, then: nil, &context, &replies)
    case (.recipient(var transaction, let path), .accept):
      transaction.recipients.append(Recipient(path))
      SMTPReply.recipientOk.encode(into: &replies)
      return .command(transaction)
    case (.recipient(let transaction, _), .refuse(let reply)):
      return refuseRecipient(reply, transaction, &context, &replies)
    case (.message, .accept):
      SMTPReply.startContent.encode(into: &replies)
      let reader = ContentReader(lineLimit: context.limits.textLine)
      return .content(ServerSession.Content(reader: reader, begun: now, lastOctets: now))
    case (.message, .refuse(let reply)):
      return refuse(reply, then: nil, &context, &replies)
    case (.endOfMessage, .finished(let reply)):
      if reply.isPositive {
        context.messages += 1
        context.forgiven = 0
        reply.encode(into: &replies)
        return .command(nil)
      } else {
        return refuse(reply, then: nil, &context, &replies)
      }
    case (_, _):
      assertionFailure("an answer to another question")
      SMTPReply.shuttingDown.encode(into: &replies)
      return .closing
    }
  }

  mutating func tlsStarted(
    _ tls: TLSFacts, _ mechanisms: [String], _ context: inout Context, _ now: MonotonicInstant
  ) {
    switch consume self {
    case .startingTLS:
      context.tls = tls
      context.mechanisms = mechanisms
      context.isHelloForgiven = context.hello != nil && context.configuration.acceptsMissingHelloAfterTLS
      context.hello = nil
      context.waitingSince = now
      self = .command(nil)
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
    case .content where isTimeUp:
      SMTPReply.tooSlow.encode(into: &replies)
      self = .closing
      return .abandonMessage
    case .discardingContent where isTimeUp:
      SMTPReply.tooSlow.encode(into: &replies)
      self = .closing
      return .close
    case let other:
      guard isTimeUp else {
        self = other
        return .read
      }
      SMTPReply.timeout.encode(into: &replies)
      self = .closing
      return .close
    }
  }

  mutating func shutDown(_ context: inout Context, _ replies: inout [UInt8]) -> SessionAction {
    context.isShuttingDown = true
    switch consume self {
    case .command(nil):
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

  func deadline(_ context: Context) -> MonotonicInstant? {
    switch self {
    case .command: context.waitingSince.advanced(by: context.commandTimeout)
    case .discardingLine: context.waitingSince.advanced(by: context.commandTimeout)
    case .authenticating: context.waitingSince.advanced(by: context.commandTimeout)
    case .content(let content): content.deadline(context.limits)
    case .discardingContent(let content, _): content.deadline(context.limits)
    default: nil
    }
  }

  /// A refusal by the policy. A 421 ends the session, and a 5xx counts.
  static func refuse(
    _ reply: SMTPReply, then transaction: ServerSession.Transaction?, _ context: inout Context,
    _ replies: inout [UInt8]
  ) -> ServerSession.State {
    reply.encode(into: &replies)
    guard reply.code != 421 else { return .closing }
    guard reply.isPermanent else { return .command(transaction) }
    return afterError(then: transaction, &context, &replies)
  }

  /// Counts an error whose reply was said.
  static func afterError(
    then transaction: ServerSession.Transaction?, _ context: inout Context, _ replies: inout [UInt8]
  ) -> ServerSession.State {
    context.errors += 1
    guard context.errors >= context.limits.errors else { return .command(transaction) }
    SMTPReply.tooManyErrors.encode(into: &replies)
    return .closing
  }
}

extension ServerSession.Content {
  /// The earliest of: no octets for too long, too few in all, too long in all.
  func deadline(_ limits: Limits) -> MonotonicInstant {
    let lull = lastOctets.advanced(by: limits.dataBlockTimeout)
    let earned = Duration.milliseconds(Int64(clamping: octets) * 1000 / Int64(max(1, limits.minimumDataRate)))
    let pace = begun.advanced(by: limits.dataRateGrace + earned)
    return min(lull, min(pace, begun.advanced(by: limits.messageTimeout)))
  }
}
