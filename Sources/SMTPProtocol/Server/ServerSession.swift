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
    context.tls = tls
    return state.start(&context, now)
  }

  /// Takes what it can of `input`, and says one thing to do. Call again, with the rest, until that is
  /// ``SessionAction/read`` or ``SessionAction/close``.
  public mutating func receive(
    _ input: Span<UInt8>, at now: MonotonicInstant, replies: inout [UInt8]
  ) -> SessionStep {
    state.receive(input, &context, now, &replies)
  }

  /// The policy's answer to the question that was asked. Then show the rest of the input again, be it empty.
  public mutating func resume(_ answer: SessionAnswer, at now: MonotonicInstant, replies: inout [UInt8]) {
    state.resume(answer, &context, now, &replies)
  }

  /// TLS stands after ``SessionAction/startTLS``. Everything that the client said before is forgotten (RFC 3207 §4.2).
  public mutating func tlsStarted(_ tls: TLSFacts, mechanisms: [String], at now: MonotonicInstant) {
    state.tlsStarted(tls, mechanisms, &context, now)
  }

  /// When ``expire(at:replies:)`` should be called, if nothing was received before; `nil` while the session waits for
  /// the policy or for TLS, whose time its driver watches.
  public var nextDeadline: MonotonicInstant? { state.deadline(context) }

  /// Time has passed. ``SessionAction/read`` where it is not up yet; otherwise the session says 421 and ends: first
  /// ``SessionAction/abandonMessage`` where content was coming, then ``SessionAction/close`` from the next call.
  public mutating func expire(at now: MonotonicInstant, replies: inout [UInt8]) -> SessionAction {
    state.expire(&context, now, &replies)
  }

  /// The server shuts down. A session between messages says 421 and ends: ``SessionAction/close``. One that holds
  /// something goes on (``SessionAction/read``), says 421 once it has finished that, and then ends by itself.
  public mutating func shutDown(replies: inout [UInt8]) -> SessionAction { state.shutDown(&context, &replies) }

  /// For tests: an action without its state tells half of a transition.
  package var stateName: String { state.name }
}

extension ServerSession {
  /// What outlives a state.
  struct Context {
    let configuration: ServerConfiguration
    var tls: TLSFacts?
    var mechanisms: [String] = []
    /// What the policy keeps.
    var extensions: MailExtensions = []
    var hello: Hello?
    /// Whether commands are taken without EHLO, since one came before STARTTLS.
    var isHelloForgiven = false
    var identity: String?
    /// Octets at the front of the input already searched for the end of a line.
    var scanned = 0
    /// Since when the session waits for the line that comes next.
    var waitingSince = MonotonicInstant(nanoseconds: 0)
    var isShuttingDown = false

    var messages = 0
    var errors = 0
    var authenticationFailures = 0
    /// What was refused since the last accepted message and may be no error of the client's: recipients over the limit or
    /// refused by the policy, and what a pipelining client sent behind a refusal before it saw it (RFC 2920 §3.1).
    var forgiven = 0
    /// Whether the last MAIL was refused, so that no transaction is open and a pipelining client may not know yet.
    var isMailRefused = false

    init(_ configuration: ServerConfiguration) { self.configuration = configuration }

    var limits: Limits { configuration.limits }
    var isSecured: Bool { configuration.security == .plaintext || tls != nil }
    var hasHello: Bool { hello != nil || isHelloForgiven }

    var commandTimeout: Duration {
      identity == nil ? limits.commandTimeoutBeforeAuthentication : limits.commandTimeout
    }

    /// RFC 3848, RFC 5321 §4.4: HELO alone makes SMTP.
    var protocolKeyword: String {
      let isExtended = hello?.isExtended ?? true
      guard isExtended || tls != nil || identity != nil else { return "SMTP" }
      return "ESMTP" + (tls == nil ? "" : "S") + (identity == nil ? "" : "A")
    }
  }

  struct Hello {
    var name: ClientName
    var isExtended: Bool
  }

  /// MAIL was accepted.
  struct Transaction {
    var sender: SenderRequest
    var recipients: [Recipient] = []
    var hasRefusedRecipient = false
  }

  /// Content is coming.
  struct Content {
    var reader: ContentReader
    var octets = 0
    /// When the client was told to go on; later by as long as it had to wait for us since.
    var begun: MonotonicInstant
    var lastOctets: MonotonicInstant
    /// When octets were last handed to the sink, which may take its time.
    var handedOver: MonotonicInstant?
    /// Whether the end was read, in content that is refused.
    var hasEnded = false
  }

  enum State: ~Copyable {
    case unconnected
    /// The policy is asked; no input until it has answered.
    case asking(Pending)
    /// Waits for a command, within a mail transaction or not.
    case command(Transaction?)
    /// Reads and drops the rest of a command line that was too long.
    case discardingLine(LineDiscarder, Transaction?)
    /// Waits for the client's next words in AUTH.
    case authenticating
    case content(Content)
    /// Reads on to the end of content that is refused.
    case discardingContent(Content, refusal: SMTPReply)
    case startingTLS
    /// Has said its last word.
    case closing
  }

  /// What a line or a piece of content leads to.
  struct Transition: ~Copyable {
    var state: State
    /// `nil` where the session can go on with the rest of the input.
    var action: SessionAction?

    init(_ state: consuming State, _ action: SessionAction? = nil) {
      self.state = state
      self.action = action
    }
  }

  enum Pending {
    case connection
    case authentication
    case sender(SenderRequest)
    case recipient(Transaction, ForwardPath)
    case message
    case endOfMessage
  }
}

extension ServerSession.State {
  var name: String {
    switch self {
    case .unconnected: "unconnected"
    case .asking(let pending):
      switch pending {
      case .connection: "asking connection"
      case .authentication: "asking authentication"
      case .sender: "asking sender"
      case .recipient: "asking recipient"
      case .message: "asking message"
      case .endOfMessage: "asking end of message"
      }
    case .command(let transaction): transaction == nil ? "command" : "transaction"
    case .discardingLine: "discarding line"
    case .authenticating: "authenticating"
    case .content: "content"
    case .discardingContent: "discarding content"
    case .startingTLS: "starting TLS"
    case .closing: "closing"
    }
  }
}
