import MailModel

// Replies that count: what a client does that leads nowhere is answered, and bounded (see ``Limits``).
extension ServerSession.State {
  /// Says `reply`, which counts as an error.
  static func fail(
    _ reply: SMTPReply, _ stage: Stage, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    reply.encode(into: &replies)
    return afterError(then: stage, &context, &replies)
  }

  /// A refusal of a sender, a recipient or a message, by the policy or for its content. A 421 ends the session, and a 5xx
  /// is forgiven: whoever carries other people's mail on one connection cannot answer for all of it.
  static func refuse(
    _ reply: SMTPReply, then stage: Stage, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    guard reply.code != 421 else { return end(reply, stage, &replies) }
    guard !reply.isPermanent else { return forgive(reply, stage, &context, &replies) }
    reply.encode(into: &replies)
    return Transition(.command(stage))
  }

  /// Counts an error whose reply was said.
  static func afterError(
    then stage: Stage, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    context.budgets.errors += 1
    guard context.budgets.errors >= context.limits.errors else { return Transition(.command(stage)) }
    return end(.tooManyErrors, stage, &replies)
  }

  /// Behind what a lawful client may do many times, which is an error only once its budget is spent.
  static func afterLawful(
    isBudgetSpent: Bool, then stage: Stage, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    isBudgetSpent ? afterError(then: stage, &context, &replies) : Transition(.command(stage))
  }

  /// Says `reply` to what may be no error of the client's (``ServerSession/Budgets/forgiven``). A client that has still to
  /// say who it is may send nothing that could be refused without its fault.
  static func forgive(
    _ reply: SMTPReply, _ stage: Stage, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    reply.encode(into: &replies)
    guard context.isAuthorized else { return afterError(then: stage, &context, &replies) }
    context.budgets.forgiven += 1
    let isBudgetSpent = context.budgets.forgiven >= context.limits.forgivenCommands
    return afterLawful(isBudgetSpent: isBudgetSpent, then: stage, &context, &replies)
  }

  /// Behind the reply to a command that is lawful and leads nowhere.
  static func afterUseless(
    then stage: Stage, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    context.budgets.uselessCommands += 1
    let isBudgetSpent = context.budgets.uselessCommands >= context.limits.uselessCommands
    return afterLawful(isBudgetSpent: isBudgetSpent, then: stage, &context, &replies)
  }

  /// Says the last word.
  static func end(_ reply: SMTPReply, _ stage: Stage, _ replies: inout [UInt8]) -> Transition {
    reply.encode(into: &replies)
    return Transition(.closing, stage.abandonment)
  }
}
