import MailModel

// AUTH (RFC 4954): the session knows base 64, order and limits, and no mechanism.
extension ServerSession.State {
  static func authenticate(
    _ mechanism: String, _ initialResponse: Command.InitialResponse?, _ stage: Stage,
    _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    guard context.hasHello else { return fail(.needsHello, stage, &context, &replies) }
    guard context.identity == nil else { return fail(.alreadyAuthenticated, stage, &context, &replies) }
    guard stage.isNone else { return fail(.unauthenticatedInTransaction, stage, &context, &replies) }
    guard context.offersAuthentication else { return fail(.noAuthentication, .none, &context, &replies) }
    guard context.mechanisms.contains(mechanism) else { return fail(.unknownMechanism, .none, &context, &replies) }
    let octets: [UInt8]?
    switch initialResponse {
    case .notBase64: return fail(.notBase64, .none, &context, &replies)
    case .octets(let response): octets = response
    case nil: octets = nil
    }
    return ask(.authentication(mechanism: mechanism, initialResponse: octets), .authentication, &context)
  }

  /// The client's answer to a challenge: one line of base 64, or `*`.
  static func receiveAuthentication(
    _ input: Span<UInt8>, _ offset: inout Int, _ context: inout Context, _ now: MonotonicInstant,
    _ replies: inout [UInt8]
  ) -> Transition {
    let limit = context.limits.authenticationLine
    switch CommandLine.next(in: input, from: offset, scanned: &context.scanned, limit: limit) {
    case .incomplete:
      return Transition(.authenticating, .read)
    case .bareLineFeed:
      offset = input.count
      return end(.bareLineFeed, .none, &replies)
    case .tooLong:
      let line = ServerSession.LongLine(
        discarder: discarder(input, &offset, &context), stage: .none, isAuthentication: true)
      return Transition(.discardingLine(line), .abandonExchange)
    case .line(let body, let next):
      offset = next
      context.waitingSince = now
      let line = input.extracting(body)
      if line.count == 1, line[0] == UInt8(ascii: "*") {
        return abandonExchange(.authenticationCancelled, &context, &replies)
      }
      guard let response = Base64.decode(line) else { return abandonExchange(.notBase64, &context, &replies) }
      return ask(.authenticationResponse(response), .authentication, &context)
    }
  }

  private static func abandonExchange(
    _ reply: SMTPReply, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    var transition = fail(reply, .none, &context, &replies)
    transition.action = .abandonExchange
    return transition
  }

  static func afterExchange(
    _ step: AuthenticationStep, _ context: inout Context, _ replies: inout [UInt8]
  ) -> Transition {
    switch step {
    case .challenge(let octets):
      replies.append(contentsOf: "334 ".utf8)
      Base64.encode(octets.span, into: &replies)
      replies.append(contentsOf: "\r\n".utf8)
      return Transition(.authenticating)
    case .success(let identity):
      context.identity = identity
      SMTPReply.authenticated.encode(into: &replies)
      return Transition(.command(.none))
    case .failure(let reply):
      guard reply.code != 421 else { return end(reply, .none, &replies) }
      reply.encode(into: &replies)
      guard reply.isPermanent else { return afterUseless(then: .none, &context, &replies) }
      context.budgets.authenticationFailures += 1
      guard context.budgets.authenticationFailures >= context.limits.authenticationFailures else {
        return Transition(.command(.none))
      }
      return end(.tooManyFailures, .none, &replies)
    }
  }
}
