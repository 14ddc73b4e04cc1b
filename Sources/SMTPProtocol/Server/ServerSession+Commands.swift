import MailModel

// Command lines, within a transaction or not.
extension ServerSession.State {
  typealias Transaction = ServerSession.Transaction
  typealias Transition = ServerSession.Transition

  /// Gives `nil` where the session can go on with the rest of the input.
  static func receiveCommand(
    _ input: Span<UInt8>, _ offset: inout Int, _ transaction: Transaction?, _ context: inout Context,
    _ now: MonotonicInstant, _ replies: inout [UInt8]
  ) -> ServerSession.Transition {
    if context.isShuttingDown, transaction == nil {
      SMTPReply.shuttingDown.encode(into: &replies)
      return Transition(.closing, .close)
    }
    let isAuthentication = input.extracting(offset...).startsIgnoringCase("auth ")
    let limit = isAuthentication ? context.limits.authenticationLine : context.limits.commandLine
    switch CommandLine.next(in: input, from: offset, scanned: &context.scanned, limit: limit) {
    case .incomplete:
      return Transition(.command(transaction), .read)
    case .bareLineFeed:
      return endForBareLineFeed(input, &offset, &replies)
    case .tooLong:
      offset += context.scanned
      context.scanned = 0
      var discarder = LineDiscarder()
      discarder.remember(input[offset - 1])
      return Transition(.discardingLine(discarder, transaction))
    case .line(let body, let next):
      offset = next
      context.waitingSince = now
      let command = Command(
        input.extracting(body), acceptsPathWithoutBrackets: context.configuration.acceptsPathWithoutBrackets)
      return perform(command, hasRest: next < input.count, transaction, &context, &replies)
    }
  }

  static func endForBareLineFeed(
    _ input: Span<UInt8>, _ offset: inout Int, _ replies: inout [UInt8]
  ) -> ServerSession.Transition {
    offset = input.count
    SMTPReply.bareLineFeed.encode(into: &replies)
    return Transition(.closing, .close)
  }

  static func discardLine(
    _ input: Span<UInt8>, _ offset: inout Int, _ discarder: LineDiscarder, _ transaction: Transaction?,
    _ context: inout Context, _ now: MonotonicInstant, _ replies: inout [UInt8]
  ) -> ServerSession.Transition {
    var discarder = discarder
    switch discarder.next(input, from: offset, limit: context.limits.discardedLine) {
    case .more:
      offset = input.count
      return Transition(.discardingLine(discarder, transaction), .read)
    case .end(let next):
      offset = next
      context.waitingSince = now
      SMTPReply.lineTooLong.encode(into: &replies)
      return Transition(afterError(then: transaction, &context, &replies))
    case .bareLineFeed:
      return endForBareLineFeed(input, &offset, &replies)
    case .tooMuch:
      offset = input.count
      SMTPReply.lineTooLong.encode(into: &replies)
      SMTPReply.tooManyErrors.encode(into: &replies)
      return Transition(.closing, .close)
    }
  }

  private static func perform(
    _ command: Command, hasRest: Bool, _ transaction: Transaction?, _ context: inout Context,
    _ replies: inout [UInt8]
  ) -> ServerSession.Transition {
    if !context.isSecured, let verb = command.verb, verb.needsTLS {
      return fail(.needsTLS, transaction, &context, &replies)
    }
    switch command {
    case .hello(let name, let isExtended):
      context.hello = ServerSession.Hello(name: name, isExtended: isExtended)
      context.isMailRefused = false
      context.encodeHelloReply(into: &replies)
      return Transition(.command(nil))
    case .startTLS:
      return startTLS(hasRest: hasRest, transaction, &context, &replies)
    case .authenticate(let mechanism, let initialResponse):
      return authenticate(mechanism, initialResponse, transaction, &context, &replies)
    case .mail(let path, let parameters):
      return mail(path, parameters, transaction, &context, &replies)
    case .recipient(let argument):
      return recipient(argument, transaction, &context, &replies)
    case .data:
      return data(transaction, &context, &replies)
    case .chunk: return fail(.notImplemented, transaction, &context, &replies)
    case .reset:
      context.isMailRefused = false
      return say(.ok, nil, &replies)
    case .noop: return say(.ok, transaction, &replies)
    case .help: return say(.help, transaction, &replies)
    case .verify: return say(.cannotVerify, transaction, &replies)
    case .expand: return fail(.notImplemented, transaction, &context, &replies)
    case .malformed(let reply, let verb):
      var transaction = transaction
      if verb == .mail, transaction == nil { context.isMailRefused = true }
      if verb == .recipient { transaction?.hasRefusedRecipient = true }
      return fail(reply, transaction, &context, &replies)
    case .unknown, .foreign: return fail(.unknownCommand, transaction, &context, &replies)
    case .quit:
      SMTPReply.goodbye.encode(into: &replies)
      return Transition(.closing, .close)
    }
  }

  private static func mail(
    _ path: ReversePath, _ parameters: MailParameters, _ transaction: Transaction?, _ context: inout Context,
    _ replies: inout [UInt8]
  ) -> ServerSession.Transition {
    guard transaction == nil else { return fail(.nestedMail, transaction, &context, &replies) }
    context.isMailRefused = true  // until it is accepted
    guard context.hasHello else { return fail(.needsHello, nil, &context, &replies) }
    guard context.identity != nil || !context.configuration.requiresAuthentication else {
      return fail(.needsAuthentication, nil, &context, &replies)
    }
    guard parameters.isEmpty || context.hello != nil else {
      return fail(.parametersNeedHello, nil, &context, &replies)
    }
    guard context.messages < context.limits.messages else {
      SMTPReply.tooManyMessages.encode(into: &replies)
      return Transition(.closing, .close)
    }
    guard (parameters.size ?? 0) <= context.limits.messageSize else {
      return fail(.tooLarge(limit: context.limits.messageSize), nil, &context, &replies)
    }
    guard parameters.used.isSubset(of: .eightBitMIME) else { return fail(.unknownParameter, nil, &context, &replies) }
    guard !parameters.needsSMTPUTF8 else { return fail(.needsSMTPUTF8, nil, &context, &replies) }
    let sender = SenderRequest(
      reversePath: path, parameters: MessageParameters(bodyType: parameters.message.bodyType),
      declaredSize: parameters.size)
    return Transition(.asking(.sender(sender)), .ask(.sender(sender)))
  }

  private static func recipient(
    _ argument: RecipientArgument, _ transaction: Transaction?, _ context: inout Context,
    _ replies: inout [UInt8]
  ) -> ServerSession.Transition {
    guard let transaction else { return Transition(withoutMail(&context, &replies)) }
    guard !argument.hasParameters else {
      let reply = context.hello == nil ? SMTPReply.parametersNeedHello : .unknownParameter
      return fail(reply, transaction, &context, &replies)
    }
    guard !argument.needsSMTPUTF8 else { return fail(.needsSMTPUTF8, transaction, &context, &replies) }
    let path = argument.path
    guard transaction.recipients.count < context.limits.recipients else {
      return Transition(refuseRecipient(.tooManyRecipients, transaction, &context, &replies))
    }
    return Transition(.asking(.recipient(transaction, path)), .ask(.recipient(Recipient(path))))
  }

  /// RCPT or DATA behind a MAIL that was refused, or without any.
  private static func withoutMail(_ context: inout Context, _ replies: inout [UInt8]) -> ServerSession.State {
    SMTPReply.needsMail.encode(into: &replies)
    return context.isMailRefused
      ? afterForgiven(then: nil, &context, &replies) : afterError(then: nil, &context, &replies)
  }

  /// A recipient over the limit, or one that the policy refuses.
  static func refuseRecipient(
    _ reply: SMTPReply, _ transaction: Transaction, _ context: inout Context, _ replies: inout [UInt8]
  ) -> ServerSession.State {
    reply.encode(into: &replies)
    guard reply.code != 421 else { return .closing }
    var transaction = transaction
    transaction.hasRefusedRecipient = true
    return afterForgiven(then: transaction, &context, &replies)
  }

  /// What a lawful client may run into many times counts as an error only from the 1,000th on.
  private static func afterForgiven(
    then transaction: Transaction?, _ context: inout Context, _ replies: inout [UInt8]
  ) -> ServerSession.State {
    context.forgiven += 1
    guard context.forgiven >= 1000 else { return .command(transaction) }
    return afterError(then: transaction, &context, &replies)
  }

  private static func data(
    _ transaction: Transaction?, _ context: inout Context, _ replies: inout [UInt8]
  ) -> ServerSession.Transition {
    guard let transaction else { return Transition(withoutMail(&context, &replies)) }
    guard !transaction.recipients.isEmpty else {
      guard transaction.hasRefusedRecipient else { return fail(.needsRecipient, transaction, &context, &replies) }
      SMTPReply.needsRecipient.encode(into: &replies)
      return Transition(afterForgiven(then: transaction, &context, &replies))
    }
    let sender = transaction.sender
    let envelope = Envelope(
      reversePath: sender.reversePath, recipients: transaction.recipients, parameters: sender.parameters)
    let request = MessageRequest(
      envelope: envelope, declaredSize: sender.declaredSize, clientName: context.hello?.name,
      identity: context.identity, tls: context.tls, protocolKeyword: context.protocolKeyword)
    return Transition(.asking(.message), .ask(.message(request)))
  }

  private static func startTLS(
    hasRest: Bool, _ transaction: Transaction?, _ context: inout Context, _ replies: inout [UInt8]
  ) -> ServerSession.Transition {
    guard context.tls == nil else { return fail(.alreadySecured, transaction, &context, &replies) }
    guard context.configuration.security == .startTLSRequired else {
      return fail(.noStartTLS, transaction, &context, &replies)
    }
    guard context.hello != nil else { return fail(.needsHello, transaction, &context, &replies) }
    guard !hasRest else {  // somebody on the way may have put it there (RFC 3207 §6, CVE-2011-0411)
      SMTPReply.dataBehindStartTLS.encode(into: &replies)
      return Transition(.closing, .close)
    }
    SMTPReply.readyForTLS.encode(into: &replies)
    return Transition(.startingTLS, .startTLS)
  }

  private static func say(_ reply: SMTPReply, _ transaction: Transaction?, _ replies: inout [UInt8])
    -> ServerSession.Transition
  {
    reply.encode(into: &replies)
    return Transition(.command(transaction))
  }

  /// Says `reply`, which counts as an error.
  static func fail(
    _ reply: SMTPReply, _ transaction: Transaction?, _ context: inout Context, _ replies: inout [UInt8]
  ) -> ServerSession.Transition {
    reply.encode(into: &replies)
    return Transition(afterError(then: transaction, &context, &replies))
  }
}

extension ServerSession.Context {
  func encodeHelloReply(into replies: inout [UInt8]) {
    guard hello?.isExtended == true else {
      replies.append(contentsOf: "250 \(configuration.hostName)\r\n".utf8)
      return
    }
    var lines = ["\(configuration.hostName)", "PIPELINING", "SIZE \(limits.messageSize)", "8BITMIME"]
    if configuration.security == .startTLSRequired, tls == nil { lines.append("STARTTLS") }
    if tls != nil, !mechanisms.isEmpty { lines.append("AUTH \(mechanisms.joined(separator: " "))") }
    lines.append("ENHANCEDSTATUSCODES")
    SMTPReply(250, nil, lines: lines).encode(into: &replies)
  }
}

extension Command.Verb {
  /// RFC 3207 §4: what does without TLS.
  var needsTLS: Bool {
    switch self {
    case .hello, .startTLS, .noop, .reset, .help, .quit: false
    case .authenticate, .mail, .recipient, .data, .chunk, .verify, .expand: true
    }
  }
}
