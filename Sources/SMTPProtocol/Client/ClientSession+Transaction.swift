import MailModel

/// From MAIL to the reply to the end of the content, and QUIT.
extension ClientSession.State {
  mutating func begin(
    _ request: ClientTransaction, _ context: inout ClientSession.Context, _ output: inout [UInt8]
  ) -> ClientAction {
    switch consume self {
    case .idle(let needsReset):
      if let outcomes = request.outcomesInAdvance(context) {
        self = .idle(needsReset: needsReset)
        return .finished(outcomes)
      }
      let transaction = ClientSession.Transaction(request)
      if needsReset {
        output.appendCommand("RSET")
        context.wait(context.limits.helloTimeout)
        self = .reset(transaction)
      } else {
        transaction.sendEnvelope(&context, &output)
        self = .sender(transaction)
      }
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
  mutating func takeTransaction(
    _ reply: SMTPReply, _ context: inout ClientSession.Context, _ output: inout [UInt8]
  ) -> ClientAction {
    let isRefusal = reply.code >= 400
    switch consume self {
    case .reset(let transaction) where reply.isPositive:
      transaction.sendEnvelope(&context, &output)
      self = .sender(transaction)
      return .read
    case .sender(var transaction) where reply.isPositive || isRefusal:
      if isRefusal { transaction.refuse(reply, at: .sender) }
      guard transaction.isOpen || context.capabilities.pipelining else {
        self = .idle(needsReset: false)
        return context.act(.finished(transaction.known))
      }
      self = .awaitRecipient(transaction, index: 0, &context, &output)
      return .read
    case .recipient(var transaction, let index) where reply.isPositive || isRefusal:
      if isRefusal { transaction.refuse(reply, recipient: index) }
      guard index + 1 == transaction.recipients.count else {
        self = .awaitRecipient(transaction, index: index + 1, &context, &output)
        return .read
      }
      guard transaction.isOpen else {
        self = .idle(needsReset: true)
        return context.act(.finished(transaction.known))
      }
      output.appendCommand("DATA")
      context.wait(context.limits.dataTimeout)
      self = .data(transaction)
      return .read
    case .data(var transaction) where isRefusal:
      transaction.refuse(reply, at: .data)
      self = .idle(needsReset: true)
      return context.act(.finished(transaction.known))
    case .data(let transaction) where !reply.isPositive:
      context.wait(context.limits.dataBlockTimeout)
      self = .content(transaction, DotStuffer())
      return .sendContent
    case .endOfContent(let transaction) where reply.isPositive:
      self = .idle(needsReset: false)
      return context.act(.finished(transaction.outcomes(otherwise: .accepted(reply))))
    case .endOfContent(var transaction) where isRefusal:
      transaction.refuse(reply, at: .endOfContent)
      self = .idle(needsReset: false)
      return context.act(.finished(transaction.known))
    case let other:
      self = other
      return fail(isRefusal ? .refused(reply) : .unexpected(reply), &context)
    }
  }

  private static func awaitRecipient(
    _ transaction: ClientSession.Transaction, index: Int, _ context: inout ClientSession.Context,
    _ output: inout [UInt8]
  ) -> ClientSession.State {
    if !context.capabilities.pipelining { output.appendCommand("RCPT TO:<\(transaction.recipients[index].path)>") }
    context.wait(context.limits.recipientTimeout)
    return .recipient(transaction, index: index)
  }

  mutating func writeContent(
    _ chunk: Span<UInt8>, _ context: inout ClientSession.Context, _ output: inout [UInt8]
  ) -> ClientAction {
    switch consume self {
    case .content(let transaction, var stuffer):
      let isSendable = stuffer.append(chunk, to: &output)
      context.wait(context.limits.dataBlockTimeout)
      self = .content(transaction, stuffer)
      return isSendable ? .read : fail(.unsendableContent, &context)
    case .closed:
      self = .closed
      return .close
    case let other:
      self = other
      assertionFailure("content comes after 354")
      return .read
    }
  }

  mutating func finishContent(_ context: inout ClientSession.Context, _ output: inout [UInt8]) -> ClientAction {
    switch consume self {
    case .content(let transaction, var stuffer):
      guard stuffer.finish(into: &output) else {
        self = .content(transaction, stuffer)
        return fail(.unsendableContent, &context)
      }
      context.wait(context.limits.endOfContentTimeout)
      self = .endOfContent(transaction)
      return .read
    case .closed:
      self = .closed
      return .close
    case let other:
      self = other
      assertionFailure("content ends after 354")
      return .read
    }
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

extension ClientSession.Transaction {
  /// MAIL and, where the server takes them together, all RCPT. The caller puts the state in place: optimised code copies
  /// a state that comes out of a function with a loop, which traps.
  fileprivate func sendEnvelope(_ context: inout ClientSession.Context, _ output: inout [UInt8]) {
    output.appendCommand(request.mailCommand(context.capabilities))
    if context.capabilities.pipelining {
      for recipient in recipients { output.appendCommand("RCPT TO:<\(recipient.path)>") }
    }
    context.wait(context.limits.senderTimeout)
  }
}

extension ClientTransaction {
  /// What can be said without asking the server; `nil` where it must be asked.
  fileprivate func outcomesInAdvance(_ context: ClientSession.Context) -> [ClientOutcome]? {
    if envelope.recipients.isEmpty { return [] }
    guard envelope.parameters.bodyType == .eightBitMIME, !context.capabilities.eightBitMIME else { return nil }
    let outcome: ClientOutcome =
      if let refusal = context.extendedHelloRefusal {
        .refused(refusal, at: .hello)
      } else {
        .unsuitable(
          EnhancedStatusCode(trusted: .permanentFailure, 6, 3),
          "The message holds 8-bit content, and the next host does not offer 8BITMIME")
      }
    return envelope.recipients.map { _ in outcome }
  }

  fileprivate func mailCommand(_ capabilities: ClientCapabilities) -> String {
    var command = "MAIL FROM:<\(envelope.reversePath)>"
    if let size, capabilities.size { command += " SIZE=\(max(0, size))" }
    if envelope.parameters.bodyType == .eightBitMIME { command += " BODY=8BITMIME" }
    return command
  }
}
