import MailModel

/// From RSET and MAIL to the reply to DATA, and QUIT.
extension ClientSession.State {
  mutating func begin(
    _ request: ClientTransaction, _ context: inout ClientSession.Context, _ output: inout [UInt8]
  ) -> ClientAction {
    switch consume self {
    case .idle(let needsReset):
      let transaction = ClientSession.Transaction(request, outcomes: request.outcomesInAdvance(context))
      guard transaction.isOpen else {
        self = .idle(needsReset: needsReset)
        return .finished(transaction.known)
      }
      if needsReset { output.appendCommand("RSET") }
      if !needsReset || context.capabilities.pipelining { Self.sendEnvelope(transaction, &context, &output) }
      context.wait(needsReset ? context.limits.helloTimeout : context.limits.senderTimeout)
      self = needsReset ? .reset(transaction) : .sender(transaction)
      return .read
    case .closed:
      self = .closed
      return .close
    case let other:
      self = other
      assertionFailure("a transaction begins between two others")
      return .read
    }
  }

  /// A reply to one of this part's commands.
  mutating func takeEnvelope(
    _ reply: SMTPReply, _ context: inout ClientSession.Context, _ output: inout [UInt8]
  ) -> ClientAction {
    let isRefusal = reply.code >= 400
    switch consume self {
    case .reset(let transaction) where reply.isPositive:
      if !context.capabilities.pipelining { Self.sendEnvelope(transaction, &context, &output) }
      context.wait(context.limits.senderTimeout)
      self = .sender(transaction)
      return .read
    case .sender(var transaction) where reply.isPositive || isRefusal:
      if isRefusal { transaction.refuse(reply, at: .sender) }
      guard transaction.isOpen || context.capabilities.pipelining else {
        self = .idle(needsReset: false)
        return context.act(.finished(transaction.known))
      }
      let next = Self.awaitRecipient(transaction, from: 0, &context, &output)
      self = next.state
      return next.action
    case .recipient(var transaction, let index) where reply.isPositive || isRefusal:
      if isRefusal { transaction.refuse(reply, recipient: index) }
      let next = Self.awaitRecipient(transaction, from: index + 1, &context, &output)
      self = next.state
      return next.action
    case .data(var transaction) where isRefusal:
      transaction.refuse(reply, at: .data)
      self = .idle(needsReset: true)
      return context.act(.finished(transaction.known))
    case .data(let transaction) where !reply.isPositive:
      let next = Self.takeGoAhead(transaction, &context, &output)
      self = next.state
      return next.action
    case .withdrawal(let transaction) where reply.isPositive || isRefusal:
      self = .idle(needsReset: true)
      return context.act(.finished(transaction.known))
    case let other:
      self = other
      return fail(isRefusal ? .refused(reply) : .unexpected(reply), &context)
    }
  }

  /// MAIL, and where commands may be grouped, all that belongs to it.
  private static func sendEnvelope(
    _ transaction: ClientSession.Transaction, _ context: inout ClientSession.Context, _ output: inout [UInt8]
  ) {
    context.transactions += 1
    output.appendMail(transaction.request, context)
    guard context.capabilities.pipelining else { return }
    var next = transaction.place(from: 0)
    while let index = next {
      output.appendRecipient(transaction.recipients[index], context)
      next = transaction.place(from: index + 1)
    }
    if context.pipelinesData { output.appendCommand("DATA") }
  }

  /// The next recipient from `index` on; behind the last one the content.
  private static func awaitRecipient(
    _ transaction: ClientSession.Transaction, from index: Int, _ context: inout ClientSession.Context,
    _ output: inout [UInt8]
  ) -> ClientSession.Transition {
    if let next = transaction.place(from: index) {
      if !context.capabilities.pipelining { output.appendRecipient(transaction.recipients[next], context) }
      context.wait(context.limits.recipientTimeout)
      return ClientSession.Transition(.recipient(transaction, index: next), .read)
    }
    guard transaction.isOpen || context.pipelinesData else {
      return ClientSession.Transition(.idle(needsReset: true), context.act(.finished(transaction.known)))
    }
    if context.usesChunking {
      context.wait(context.limits.dataBlockTimeout)
      return ClientSession.Transition(.content(transaction, .chunks(ChunkWriter())), .sendContent)
    }
    if !context.pipelinesData { output.appendCommand("DATA") }
    context.wait(context.limits.dataTimeout)
    return ClientSession.Transition(.data(transaction), .read)
  }

  /// 354, which a pipelined DATA may get for nobody: then nothing but the end of the content follows (RFC 2920 §3.1).
  private static func takeGoAhead(
    _ transaction: ClientSession.Transaction, _ context: inout ClientSession.Context, _ output: inout [UInt8]
  ) -> ClientSession.Transition {
    guard transaction.isOpen else {
      output.appendCommand(".")
      context.wait(context.limits.endOfContentTimeout)
      return ClientSession.Transition(.withdrawal(transaction), .read)
    }
    context.wait(context.limits.dataBlockTimeout)
    return ClientSession.Transition(.content(transaction, .lines(DotStuffer())), .sendContent)
  }

  mutating func quit(_ context: inout ClientSession.Context, _ output: inout [UInt8]) -> ClientAction {
    switch consume self {
    case .idle:
      output.appendCommand("QUIT")
      context.wait(context.limits.quitTimeout)
      self = .quit
      return .read
    case .closed:
      self = .closed
      return .close
    case let other:
      self = other
      assertionFailure("QUIT comes between transactions")
      return .read
    }
  }
}
