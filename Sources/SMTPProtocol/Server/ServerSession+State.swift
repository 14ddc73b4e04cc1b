import MailModel

extension ServerSession {
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
    case discardingContent(Content, refusal: SMTPReply)
    /// Reads content behind BDAT.
    case chunk(Chunks)
    /// Reads and drops what follows a BDAT that is refused.
    case discardingChunk(RefusedChunk)
    case startingTLS
    /// Has said its last word.
    case closing
  }

  /// How far a mail transaction has come while the session waits for a command.
  enum Stage: ~Copyable {
    /// There is none.
    case none
    /// MAIL was accepted.
    case envelope(Transaction)
    /// Chunks of its message were accepted, and more will come.
    case chunks(Chunks)
  }

  /// A command line that was too long.
  struct LongLine: ~Copyable {
    var discarder: LineDiscarder
    var stage: Stage

    init(_ discarder: LineDiscarder, _ stage: consuming Stage) {
      self.discarder = discarder
      self.stage = stage
    }
  }

  /// A question's subject.
  enum Pending: ~Copyable {
    case connection
    case authentication
    case sender(SenderRequest)
    case recipient(Transaction, Recipient)
    case message
    /// As ``message``, by the message's first BDAT.
    case chunkedMessage(Chunk)
    case endOfMessage
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

  /// MAIL was accepted. Never copied, so that a recipient more does not copy those before it.
  struct Transaction: ~Copyable {
    var sender: SenderRequest
    var recipients: [Recipient] = []
    var hasRefusedRecipient = false

    init(sender: SenderRequest) { self.sender = sender }
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
  var isNone: Bool {
    switch self {
    case .none: true
    default: false
    }
  }

  /// What tells the driver that this transaction is over: its sink must know.
  var abandonment: SessionAction? {
    switch self {
    case .chunks: .abandonMessage
    default: nil
    }
  }
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
    switch self {
    case .command(let stage): stage.deadline(context)
    case .discardingLine(let line): line.stage.deadline(context)
    case .authenticating: context.waitingSince.advanced(by: context.commandTimeout)
    case .content: context.content.pace.deadline(context.limits)
    case .discardingContent(let content, _): content.pace.deadline(context.limits)
    case .chunk(let chunks): chunks.pace.deadline(context.limits)
    case .discardingChunk(let chunk): chunk.pace.deadline(context.limits)
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
    case .chunks(let chunks): return min(command, chunks.pace.deadlineOfWhole(context.limits))
    default: return command
    }
  }
}
