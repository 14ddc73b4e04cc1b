import MailModel

// Questions to the policy, and what its answers lead to.
extension ServerSession.State {
  /// Puts a question to the policy.
  static func ask(
    _ question: consuming SessionQuestion, _ pending: ServerSession.Pending, _ context: inout Context
  ) -> Transition {
    context.question = question
    return Transition(.asking(pending), .ask)
  }

  static func answered(
    _ pending: ServerSession.Pending, _ answer: SessionAnswer, _ context: inout Context,
    _ now: MonotonicInstant, _ replies: inout [UInt8]
  ) -> Transition {
    switch pending {
    case .connection:
      return connected(answer, &context, &replies)
    case .authentication:
      guard case .authentication(let step) = answer else { return wrongAnswer(&replies) }
      return afterExchange(step, &context, &replies)
    case .sender:
      guard let decision = answer.decision else { return wrongAnswer(&replies) }
      guard let refusal = decision.refusal else { return afterSender(&context, &replies) }
      return refuse(refusal, then: .none, &context, &replies)
    case .recipient:
      guard let decision = answer.decision else { return wrongAnswer(&replies) }
      return afterRecipient(refusal: decision.refusal, &context, &replies)
    case .message:
      guard let decision = answer.decision else { return wrongAnswer(&replies) }
      return afterMessage(refusal: decision.refusal, &context, now, &replies)
    case .chunkedMessage(let chunk):
      guard let decision = answer.decision else { return wrongAnswer(&replies) }
      return afterChunkedMessage(chunk, refusal: decision.refusal, &context, now, &replies)
    case .endOfMessage:
      guard case .finished(let reply) = answer else { return wrongAnswer(&replies) }
      return afterEndOfMessage(reply, &context, &replies)
    }
  }

  private static func connected(
    _ answer: SessionAnswer, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    switch answer {
    case .connected(let mechanisms, let extensions):
      context.offer(extensions)
      context.offer(mechanisms: context.tls == nil ? [] : mechanisms)
      context.encodeGreeting(into: &replies)
      return Transition(.command(.none))
    case .refuse(let reply):
      return end(reply, .none, &replies)
    default:
      return wrongAnswer(&replies)
    }
  }

  private static func afterMessage(
    refusal: SMTPReply?, _ context: inout Context, _ now: MonotonicInstant, _ replies: inout [UInt8]
  ) -> Transition {
    if let refusal { return refuse(refusal, then: .none, &context, &replies) }
    FrequentReply.startContent.encode(into: &replies)
    let reader = ContentReader(lineLimit: context.limits.textLine)
    context.content = Content(reader: reader, pace: Pace(begun: now))
    return Transition(.content)
  }

  private static func afterEndOfMessage(
    _ reply: SMTPReply, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    guard reply.isPositive else { return refuse(reply, then: .none, &context, &replies) }
    context.budgets.beginAnew()
    reply.encode(into: &replies)
    return Transition(.command(.none))
  }

  private static func wrongAnswer(_ replies: inout [UInt8]) -> Transition {
    assertionFailure("an answer to another question")
    return end(.shuttingDown, .none, &replies)
  }
}

extension SessionAnswer {
  /// Yes or no, where that was asked.
  fileprivate var decision: PolicyDecision? {
    switch self {
    case .accept: .accept
    case .refuse(let reply): .refuse(reply)
    case .connected, .authentication, .finished: nil
    }
  }
}

extension PolicyDecision {
  fileprivate var refusal: SMTPReply? {
    if case .refuse(let reply) = self { reply } else { nil }
  }
}
