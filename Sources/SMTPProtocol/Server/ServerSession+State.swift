import MailModel

extension ServerSession {
  /// What is awaited. A few octets, since every command moves it; what is kept meanwhile is in place in ``Context``.
  enum State: ~Copyable {
    case unconnected
    /// The policy is asked; no input until it has answered.
    case asking(Pending)
    /// Waits for a command.
    case command(Stage)
    /// Reads and drops the rest of a command line that was too long.
    case discardingLine(LongLine)
    /// Waits for the client's next words in AUTH.
    case authenticating
    /// Reads content behind DATA.
    case content
    /// Reads on to the end of content that is refused.
    case discardingContent(refusal: SMTPReply)
    /// Reads content behind BDAT.
    case chunk
    /// Reads and drops what follows a BDAT that is refused.
    case discardingChunk(RefusedChunk)
    case startingTLS
    /// Has said its last word.
    case closing
  }

  /// How far a mail transaction has come while the session waits for a command.
  enum Stage {
    /// There is none.
    case none
    /// MAIL was accepted: ``Context/transaction``.
    case envelope
    /// Chunks of its message were accepted, and more will come: ``Context/chunks``.
    case chunks
  }

  /// A command line that was too long.
  struct LongLine {
    var discarder: LineDiscarder
    /// Where the transaction stands behind it.
    var stage: Stage
    /// Whether it is AUTH or a part of its exchange.
    var isAuthentication: Bool

    var reply: SMTPReply { isAuthentication ? .authenticationLineTooLong : .lineTooLong }
  }

  /// A question's subject.
  enum Pending {
    case connection
    case authentication
    /// That of ``Context/transaction``.
    case sender
    /// The last one of ``Context/transaction``.
    case recipient
    case message
    /// As ``message``, by the message's first BDAT.
    case chunkedMessage(Chunk)
    case endOfMessage
  }

  /// What a line or a piece of content leads to.
  struct Transition: ~Copyable {
    var state: State
    /// `nil` where the session can go on with the rest of the input.
    var action: Action?

    init(_ state: consuming State, _ action: Action? = nil) {
      self.state = state
      self.action = action
    }
  }

  /// A ``SessionAction`` without its weight: the question is ``Context/question``.
  enum Action { case read, ask, content(Range<Int>), abandonExchange, abandonMessage, startTLS, close }

  /// What a transaction has brought before its content.
  struct Transaction {
    var sender = SenderRequest(reversePath: .null)
    var recipients: [Recipient] = []
    var hasRefusedRecipient = false
  }

  /// Content behind DATA is coming.
  struct Content {
    var reader: ContentReader
    var pace: Pace
    var octets = 0
    /// Whether the end was read, in content that is refused.
    var hasEnded = false
  }
}

extension ServerSession.Stage {
  var isNone: Bool { self == .none }

  /// What tells the driver that this transaction is over: its sink must know.
  var abandonment: ServerSession.Action? { self == .chunks ? .abandonMessage : nil }
}

extension ServerSession.State {
  var name: String {
    switch self {
    case .unconnected: "unconnected"
    case .asking(let pending): pending.name
    case .command(let stage): stage.name
    case .discardingLine: "discarding line"
    case .authenticating: "authenticating"
    case .content: "content"
    case .discardingContent: "discarding content"
    case .chunk: "chunk"
    case .discardingChunk: "discarding chunk"
    case .startingTLS: "starting TLS"
    case .closing: "closing"
    }
  }

  /// When the client's time is up.
  func deadline(_ context: ServerSession.Context) -> MonotonicInstant? {
    guard let own = ownDeadline(context) else { return nil }
    return context.authenticationDeadline.map { min(own, $0) } ?? own
  }

  /// The deadline of what is awaited.
  private func ownDeadline(_ context: ServerSession.Context) -> MonotonicInstant? {
    switch self {
    case .command(let stage): stage.deadline(context)
    case .discardingLine(let line): line.stage.deadline(context)
    case .authenticating: context.waitingSince.advanced(by: context.commandTimeout)
    case .content: context.content.pace.deadline(context.limits)
    case .discardingContent: context.content.pace.deadline(context.limits)
    case .chunk: context.chunks.pace.deadline(context.limits)
    case .discardingChunk:
      context.mayChunk
        ? context.chunks.pace.deadline(context.limits) : context.waitingSince.advanced(by: context.commandTimeout)
    default: nil
    }
  }
}

extension ServerSession.Pending {
  fileprivate var name: String {
    switch self {
    case .connection: "asking connection"
    case .authentication: "asking authentication"
    case .sender: "asking sender"
    case .recipient: "asking recipient"
    case .message: "asking message"
    case .chunkedMessage: "asking message"
    case .endOfMessage: "asking end of message"
    }
  }
}

extension ServerSession.Stage {
  fileprivate var name: String {
    switch self {
    case .none: "command"
    case .envelope: "transaction"
    case .chunks: "between chunks"
    }
  }

  /// Between chunks, the message's own time runs on.
  fileprivate func deadline(_ context: ServerSession.Context) -> MonotonicInstant {
    let command = context.waitingSince.advanced(by: context.commandTimeout)
    switch self {
    case .chunks: return min(command, context.chunks.pace.deadlineOfWhole(context.limits))
    case .none, .envelope: return command
    }
  }
}
