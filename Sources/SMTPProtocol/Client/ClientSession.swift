public import MailModel

/// The client's side of one SMTP connection (RFC 5321), enough to relay, without I/O or clock: octets and time come in,
/// commands and actions go out.
///
/// Each method appends to `output` what is to be written, and says one thing to do next. The dialogue: ``start(at:output:)``,
/// then ``receive(_:at:output:)`` whenever octets come, up to ``ClientAction/ready``; then any number of transactions, one
/// at a time, each with ``begin(_:at:output:)``, up to ``ClientAction/finished(_:)``; then ``quit(at:output:)``. At any time
/// it can end with ``ClientAction/failed(_:_:)``, which tells what is known of each recipient.
///
/// MAIL and all RCPT go out at once where the server offers PIPELINING (RFC 2920). DATA waits for their replies, so that no
/// content is sent for nobody.
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
  /// - Returns: ``ClientAction/read``; or ``ClientAction/finished(_:)`` where there is nothing to say: no recipient, or
  ///   8-bit content for a server without 8BITMIME (RFC 6152 §3), which makes ``ClientOutcome/unsuitable(_:_:)`` with
  ///   5.6.3. A server that refused EHLO and took HELO did not tell what it offers: its outcome for 8-bit content is
  ///   ``ClientOutcome/refused(_:at:)`` at ``ClientStage/hello``.
  public mutating func begin(
    _ transaction: ClientTransaction, at now: MonotonicInstant, output: inout [UInt8]
  ) -> ClientAction {
    context.now = now
    return state.begin(transaction, &context, &output)
  }

  /// The next octets of the content, after ``ClientAction/sendContent``; dots are doubled here. Write them out before the
  /// next ones: the time that the server has for a block begins anew with each call.
  ///
  /// - Returns: ``ClientAction/read``; or ``ClientAction/failed(_:_:)`` with ``ClientFailure/Reason/unsendableContent``
  ///   where a CR or an LF stands alone: such content is never completed. ``ClientAction/close`` where the session is
  ///   over already.
  public mutating func writeContent(
    _ chunk: Span<UInt8>, at now: MonotonicInstant, output: inout [UInt8]
  ) -> ClientAction {
    context.now = now
    return state.writeContent(chunk, &context, &output)
  }

  /// The content is complete. Returns what ``writeContent(_:at:output:)`` does.
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

  /// Why the session is in clear although the server offered TLS, with ``ClientSecurity/opportunistic``.
  package var downgrade: ClientFailure? { context.downgrade }

  /// Whether the session is over.
  package var isClosed: Bool { state.isClosed }

  /// What the server is to answer next.
  package var stage: ClientStage { state.stage }
}

extension ClientSession {
  /// What outlives a state.
  struct Context {
    let configuration: ClientConfiguration
    var capabilities = ClientCapabilities()
    /// The reply to EHLO that made us say HELO: what the server can do is not known then.
    var extendedHelloRefusal: SMTPReply?
    /// Why there is no TLS although it was offered.
    var downgrade: ClientFailure?
    var replies = ReplyReader()
    var isSecured = false
    var now = MonotonicInstant(nanoseconds: 0)
    var deadline: MonotonicInstant?

    init(configuration: ClientConfiguration) { self.configuration = configuration }

    var limits: ClientLimits { configuration.limits }

    /// The server has this long from now on.
    mutating func wait(_ duration: Duration) { deadline = now.advanced(by: duration) }

    /// It is our turn.
    mutating func act(_ action: ClientAction) -> ClientAction {
      deadline = nil
      return action
    }
  }

  /// What the server is to answer next, and what is known so far.
  enum State: ~Copyable {
    case initial
    case greeting
    case hello(isExtended: Bool)
    case startTLS
    case handshake
    case authentication(ClientAuthentication)
    /// `needsReset`: the server may still hold a transaction that did not come to its content.
    case idle(needsReset: Bool)
    case reset(Transaction)
    case sender(Transaction)
    case recipient(Transaction, index: Int)
    case data(Transaction)
    case content(Transaction, DotStuffer)
    case endOfContent(Transaction)
    case quit
    case closed
  }

  /// A transaction under way.
  struct Transaction {
    let request: ClientTransaction
    /// `nil` where nothing bad is known.
    var outcomes: [ClientOutcome?]

    init(_ request: ClientTransaction) {
      self.request = request
      outcomes = Array(repeating: nil, count: request.envelope.recipients.count)
    }

    var recipients: [Recipient] { request.envelope.recipients }

    /// The outcomes that are known: all of them, once the transaction is over.
    var known: [ClientOutcome] { outcomes.compactMap { $0 } }

    /// Whether any recipient is left.
    var isOpen: Bool { outcomes.contains(nil) }

    /// All outcomes, with this one for those that are still open.
    func outcomes(otherwise outcome: ClientOutcome) -> [ClientOutcome] { outcomes.map { $0 ?? outcome } }

    mutating func refuse(_ reply: SMTPReply, recipient index: Int) {
      if outcomes[index] == nil { outcomes[index] = .refused(reply, at: .recipient) }
    }

    mutating func refuse(_ reply: SMTPReply, at stage: ClientStage) {
      outcomes = outcomes(otherwise: .refused(reply, at: stage))
    }
  }
}

extension [UInt8] {
  /// A command of nothing but visible US-ASCII and blanks, with its CRLF.
  mutating func appendCommand(_ text: String) {
    append(contentsOf: text.utf8)
    append(.carriageReturn)
    append(.lineFeed)
  }
}
