public import MailModel

/// The client's side of one SMTP connection (RFC 5321), enough to relay, without I/O or clock: octets and time come in,
/// commands and actions go out.
///
/// Each method appends to `output` what is to be written, and says one thing to do next. The dialogue: ``start(at:output:)``,
/// then ``receive(_:at:output:)`` whenever octets come, up to ``ClientAction/ready``; then any number of transactions, one
/// at a time, each with ``begin(_:at:output:)``, up to ``ClientAction/finished(_:)``; then ``quit(at:output:)``. At any time
/// it can end with ``ClientAction/failed(_:_:)``, which tells what is known of each recipient.
///
/// MAIL and all RCPT go out at once where the server offers PIPELINING (RFC 2920). DATA waits for their replies, unless
/// ``ClientConfiguration/pipelinesData`` says otherwise, and content always waits for 354.
///
/// A reply that was there before its command went out, and so answers something else, ends the session.
public struct ClientSession: ~Copyable {
  private var state = State.initial
  private var context: Context

  /// A session that has not begun.
  public init(configuration: ClientConfiguration) { context = Context(configuration: configuration) }

  /// The connection stands.
  ///
  /// - Returns: ``ClientAction/startTLS`` with ``ClientSecurity/implicit``, ``ClientAction/read`` otherwise.
  public mutating func start(at now: MonotonicInstant) -> ClientAction {
    context.now = now
    return state.start(&context)
  }

  /// Takes what it can of `input`, and says one thing to do. Call again, with the rest and what has come behind it, when
  /// that is done.
  ///
  /// Octets behind the reply to STARTTLS end the session, since they came in clear (RFC 3207 §6).
  public mutating func receive(
    _ input: Span<UInt8>, at now: MonotonicInstant, output: inout [UInt8]
  ) -> ClientStep {
    context.now = now
    return state.receive(input, &context, &output)
  }

  /// TLS stands after ``ClientAction/startTLS``. What the server said before is forgotten (RFC 3207 §4.2).
  public mutating func tlsStarted(at now: MonotonicInstant, output: inout [UInt8]) -> ClientAction {
    context.now = now
    return state.tlsStarted(&context, &output)
  }

  /// Begins a transaction, after ``ClientAction/ready`` or ``ClientAction/finished(_:)``.
  ///
  /// What the server does not offer is decided here, for all recipients unless they are named:
  /// - SIZE: a message larger than the server's limit is ``ClientOutcome/unsuitable(_:_:)`` with 5.3.4 (RFC 1870 §5).
  /// - 8BITMIME: so is 8-bit content with 5.6.3 (RFC 6152 §3), unless ``ClientTransaction/isASCII`` says that it is none.
  /// - SMTPUTF8: so is a message that asks for it with 5.6.9, unless ``ClientTransaction/isASCII`` says that it has no
  ///   internationalized header fields, an internationalized sender's address with 5.6.7, and a recipient's for that
  ///   recipient alone (RFC 6531 §3.2).
  /// - DSN: RET, ENVID, NOTIFY and ORCPT are left out; see ``passesNotifications``.
  /// - AUTH: the submitter is named only to a server that we authenticated to (RFC 4954 §5).
  /// - LIMITS: recipients beyond RCPTMAX are ``ClientOutcome/postponed(_:)``, all of them beyond MAILMAX (RFC 9422).
  ///
  /// A server that refused EHLO and took HELO did not tell what it offers: for want of 8BITMIME or SMTPUTF8 the outcome
  /// is ``ClientOutcome/refused(_:at:)`` at ``ClientStage/hello``.
  ///
  /// - Returns: ``ClientAction/read``; or ``ClientAction/finished(_:)`` where there is nobody to ask about;
  ///   ``ClientAction/close`` where the session is over already.
  public mutating func begin(
    _ transaction: ClientTransaction, at now: MonotonicInstant, output: inout [UInt8]
  ) -> ClientAction {
    context.now = now
    return state.begin(transaction, &context, &output)
  }

  /// The next octets of the content, after ``ClientAction/sendContent``; dots are doubled here, or chunks made. Write them
  /// out before the next ones: the time that the server has for a block begins anew with each call. Octets for a server
  /// that refused a chunk are dropped.
  ///
  /// - Returns: ``ClientAction/read``; or ``ClientAction/failed(_:_:)`` with ``ClientFailure/Reason/unsendableContent``
  ///   where a CR or an LF stands alone, or a NUL is met: such content is never completed. ``ClientAction/close`` where the
  ///   session is over already.
  public mutating func writeContent(
    _ chunk: Span<UInt8>, at now: MonotonicInstant, output: inout [UInt8]
  ) -> ClientAction {
    context.now = now
    return state.writeContent(chunk, &context, &output)
  }

  /// The content is complete. A CRLF is added where its last line has none.
  ///
  /// - Returns: what ``writeContent(_:at:output:)`` does; or ``ClientAction/finished(_:)`` where the server had refused a
  ///   chunk.
  public mutating func finishContent(at now: MonotonicInstant, output: inout [UInt8]) -> ClientAction {
    context.now = now
    return state.finishContent(&context, &output)
  }

  /// Says goodbye, after ``ClientAction/ready`` or ``ClientAction/finished(_:)``. The session ends with
  /// ``ClientAction/close`` whatever the server answers.
  public mutating func quit(at now: MonotonicInstant, output: inout [UInt8]) -> ClientAction {
    context.now = now
    return state.quit(&context, &output)
  }

  /// The driver's own bad news: the connection ended, TLS failed, nobody wants the session any more.
  ///
  /// - Returns: ``ClientAction/failed(_:_:)``, or ``ClientAction/close`` where the session was over or saying goodbye.
  public mutating func fail(_ reason: ClientFailure.Reason) -> ClientAction { state.fail(reason, &context) }

  /// When ``expire(at:)`` should be called, if nothing happened before; `nil` between transactions.
  public var nextDeadline: MonotonicInstant? { context.deadline }

  /// Time has passed. ``ClientAction/read`` where it is not up yet; otherwise what ``fail(_:)`` returns.
  public mutating func expire(at now: MonotonicInstant) -> ClientAction {
    guard let deadline = context.deadline, now >= deadline else { return .read }
    return state.fail(.timeout, &context)
  }

  /// Whether the server takes over what is to be reported of each recipient (DSN, RFC 3461), as known from the first
  /// ``ClientAction/ready`` on. Where it does not, and takes the message, whoever handed it on owes the report that it was
  /// relayed, to those who asked for one of success (RFC 3461 §5.2.2).
  public var passesNotifications: Bool { context.capabilities.notifications }

  /// How many more transactions the server takes in this session (MAILMAX, RFC 9422); `nil` where it names no limit.
  public var transactionsLeft: Int? { context.transactionsLeft }

  /// What the server offers, as far as it is known.
  package var capabilities: ClientCapabilities { context.capabilities }

  /// Why the session is in clear although the server offered TLS, with ``ClientSecurity/opportunistic``.
  package var downgrade: ClientFailure? { context.downgrade }

  /// Whether the session is over.
  package var isClosed: Bool { state.isClosed }

  /// What the server is to answer next.
  package var stage: ClientStage { state.stage }
}
