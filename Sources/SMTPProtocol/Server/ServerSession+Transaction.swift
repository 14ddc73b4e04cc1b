import MailModel

// MAIL, RCPT and DATA.
extension ServerSession.State {
  typealias Transaction = ServerSession.Transaction

  static func mail(
    _ path: consuming ReversePath, _ parameters: consuming MailParameters, _ stage: Stage, _ context: inout Context,
    _ replies: inout [UInt8]
  ) -> Transition {
    guard stage.isNone else { return fail(.nestedMail, stage, &context, &replies) }
    context.isTransactionRefused = true  // until it is accepted
    context.budgets.transactions += 1
    guard context.budgets.transactions <= context.limits.messages else {
      return end(.tooManyMessages, stage, &replies)
    }
    guard context.hasHello else { return fail(.needsHello, stage, &context, &replies) }
    guard context.isAuthorized else { return fail(.needsAuthentication, stage, &context, &replies) }
    if let refusal = context.refusal(of: parameters) { return fail(refusal, stage, &context, &replies) }
    guard (parameters.size ?? 0) <= context.limits.messageSize else {
      return forgive(.tooLarge(limit: context.limits.messageSize), stage, &context, &replies)
    }
    let sender = SenderRequest(
      reversePath: path, parameters: parameters.message, declaredSize: parameters.size)
    context.transaction = Transaction(sender: sender)
    return ask(.sender(sender), .sender, &context)
  }

  static func afterSender(_ context: inout Context, _ replies: inout [UInt8]) -> Transition {
    context.isTransactionRefused = false
    context.budgets.fruitlessTransactions += 1
    FrequentReply.senderOk.encode(into: &replies)
    let isBudgetSpent = context.budgets.fruitlessTransactions >= context.limits.fruitlessTransactions
    return afterLawful(isBudgetSpent: isBudgetSpent, then: .envelope, &context, &replies)
  }

  static func recipient(
    _ argument: consuming RecipientArgument, _ stage: Stage, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    switch stage {
    case .none: return withoutMail(&context, &replies)
    case .chunks: return fail(.contentHasBegun, .chunks, &context, &replies)
    case .envelope:
      if let refusal = context.refusal(of: argument) {
        return refuseRecipient(refusal, .envelope, &context, &replies)
      }
      guard context.transaction.recipients.count < context.limits.recipients else {
        return forgiveRecipient(.tooManyRecipients, &context, &replies)
      }
      let recipient = Recipient(argument.path, parameters: argument.parameters)
      context.transaction.recipients.append(recipient)
      return ask(.recipient(recipient), .recipient, &context)
    }
  }

  /// The policy has decided on the transaction's last recipient.
  static func afterRecipient(
    refusal: SMTPReply?, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    if let refusal {
      context.transaction.recipients.removeLast()
      return forgiveRecipient(refusal, &context, &replies)
    }
    FrequentReply.recipientOk.encode(into: &replies)
    return Transition(.command(.envelope))
  }

  /// A RCPT that cannot be taken as it is written: within a transaction a refused recipient like any other.
  static func refuseRecipient(
    _ reply: SMTPReply, _ stage: Stage, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    stage == .envelope
      ? forgiveRecipient(reply, &context, &replies) : fail(reply, stage, &context, &replies)
  }

  /// A recipient over the limit, one that cannot be read, or one that the policy refuses.
  static func forgiveRecipient(
    _ reply: SMTPReply, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    guard reply.code != 421 else { return end(reply, .envelope, &replies) }
    context.transaction.hasRefusedRecipient = true
    return forgive(reply, .envelope, &context, &replies)
  }

  /// RCPT or DATA behind a transaction that was refused, or without any.
  private static func withoutMail(_ context: inout Context, _ replies: inout [UInt8]) -> Transition {
    context.isTransactionRefused
      ? forgive(.needsMail, .none, &context, &replies) : fail(.needsMail, .none, &context, &replies)
  }

  static func data(_ stage: Stage, _ context: inout Context, _ replies: inout [UInt8]) -> Transition {
    switch stage {
    case .none: return withoutMail(&context, &replies)
    case .chunks: return fail(.contentHasBegun, .chunks, &context, &replies)
    case .envelope:
      guard !context.transaction.recipients.isEmpty else {
        return context.transaction.hasRefusedRecipient
          ? forgive(.needsRecipient, .envelope, &context, &replies)
          : fail(.needsRecipient, .envelope, &context, &replies)
      }
      return ask(.message(context.takeRequest()), .message, &context)
    }
  }
}

extension ServerSession.Context {
  /// Why MAIL cannot be taken as it is written: its parameters are those of extensions that this session does not offer.
  fileprivate func refusal(of parameters: MailParameters) -> SMTPReply? {
    if !parameters.isEmpty, let refusal = refusalOfParameters(of: parameters.used) { return refusal }
    guard !parameters.hasSubmitter || offersAuthentication else { return .unknownParameter }
    return !parameters.needsSMTPUTF8 || parameters.message.isInternationalized ? nil : .needsSMTPUTF8
  }

  /// Why RCPT cannot be taken as it is written.
  fileprivate func refusal(of argument: RecipientArgument) -> SMTPReply? {
    if argument.hasParameters, let refusal = refusalOfParameters(of: argument.used) { return refusal }
    let isInternationalized = transaction.sender.parameters.isInternationalized
    return argument.needsSMTPUTF8 && !isInternationalized ? .needsSMTPUTF8 : nil
  }

  /// HELO offers no extension (RFC 5321 §4.1.1.1), EHLO those of its reply.
  private func refusalOfParameters(of used: MailExtensions) -> SMTPReply? {
    guard let hello else { return .parametersNeedHello }
    return hello.isExtended && used.isSubset(of: extensions) ? nil : .unknownParameter
  }

  /// What the policy is told of a message whose content is about to come. The transaction is the policy's from here on.
  mutating func takeRequest() -> MessageRequest {
    var transaction = ServerSession.Transaction()
    swap(&transaction, &self.transaction)
    let sender = transaction.sender
    let envelope = Envelope(
      reversePath: sender.reversePath, recipients: transaction.recipients, parameters: sender.parameters)
    return MessageRequest(
      envelope: envelope, declaredSize: sender.declaredSize, clientName: hello?.name, identity: identity, tls: tls,
      protocolKeyword: protocolKeyword(isInternationalized: sender.parameters.isInternationalized))
  }
}
