import MailModel

extension ClientSession.State {
  /// What the server is to answer next.
  var stage: ClientStage {
    switch self {
    case .initial: .greeting
    case .greeting: .greeting
    case .hello: .hello
    case .startTLS: .startTLS
    case .handshake: .handshake
    case .authentication: .authentication
    case .idle: .idle
    case .reset: .reset
    case .sender: .sender
    case .recipient: .recipient
    case .data: .data
    case .content: .content
    case .endOfContent: .endOfContent
    case .quit: .quit
    case .closed: .quit
    }
  }

  var isClosed: Bool {
    switch self {
    case .closed: true
    default: false
    }
  }

  /// Framing first: one reply after the other, until one asks for more than reading.
  mutating func receive(
    _ input: Span<UInt8>, _ context: inout ClientSession.Context, _ output: inout [UInt8]
  ) -> ClientStep {
    var offset = 0
    while true {
      if isClosed { return ClientStep(consumed: input.count, action: .close) }
      var action: ClientAction
      switch context.replies.next(input, from: &offset, limits: context.limits) {
      case .incomplete: return ClientStep(consumed: offset, action: .read)
      case .malformed(let what): action = fail(.protocolError(what), &context)
      case .reply(let reply):
        action = take(reply, &context, &output)
        if action == .startTLS, offset < input.count {
          action = fail(.protocolError("octets in clear came behind the reply to STARTTLS"), &context)
        }
      }
      if action != .read { return ClientStep(consumed: offset, action: action) }
    }
  }

  private mutating func take(
    _ reply: SMTPReply, _ context: inout ClientSession.Context, _ output: inout [UInt8]
  ) -> ClientAction {
    if reply.code == 421 { return fail(.refused(reply), &context) }
    switch stage {
    case .greeting, .hello, .startTLS, .authentication: return takeOpening(reply, &context, &output)
    case .reset, .sender, .recipient, .data, .endOfContent: return takeTransaction(reply, &context, &output)
    case .content:
      // Too early, and yet plain: the server takes no more of this. There is no way back but to hang up.
      return fail(reply.code >= 400 ? .refused(reply) : .unexpected(reply), &context)
    case .quit: return fail(.refused(reply), &context)
    case .idle, .handshake: return fail(.unexpected(reply), &context)
    }
  }

  /// Ends the session, with what is known.
  mutating func fail(_ reason: ClientFailure.Reason, _ context: inout ClientSession.Context) -> ClientAction {
    let failure = ClientFailure(reason, at: stage)
    let outcomes = transaction?.outcomes(otherwise: ClientOutcome(failure))
    let isOverAnyway = stage == .quit
    context.deadline = nil
    self = .closed
    return isOverAnyway ? .close : .failed(failure, outcomes ?? [])
  }

  /// What is under way.
  private var transaction: ClientSession.Transaction? {
    switch self {
    case .reset(let transaction): transaction
    case .sender(let transaction): transaction
    case .recipient(let transaction, _): transaction
    case .data(let transaction): transaction
    case .content(let transaction, _): transaction
    case .endOfContent(let transaction): transaction
    default: nil
    }
  }
}

extension ClientFailure.Reason {
  /// A reply that does not belong where it came; without its words, which may repeat what the server was told.
  static func unexpected(_ reply: SMTPReply) -> ClientFailure.Reason {
    .protocolError("unexpected reply \(reply.codes)")
  }
}

extension ClientOutcome {
  /// What a failure means for a recipient that nothing else is known of.
  fileprivate init(_ failure: ClientFailure) {
    switch failure.reason {
    case .refused(let reply): self = .refused(reply, at: failure.stage)
    case .unsendableContent:
      self = .unsuitable(
        EnhancedStatusCode(trusted: .permanentFailure, 6, 0), "The message holds a CR or LF alone and is not sent")
    default: self = .interrupted(failure)
    }
  }
}
