public import MailModel

/// The server's side of one SMTP connection (RFC 5321, RFC 6409), without I/O, clock or policy: octets and time come in,
/// replies and actions go out.
public struct ServerSession: ~Copyable {
  public init(configuration: ServerConfiguration) {}

  /// The connection is open. A session with ``ConnectionSecurity/implicitTLS`` is told so when TLS stands.
  ///
  /// - Parameter tls: what protects the connection already, for ``ConnectionSecurity/implicitTLS`` alone.
  public mutating func start(tls: TLSFacts? = nil, at now: MonotonicInstant) -> SessionAction { .close }

  /// Takes what it can of `input`, and says one thing to do. Call again, with the rest, until that is
  /// ``SessionAction/read`` or ``SessionAction/close``.
  public mutating func receive(
    _ input: Span<UInt8>, at now: MonotonicInstant, replies: inout [UInt8]
  ) -> SessionStep { SessionStep(consumed: 0, action: .close) }

  /// The policy's answer to the question that was asked. Then show the rest of the input again.
  public mutating func resume(_ answer: SessionAnswer, at now: MonotonicInstant, replies: inout [UInt8]) {}

  /// TLS stands after ``SessionAction/startTLS``. Everything that the client said before is forgotten (RFC 3207 §4.2).
  public mutating func tlsStarted(_ tls: TLSFacts, mechanisms: [String], at now: MonotonicInstant) {}

  /// When ``expire(at:replies:)`` should be called, if nothing was received before; `nil` while the session waits for
  /// the policy or for TLS, whose time its driver watches.
  public var nextDeadline: MonotonicInstant? { nil }

  /// Time has passed. ``SessionAction/read`` where it is not up yet; otherwise the session says 421 and ends: first
  /// ``SessionAction/abandonMessage`` where content was coming, then ``SessionAction/close`` from the next call.
  public mutating func expire(at now: MonotonicInstant, replies: inout [UInt8]) -> SessionAction { .close }

  /// The server shuts down. A session between messages says 421 and ends: ``SessionAction/close``. One that holds
  /// something goes on (``SessionAction/read``), says 421 once it has finished that, and then ends by itself.
  public mutating func shutDown(replies: inout [UInt8]) -> SessionAction { .close }
}
