import MailModel

/// From the connection to the first transaction: greeting, EHLO, TLS, AUTH.
extension ClientSession.State {
  mutating func start(_ context: inout ClientSession.Context) -> ClientAction {
    switch consume self {
    case .initial where context.configuration.security == .implicit:
      context.wait(context.limits.handshakeTimeout)
      self = .handshake
      return .startTLS
    case .initial:
      context.wait(context.limits.greetingTimeout)
      self = .greeting
      return .read
    case let other:
      self = other
      assertionFailure("a session starts once")
      return .read
    }
  }

  mutating func tlsStarted(_ context: inout ClientSession.Context, _ output: inout [UInt8]) -> ClientAction {
    switch consume self {
    case .handshake where context.configuration.security == .implicit:
      context.isSecured = true
      context.wait(context.limits.greetingTimeout)
      self = .greeting
      return .read
    case .handshake:
      context.isSecured = true
      context.capabilities = ClientCapabilities()
      self = .sayHello(isExtended: true, &context, &output)
      return .read
    case .closed:
      self = .closed
      return .close
    case let other:
      self = other
      assertionFailure("TLS started unasked")
      return .read
    }
  }

  /// A reply to one of this part's commands.
  mutating func takeOpening(
    _ reply: SMTPReply, _ context: inout ClientSession.Context, _ output: inout [UInt8]
  ) -> ClientAction {
    switch consume self {
    case .greeting where reply.isPositive:
      self = .sayHello(isExtended: true, &context, &output)
      return .read
    case .hello(let isExtended) where reply.isPositive:
      context.capabilities = isExtended ? ClientCapabilities(reply) : ClientCapabilities()
      self = .hello(isExtended: isExtended)
      return secure(&context, &output)
    case .hello(isExtended: true) where reply.saysUnknownCommand && !context.needsExtensions:
      context.extendedHelloRefusal = reply
      self = .sayHello(isExtended: false, &context, &output)
      return .read
    case .startTLS where reply.isPositive:
      context.wait(context.limits.handshakeTimeout)
      self = .handshake
      return .startTLS
    case .startTLS where reply.code >= 400 && context.configuration.security == .opportunistic:
      self = .startTLS
      context.downgrade = ClientFailure(.refused(reply), at: .startTLS)
      return authenticate(&context, &output)
    case .authentication where reply.isPositive:
      context.isAuthenticated = true
      self = .idle(needsReset: false)
      return context.act(.ready)
    case .authentication(var exchange) where reply.code < 400:
      let response = exchange.responses.popFirst()
      self = .authentication(exchange)
      guard let response else { return fail(.protocolError("AUTH asks for more than its mechanism has"), &context) }
      output.append(contentsOf: response + [.carriageReturn, .lineFeed])
      context.wait(context.limits.helloTimeout)
      return .read
    case let other:
      self = other
      return fail(reply.code >= 400 ? .refused(reply) : .unexpected(reply), &context)
    }
  }

  private static func sayHello(
    isExtended: Bool, _ context: inout ClientSession.Context, _ output: inout [UInt8]
  ) -> ClientSession.State {
    output.appendHello(isExtended: isExtended, context.configuration.helloName)
    context.wait(context.limits.helloTimeout)
    return .hello(isExtended: isExtended)
  }

  /// After EHLO: TLS, where it is wanted and does not stand yet.
  private mutating func secure(_ context: inout ClientSession.Context, _ output: inout [UInt8]) -> ClientAction {
    let isWanted: Bool =
      switch context.configuration.security {
      case .required: !context.isSecured
      case .opportunistic: !context.isSecured && context.capabilities.startTLS
      case .none, .implicit: false
      }
    guard isWanted else { return authenticate(&context, &output) }
    self = .startTLS
    guard context.capabilities.startTLS else { return fail(.tlsNotOffered, &context) }
    output.appendCommand("STARTTLS")
    context.wait(context.limits.helloTimeout)
    return .read
  }

  /// After TLS: AUTH, where there are credentials.
  private mutating func authenticate(_ context: inout ClientSession.Context, _ output: inout [UInt8]) -> ClientAction {
    guard let credentials = context.configuration.credentials else {
      self = .idle(needsReset: false)
      return context.act(.ready)
    }
    let exchange = ClientAuthentication(credentials, offered: context.capabilities.mechanisms)
    self = .authentication(exchange ?? .impossible)
    guard context.keepsSecrets || context.configuration.allowsAuthenticationWithoutTLS else {
      return fail(.authenticationWithoutTLS, &context)
    }
    guard let exchange else { return fail(.authenticationNotOffered, &context) }
    output.append(contentsOf: exchange.command + [.carriageReturn, .lineFeed])
    context.wait(context.limits.helloTimeout)
    return .read
  }
}

extension SMTPReply {
  /// Whether a server that answers EHLO so may be one from before EHLO, to be greeted with HELO (RFC 5321 §3.2). Any
  /// other 5xx means us, or what it cannot do at present.
  fileprivate var saysUnknownCommand: Bool { [500, 502, 504].contains(code) }
}

extension ClientSession.Context {
  /// Whether nobody but the server hears what we say. Opportunistic TLS stands with any certificate (RFC 7435 §3).
  fileprivate var keepsSecrets: Bool { isSecured && configuration.security != .opportunistic }

  /// Whether a server that knows no EHLO is of no use.
  fileprivate var needsExtensions: Bool {
    configuration.credentials != nil || (configuration.security == .required && !isSecured)
  }
}
