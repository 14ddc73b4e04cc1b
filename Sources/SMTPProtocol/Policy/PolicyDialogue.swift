import MailModel

/// Puts a ``ServerSession``'s questions to a ``SubmissionPolicy``, and keeps what belongs to one connection: the policy's
/// session, the exchange under way, the sink of the message that is coming.
///
/// Whoever drives a session needs one for each connection, and calls it from one place at a time. Exactly one of
/// `finish` and `abort` reaches every sink, whatever happens to the connection.
public final class PolicyDialogue<Policy: SubmissionPolicy> {
  private let policy: Policy
  private let connection: ConnectionFacts
  private var tls: TLSFacts?
  private var session: Policy.Session?
  private var exchange: Policy.Session.Exchange?
  private var sink: Policy.Session.Sink?

  /// A dialogue about a new connection.
  ///
  /// - Parameter tls: what protects the connection already.
  public init(policy: Policy, connection: ConnectionFacts, tls: TLSFacts? = nil) {
    (self.policy, self.connection, self.tls) = (policy, connection, tls)
  }

  deinit { sink?.abort() }

  /// The policy's answer to a question of the session.
  public func answer(_ question: SessionQuestion) async -> SessionAnswer {
    switch question {
    case .connection:
      switch await policy.connect(connection) {
      case .accept(let session):
        self.session = session
        return .connected(mechanisms: tls.map(session.mechanisms) ?? [], extensions: session.extensions)
      case .refuse(let reply): return .refuse(reply)
      }
    case .authentication(let mechanism, let initialResponse):
      exchange = await session?.authenticate(mechanism)
      return await step(initialResponse)
    case .authenticationResponse(let response): return await step(response)
    case .sender(let sender): return await decision(session?.sender(sender))
    case .recipient(let recipient): return await decision(session?.recipient(recipient))
    case .message(let message):
      switch await session?.beginMessage(message) {
      case .accept(let sink):
        self.sink = sink
        return .accept
      case .refuse(let reply): return .refuse(reply)
      case nil: return .refuse(.outOfTurn)
      }
    case .endOfMessage:
      guard let sink else { return .finished(.outOfTurn) }
      self.sink = nil  // its fate is in its own hands from here on
      return .finished(await sink.finish())
    }
  }

  /// Octets of the message, for its sink.
  ///
  /// - Returns: `false` where the sink is full: show the session no more input until ``drained()`` returns.
  public func write(_ octets: Span<UInt8>) -> Bool { sink?.write(octets) ?? true }

  /// Returns when the sink has room again.
  public func drained() async { await sink?.drained() }

  /// ``SessionAction/abandonExchange``.
  public func abandonExchange() { exchange = nil }

  /// ``SessionAction/abandonMessage``, or the connection has ended.
  public func abandonMessage() {
    sink?.abort()
    sink = nil
  }

  /// TLS stands after STARTTLS: the mechanisms to offer from now on.
  public func tlsStarted(_ tls: TLSFacts) -> [String] {
    self.tls = tls
    exchange = nil
    return session?.mechanisms(tls) ?? []
  }

  private func step(_ response: [UInt8]?) async -> SessionAnswer {
    guard let step = await exchange?.step(response) else { return .authentication(.failure(.outOfTurn)) }
    if case .challenge = step { return .authentication(step) }
    exchange = nil
    return .authentication(step)
  }

  private func decision(_ decision: PolicyDecision?) -> SessionAnswer {
    switch decision {
    case .accept: .accept
    case .refuse(let reply): .refuse(reply)
    case nil: .refuse(.outOfTurn)
    }
  }
}

extension SMTPReply {
  /// A question that no session of ours asks at this point.
  static let outOfTurn = SMTPReply(451, (.persistentTransientFailure, 3, 0), "Internal error; try again later")
}
