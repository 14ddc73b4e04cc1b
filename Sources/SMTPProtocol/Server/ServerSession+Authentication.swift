import MailModel

// AUTH (RFC 4954): the session knows base 64, order and limits, and no mechanism.
extension ServerSession.State {
  static func authenticate(
    _ mechanism: String, _ initialResponse: Command.InitialResponse?, _ transaction: Transaction?,
    _ context: inout Context, _ replies: inout [UInt8]
  ) -> ServerSession.Transition {
    guard context.hasHello else { return fail(.needsHello, transaction, &context, &replies) }
    guard context.identity == nil else { return fail(.alreadyAuthenticated, transaction, &context, &replies) }
    guard transaction == nil else {
      return fail(.unauthenticatedInTransaction, transaction, &context, &replies)
    }
    guard context.tls != nil, !context.mechanisms.isEmpty else {
      return fail(.noAuthentication, nil, &context, &replies)
    }
    guard context.mechanisms.contains(mechanism) else { return fail(.unknownMechanism, nil, &context, &replies) }
    let octets: [UInt8]?
    switch initialResponse {
    case .notBase64: return fail(.notBase64, nil, &context, &replies)
    case .octets(let response): octets = response
    case nil: octets = nil
    }
    return Transition(.asking(.authentication), .ask(.authentication(mechanism: mechanism, initialResponse: octets)))
  }

  /// The client's answer to a challenge: one line of base 64, or `*`.
  static func receiveAuthentication(
    _ input: Span<UInt8>, _ offset: inout Int, _ context: inout Context, _ now: MonotonicInstant,
    _ replies: inout [UInt8]
  ) -> ServerSession.Transition {
    let limit = context.limits.authenticationLine
    switch CommandLine.next(in: input, from: offset, scanned: &context.scanned, limit: limit) {
    case .incomplete:
      return Transition(.authenticating, .read)
    case .bareLineFeed:
      return endForBareLineFeed(input, &offset, &replies)
    case .tooLong:
      offset += context.scanned
      context.scanned = 0
      var discarder = LineDiscarder()
      discarder.remember(input[offset - 1])
      return Transition(.discardingLine(discarder, nil), .abandonExchange)
    case .line(let body, let next):
      offset = next
      context.waitingSince = now
      let line = input.extracting(body)
      if line.count == 1, line[0] == UInt8(ascii: "*") {
        SMTPReply.authenticationCancelled.encode(into: &replies)
        return Transition(afterError(then: nil, &context, &replies), .abandonExchange)
      }
      guard let response = Base64.decode(line) else {
        SMTPReply.notBase64.encode(into: &replies)
        return Transition(afterError(then: nil, &context, &replies), .abandonExchange)
      }
      return Transition(.asking(.authentication), .ask(.authenticationResponse(response)))
    }
  }

  static func afterExchange(
    _ step: AuthenticationStep, _ context: inout Context, _ replies: inout [UInt8]
  ) -> ServerSession.State {
    switch step {
    case .challenge(let octets):
      replies.append(contentsOf: "334 ".utf8)
      Base64.encode(octets.span, into: &replies)
      replies.append(contentsOf: "\r\n".utf8)
      return .authenticating
    case .success(let identity):
      context.identity = identity
      SMTPReply.authenticated.encode(into: &replies)
      return .command(nil)
    case .failure(let reply):
      reply.encode(into: &replies)
      guard reply.code != 421 else { return .closing }
      guard reply.isPermanent else { return .command(nil) }
      context.authenticationFailures += 1
      guard context.authenticationFailures >= context.limits.authenticationFailures else { return .command(nil) }
      SMTPReply.tooManyFailures.encode(into: &replies)
      return .closing
    }
  }
}
