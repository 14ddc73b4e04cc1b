import MailModel

extension ClientSession.State {
  /// Framing first: one reply after the other, until one asks for more than reading.
  mutating func receive(
    _ input: Span<UInt8>, _ context: inout ClientSession.Context, _ output: inout [UInt8]
  ) -> ClientStep {
    var offset = 0
    while true {
      if isClosed { return ClientStep(consumed: input.count, action: .close) }
      if stage == .handshake, !input.isEmpty {
        return ClientStep(consumed: 0, action: fail(.protocolError("octets in clear came before TLS stood"), &context))
      }
      let said = output.count
      var action: ClientAction
      switch context.replies.next(input, from: &offset, limits: context.limits) {
      case .incomplete:
        // What has begun although nothing was asked, be it only the first of its lines, answers nothing.
        if awaitsNothing, offset < input.count || context.replies.isWithinReply { context.isReplyEarly = true }
        return ClientStep(consumed: offset, action: .read)
      case .malformed(let what): action = fail(.protocolError(what), &context)
      case .reply(let reply):
        action = take(reply, &context, &output)
        if action == .startTLS, offset < input.count {
          action = fail(.protocolError("octets in clear came behind the reply to STARTTLS"), &context)
        }
      }
      // All that was asked is answered, or nothing would have been said nor done: what follows answers nothing.
      context.isReplyEarly = offset < input.count && (action != .read || output.count > said)
      if action != .read { return ClientStep(consumed: offset, action: action) }
    }
  }

  private mutating func take(
    _ reply: SMTPReply, _ context: inout ClientSession.Context, _ output: inout [UInt8]
  ) -> ClientAction {
    if reply.code == 421 { return fail(.refused(reply), &context) }
    // Behind 354 a server may have seen enough before any content: such a refusal answers the envelope, and is plain.
    let isPlainRefusal = stage == .content && reply.code >= 400
    if context.isReplyEarly, !isPlainRefusal { return fail(.unexpected(reply), &context) }
    switch stage {
    case .greeting, .hello, .startTLS, .authentication: return takeOpening(reply, &context, &output)
    case .reset, .sender, .recipient, .data: return takeEnvelope(reply, &context, &output)
    case .content, .endOfContent: return takeContent(reply, &context)
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
        EnhancedStatusCode(trusted: .permanentFailure, 6, 0),
        "The message holds a NUL, or a CR or LF alone, and is not sent")
    default: self = .interrupted(failure)
    }
  }
}
