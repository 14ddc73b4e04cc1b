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
  private var talk: SessionTalk<Policy.Session>?

  /// A dialogue about a new connection.
  ///
  /// - Parameter tls: what protects the connection already.
  public init(policy: Policy, connection: ConnectionFacts, tls: TLSFacts? = nil) {
    (self.policy, self.connection, self.tls) = (policy, connection, tls)
  }

  deinit { talk?.abandonMessage() }

  /// The policy's answer to a question of the session.
  public func answer(_ question: SessionQuestion) async -> SessionAnswer {
    guard let talk else { return question == .connection ? await connect() : .outOfTurn(question) }
    switch question {
    case .connection: return await connect()
    case .authentication(let mechanism, let response): return await talk.authenticate(mechanism, response)
    case .authenticationResponse(let response): return await talk.step(response)
    case .sender(let sender): return await talk.sender(sender)
    case .recipient(let recipient): return await talk.recipient(recipient)
    case .message(let message): return await talk.beginMessage(message)
    case .endOfMessage: return await talk.endMessage()
    }
  }

  /// Octets of the message, for its sink.
  ///
  /// - Returns: `false` where the sink is full: show the session no more input until ``drained()`` returns.
  public func write(_ octets: Span<UInt8>) -> Bool { talk?.message?.write(octets) ?? true }

  /// Returns when the sink has room again.
  public func drained() async { await talk?.message?.drained() }

  /// ``SessionAction/abandonExchange``.
  public func abandonExchange() { talk?.exchange = nil }

  /// ``SessionAction/abandonMessage``, or the connection has ended.
  public func abandonMessage() { talk?.abandonMessage() }

  /// TLS stands after STARTTLS: the mechanisms to offer from now on.
  public func tlsStarted(_ tls: TLSFacts) -> [String] {
    self.tls = tls
    abandonExchange()
    return talk?.session.mechanisms(tls) ?? []
  }

  @inline(never)
  private func connect() async -> SessionAnswer {
    switch await policy.connect(connection) {
    case .accept(let session):
      talk = SessionTalk(session)
      return .connected(mechanisms: tls.map(session.mechanisms) ?? [], extensions: session.extensions)
    case .refuse(let reply): return .refuse(reply)
    }
  }
}

extension SMTPReply {
  /// A question that no session of ours asks at this point.
  static let outOfTurn = SMTPReply(451, (.persistentTransientFailure, 3, 0), "Internal error; try again later")
}

extension SessionAnswer {
  static func outOfTurn(_ question: SessionQuestion) -> SessionAnswer {
    switch question {
    case .connection, .sender, .recipient, .message: .refuse(.outOfTurn)
    case .authentication, .authenticationResponse: .authentication(.failure(.outOfTurn))
    case .endOfMessage: .finished(.outOfTurn)
    }
  }
}
