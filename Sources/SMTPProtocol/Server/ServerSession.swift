public import MailModel

/// The server's side of one SMTP connection (RFC 5321, RFC 6409), without I/O, clock or policy: octets and time come in,
/// replies and actions go out.
///
/// Whoever drives it calls ``start(tls:at:)``, then shows input to ``receive(_:at:replies:)`` and does what each step says.
/// A question goes to a ``SubmissionPolicy``, and its answer to ``resume(_:at:replies:)``. Replies gather in a buffer of the
/// driver's, which writes them out when the session wants to read or to close.
///
/// Three kinds of call are wrong. What the peer does wrong gets a reply. A call out of turn is the driver's bug: it asserts,
/// and changes nothing in a release build. What is late but lawful, such as input behind QUIT, is dropped.
public struct ServerSession: ~Copyable {
  private var state = State.unconnected
  private var context: Context

  /// A session that has not begun.
  public init(configuration: ServerConfiguration) { context = Context(configuration) }

  /// The connection is open. Gives the question whether the client may come in.
  ///
  /// - Parameter tls: what protects the connection already, for ``ConnectionSecurity/implicitTLS`` alone.
  public mutating func start(tls: TLSFacts? = nil, at now: MonotonicInstant) -> SessionAction {
    state.start(tls, &context, now)
  }

  /// Takes what it can of `input`, and says one thing to do. Call again, with the rest, until that is
  /// ``SessionAction/read`` or ``SessionAction/close``.
  public mutating func receive(
    _ input: Span<UInt8>, at now: MonotonicInstant, replies: inout [UInt8]
  ) -> SessionStep {
    if state.isContent { return state.receiveContent(input, &context, now) }
    return state.receive(input, &context, now, &replies)
  }

  /// The policy's answer to the question that was asked. Then show the rest of the input again, be it empty.
  public mutating func resume(_ answer: SessionAnswer, at now: MonotonicInstant, replies: inout [UInt8]) {
    state.resume(answer, &context, now, &replies)
  }

  /// TLS stands after ``SessionAction/startTLS``. Everything that the client said before is forgotten
  /// (RFC 3207 §4.2) but for its errors and the time that it took.
  public mutating func tlsStarted(_ tls: TLSFacts, mechanisms: [String], at now: MonotonicInstant) {
    state.tlsStarted(tls, mechanisms, &context, now)
  }

  /// When ``expire(at:replies:)`` should be called, if nothing was received before; `nil` while the session waits for
  /// the policy or for TLS, whose time its driver watches.
  public var nextDeadline: MonotonicInstant? { state.deadline(context) }

  /// Time has passed. ``SessionAction/read`` where it is not up yet; otherwise the session says 421 and ends: first
  /// ``SessionAction/abandonMessage`` where a message had begun, then ``SessionAction/close`` from the next call.
  public mutating func expire(at now: MonotonicInstant, replies: inout [UInt8]) -> SessionAction {
    state.expire(&context, now, &replies)
  }

  /// The server shuts down. A session between messages says 421 and ends: ``SessionAction/close``. One that holds
  /// something goes on (``SessionAction/read``), says 421 once it has finished that, and then ends by itself.
  public mutating func shutDown(replies: inout [UInt8]) -> SessionAction { state.shutDown(&context, &replies) }

  /// For tests: an action without its state tells half of a transition.
  package var stateName: String { state.name }
}
