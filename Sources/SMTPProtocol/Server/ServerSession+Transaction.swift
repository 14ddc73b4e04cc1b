import MailModel

// MAIL, RCPT and DATA.
extension ServerSession.State {
  typealias Transaction = ServerSession.Transaction

  static func mail(
    _ path: ReversePath, _ parameters: MailParameters, _ stage: consuming Stage, _ context: inout Context,
    _ replies: inout [UInt8]
  ) -> Transition {
    guard stage.isNone else { return fail(.nestedMail, stage, &context, &replies) }
    context.isTransactionRefused = true  // until it is accepted
    context.budgets.transactions += 1
    guard context.budgets.transactions <= context.limits.messages else {
      return end(.tooManyMessages, stage, &replies)
    }
    guard context.hasHello else { return fail(.needsHello, stage, &context, &replies) }
    guard context.identity != nil || !context.configuration.requiresAuthentication else {
      return fail(.needsAuthentication, stage, &context, &replies)
    }
    if let refusal = context.refusal(of: parameters) { return fail(refusal, stage, &context, &replies) }
    let sender = SenderRequest(
      reversePath: path, parameters: parameters.message, declaredSize: parameters.size)
    return Transition(.asking(.sender(sender)), .ask(.sender(sender)))
  }

  static func afterSender(
    _ sender: SenderRequest, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    context.isTransactionRefused = false
    context.budgets.fruitlessTransactions += 1
    SMTPReply.senderOk.encode(into: &replies)
    let isBudgetSpent = context.budgets.fruitlessTransactions >= context.limits.fruitlessTransactions
    let transaction = Transaction(sender: sender)
    return afterLawful(isBudgetSpent: isBudgetSpent, then: .envelope(transaction), &context, &replies)
  }

  static func recipient(
    _ argument: RecipientArgument, _ stage: consuming Stage, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    switch consume stage {
    case .none: return withoutMail(&context, &replies)
    case .chunks(let chunks): return fail(.contentHasBegun, .chunks(chunks), &context, &replies)
    case .envelope(let transaction):
      if let refusal = context.refusal(of: argument, transaction) {
        return refuseRecipient(refusal, .envelope(transaction), &context, &replies)
      }
      guard transaction.recipients.count < context.limits.recipients else {
        return forgiveRecipient(.tooManyRecipients, transaction, &context, &replies)
      }
      let recipient = Recipient(argument.path, parameters: argument.parameters)
      return Transition(.asking(.recipient(transaction, recipient)), .ask(.recipient(recipient)))
    }
  }

  static func afterRecipient(
    _ recipient: Recipient, _ transaction: consuming Transaction, _ replies: inout [UInt8]
  ) -> Transition {
    transaction.recipients.append(recipient)
    SMTPReply.recipientOk.encode(into: &replies)
    return Transition(.command(.envelope(transaction)))
  }

  /// A RCPT that cannot be taken as it is written.
  static func refuseRecipient(
    _ reply: SMTPReply, _ stage: consuming Stage, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    switch consume stage {
    case .envelope(var transaction):
      transaction.hasRefusedRecipient = true
      return fail(reply, .envelope(transaction), &context, &replies)
    case let other:
      return fail(reply, other, &context, &replies)
    }
  }

  /// A recipient over the limit, or one that the policy refuses.
  static func forgiveRecipient(
    _ reply: SMTPReply, _ transaction: consuming Transaction, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    guard reply.code != 421 else { return end(reply, .envelope(transaction), &replies) }
    transaction.hasRefusedRecipient = true
    return forgive(reply, .envelope(transaction), &context, &replies)
  }

  /// RCPT or DATA behind a transaction that was refused, or without any.
  private static func withoutMail(_ context: inout Context, _ replies: inout [UInt8]) -> Transition {
    context.isTransactionRefused
      ? forgive(.needsMail, .none, &context, &replies) : fail(.needsMail, .none, &context, &replies)
  }

  static func data(_ stage: consuming Stage, _ context: inout Context, _ replies: inout [UInt8]) -> Transition {
    switch consume stage {
    case .none: return withoutMail(&context, &replies)
    case .chunks(let chunks): return fail(.contentHasBegun, .chunks(chunks), &context, &replies)
    case .envelope(let transaction):
      guard !transaction.recipients.isEmpty else {
        return transaction.hasRefusedRecipient
          ? forgive(.needsRecipient, .envelope(transaction), &context, &replies)
          : fail(.needsRecipient, .envelope(transaction), &context, &replies)
      }
      return Transition(.asking(.message), .ask(.message(context.request(transaction))))
    }
  }
}

extension ServerSession.Context {
  /// Why MAIL cannot be taken as it is written: its parameters are those of extensions that this session does not offer, or
  /// a promise is asked that the limits do not give.
  fileprivate func refusal(of parameters: MailParameters) -> SMTPReply? {
    if !parameters.isEmpty, let refusal = refusalOfParameters(of: parameters.used) { return refusal }
    guard !parameters.hasSubmitter || offersAuthentication else { return .unknownParameter }
    guard !parameters.needsSMTPUTF8 || parameters.message.isInternationalized else { return .needsSMTPUTF8 }
    return (parameters.size ?? 0) > limits.messageSize ? .tooLarge(limit: limits.messageSize) : nil
  }

  /// Why RCPT cannot be taken as it is written.
  fileprivate func refusal(
    of argument: RecipientArgument, _ transaction: borrowing ServerSession.Transaction
  ) -> SMTPReply? {
    if argument.hasParameters, let refusal = refusalOfParameters(of: argument.used) { return refusal }
    let isInternationalized = transaction.sender.parameters.isInternationalized
    return argument.needsSMTPUTF8 && !isInternationalized ? .needsSMTPUTF8 : nil
  }

  /// HELO offers no extension (RFC 5321 §4.1.1.1), EHLO those of its reply.
  private func refusalOfParameters(of used: MailExtensions) -> SMTPReply? {
    guard let hello else { return .parametersNeedHello }
    return hello.isExtended && used.isSubset(of: extensions) ? nil : .unknownParameter
  }

  /// What the policy is told of a message whose content is about to come.
  func request(_ transaction: consuming ServerSession.Transaction) -> MessageRequest {
    let sender = transaction.sender
    let envelope = Envelope(
      reversePath: sender.reversePath, recipients: transaction.recipients, parameters: sender.parameters)
    return MessageRequest(
      envelope: envelope, declaredSize: sender.declaredSize, clientName: hello?.name, identity: identity, tls: tls,
      protocolKeyword: protocolKeyword(isInternationalized: sender.parameters.isInternationalized))
  }
}
