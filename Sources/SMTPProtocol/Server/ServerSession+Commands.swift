import MailModel

// Command lines, within a transaction or not.
extension ServerSession.State {
  typealias Stage = ServerSession.Stage
  typealias Transition = ServerSession.Transition

  static func receiveCommand(
    _ input: Span<UInt8>, _ offset: inout Int, _ stage: Stage, _ context: inout Context,
    _ now: MonotonicInstant, _ replies: inout [UInt8]
  ) -> Transition {
    if context.isShuttingDown, stage.isNone {
      SMTPReply.shuttingDown.encode(into: &replies)
      return Transition(.closing, .close)
    }
    guard offset < input.count else { return Transition(.command(stage), .read) }
    let rest = input.extracting(offset...)
    guard !ForeignProtocol.begins(rest) else {
      offset = input.count
      return end(.foreignProtocol, stage, &replies)
    }
    let isAuthentication = rest[0].asciiLowercased == UInt8(ascii: "a") && rest.startsIgnoringCase("auth ")
    let limit = isAuthentication ? context.limits.authenticationLine : context.limits.commandLine
    switch CommandLine.next(in: input, from: offset, scanned: &context.scanned, limit: limit) {
    case .incomplete:
      return Transition(.command(stage), .read)
    case .bareLineFeed:
      offset = input.count
      return end(.bareLineFeed, stage, &replies)
    case .tooLong:
      guard !Command.mayAnnounceChunk(input.extracting(offset..<(offset + context.scanned))) else {
        offset = input.count
        return end(.lineTooLong, stage, &replies)  // as any other BDAT whose length nobody knows
      }
      let line = ServerSession.LongLine(
        discarder: discarder(input, &offset, &context), stage: stage, isAuthentication: isAuthentication)
      return Transition(.discardingLine(line))
    case .line(let body, let next):
      offset = next
      context.waitingSince = now
      let command = Command(
        input.extracting(body), acceptsPathWithoutBrackets: context.configuration.acceptsPathWithoutBrackets)
      return perform(command, hasRest: next < input.count, stage, &context, now, &replies)
    }
  }

  /// Drops what was read of an overlong line.
  static func discarder(_ input: Span<UInt8>, _ offset: inout Int, _ context: inout Context) -> LineDiscarder {
    offset += context.scanned
    context.scanned = 0
    var discarder = LineDiscarder()
    discarder.remember(input[offset - 1])
    return discarder
  }

  static func discardLine(
    _ input: Span<UInt8>, _ offset: inout Int, _ line: ServerSession.LongLine, _ context: inout Context,
    _ now: MonotonicInstant, _ replies: inout [UInt8]
  ) -> Transition {
    var line = line
    switch line.discarder.next(input, from: offset, limit: context.limits.discardedLine) {
    case .more:
      offset = input.count
      return Transition(.discardingLine(line), .read)
    case .end(let next):
      offset = next
      context.waitingSince = now
      return fail(line.reply, line.stage, &context, &replies)
    case .bareLineFeed:
      offset = input.count
      return end(.bareLineFeed, line.stage, &replies)
    case .tooMuch:
      offset = input.count
      line.reply.encode(into: &replies)
      return end(.tooManyErrors, line.stage, &replies)
    }
  }

  private static func perform(
    _ command: consuming Command, hasRest: Bool, _ stage: Stage, _ context: inout Context, _ now: MonotonicInstant,
    _ replies: inout [UInt8]
  ) -> Transition {
    if !context.isSecured, let verb = command.verb, verb.needsTLS {
      return fail(.needsTLS, stage, &context, &replies)
    }
    switch consume command {
    case .mail(let path, let parameters):
      return mail(path, parameters, stage, &context, &replies)
    case .recipient(let argument): return recipient(argument, stage, &context, &replies)
    case .data: return data(stage, &context, &replies)
    case .chunk(let octets, let isLast):
      return chunk(Chunk(octets: octets, isLast: isLast), stage, &context, now, &replies)
    case .hello(let name, let isExtended):
      return hello(ServerSession.Hello(name: name, isExtended: isExtended), stage, &context, &replies)
    case .startTLS: return startTLS(hasRest: hasRest, stage, &context, &replies)
    case .authenticate(let mechanism, let initialResponse):
      return authenticate(mechanism, initialResponse, stage, &context, &replies)
    case .reset: return reset(stage, &context, &replies)
    case .noop:
      FrequentReply.ok.encode(into: &replies)
      return afterUseless(then: stage, &context, &replies)
    case .help:
      context.encodeHelp(into: &replies)
      return afterUseless(then: stage, &context, &replies)
    case .verify:
      SMTPReply.cannotVerify.encode(into: &replies)
      return afterUseless(then: stage, &context, &replies)
    case .expand: return fail(.notImplemented, stage, &context, &replies)
    case .malformed(let reply, let verb): return malformed(reply, verb, stage, &context, &replies)
    case .unknown: return fail(.unknownCommand, stage, &context, &replies)
    case .foreign: return end(.foreignProtocol, stage, &replies)
    case .quit: return end(.goodbye, stage, &replies)
    }
  }

  /// EHLO and HELO also end a transaction (RFC 5321 §4.1.4).
  private static func hello(
    _ hello: ServerSession.Hello, _ stage: Stage, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    let isFirst = context.hello == nil
    context.hello = hello
    context.isTransactionRefused = false
    context.transaction = Transaction()
    context.encodeHelloReply(into: &replies)
    let abandonment = stage.abandonment
    var transition = isFirst ? Transition(.command(.none)) : afterUseless(then: .none, &context, &replies)
    transition.action = abandonment
    return transition
  }

  private static func reset(
    _ stage: Stage, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    context.isTransactionRefused = false
    context.transaction = Transaction()
    context.budgets.resets += 1
    FrequentReply.ok.encode(into: &replies)
    let abandonment = stage.abandonment
    let isBudgetSpent = context.budgets.resets >= context.limits.resets
    var transition = afterLawful(isBudgetSpent: isBudgetSpent, then: .none, &context, &replies)
    transition.action = abandonment
    return transition
  }

  private static func malformed(
    _ reply: SMTPReply, _ verb: Command.Verb, _ stage: Stage, _ context: inout Context,
    _ replies: inout [UInt8]
  ) -> Transition {
    switch verb {
    case .mail:
      if stage.isNone { context.isTransactionRefused = true }
      return fail(reply, stage, &context, &replies)
    case .recipient:
      return refuseRecipient(reply, stage, &context, &replies)
    case .chunk:  // nobody knows where its octets end and the next command begins
      return end(reply, stage, &replies)
    default:
      return fail(reply, stage, &context, &replies)
    }
  }

  private static func startTLS(
    hasRest: Bool, _ stage: Stage, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    guard context.tls == nil else { return fail(.alreadySecured, stage, &context, &replies) }
    guard context.configuration.security == .startTLSRequired else {
      return fail(.noStartTLS, stage, &context, &replies)
    }
    guard context.hello != nil else { return fail(.needsHello, stage, &context, &replies) }
    guard !hasRest else {  // somebody on the way may have put it there (RFC 3207 §6, CVE-2011-0411)
      return end(.dataBehindStartTLS, stage, &replies)
    }
    SMTPReply.readyForTLS.encode(into: &replies)
    return Transition(.startingTLS, .startTLS)
  }
}

extension Command.Verb {
  /// RFC 3207 §4: what does without TLS. BDAT, whose octets follow in any case, sees to it itself.
  var needsTLS: Bool {
    switch self {
    case .hello, .startTLS, .noop, .reset, .help, .quit, .chunk: false
    case .authenticate, .mail, .recipient, .data, .verify, .expand: true
    }
  }
}
