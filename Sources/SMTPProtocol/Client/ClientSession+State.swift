import MailModel

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
    var isAuthenticated = false
    /// MAIL commands so far.
    var transactions = 0
    /// The next reply began before what it should answer was said.
    var isReplyEarly = false
    var now = MonotonicInstant(nanoseconds: 0)
    var deadline: MonotonicInstant?

    init(configuration: ClientConfiguration) { self.configuration = configuration }

    var limits: ClientLimits { configuration.limits }

    /// BDAT goes out without waiting for the replies, so it wants PIPELINING too.
    var usesChunking: Bool { configuration.usesChunking && capabilities.chunking && capabilities.pipelining }

    /// Whether DATA goes out with MAIL and RCPT.
    var pipelinesData: Bool { configuration.pipelinesData && capabilities.pipelining && !usesChunking }

    var transactionsLeft: Int? { capabilities.transactionLimit.map { max(0, $0 - transactions) } }

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
    /// DATA was pipelined and taken, and there is no recipient: an empty message is on its way.
    case withdrawal(Transaction)
    case content(Transaction, Content)
    /// `replies`: how many are to come; more than one only where chunks before the last are not answered yet.
    case endOfContent(Transaction, replies: Int)
    case quit
    case closed
  }

  /// A state, and what is to be done in it.
  struct Transition: ~Copyable {
    let state: State
    let action: ClientAction

    init(_ state: consuming State, _ action: ClientAction) {
      self.state = state
      self.action = action
    }
  }

  /// How the content goes out.
  enum Content {
    /// After DATA.
    case lines(DotStuffer)
    /// By BDAT.
    case chunks(ChunkWriter)
  }

  /// A transaction under way.
  struct Transaction {
    let request: ClientTransaction
    /// `nil` where nothing bad is known.
    private(set) var outcomes: [ClientOutcome?]
    /// Places of the recipients that the server is not asked about.
    private let unasked: Set<Int>

    /// - Parameter outcomes: what is known without asking the server.
    init(_ request: ClientTransaction, outcomes: [ClientOutcome?]) {
      (self.request, self.outcomes) = (request, outcomes)
      unasked = Set(outcomes.indices.lazy.filter { outcomes[$0] != nil })
    }

    var recipients: [Recipient] { request.envelope.recipients }

    /// The first place from `index` on of a recipient that the server is asked about.
    func place(from index: Int) -> Int? { (index..<outcomes.count).first { !unasked.contains($0) } }

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

extension ClientSession.State {
  /// What the server is to answer next.
  var stage: ClientStage {
    switch self {
    case .initial: .greeting
    case .greeting: .greeting
    case .hello: .hello
    case .startTLS: .startTLS
    case .handshake: .handshake
    case .authentication: .authentication
    case .idle: .idle
    case .reset: .reset
    case .sender: .sender
    case .recipient: .recipient
    case .data: .data
    case .withdrawal: .data
    case .content: .content
    case .endOfContent: .endOfContent
    case .quit: .quit
    case .closed: .quit
    }
  }

  var isClosed: Bool {
    switch self {
    case .closed: true
    default: false
    }
  }

  /// Whether the server has answered all that it was told.
  var awaitsNothing: Bool {
    switch self {
    case .idle: true
    case .content(_, .lines): true
    case .content(_, .chunks(let writer)): writer.unanswered == 0
    default: false
    }
  }

  /// What is under way.
  var transaction: ClientSession.Transaction? {
    switch self {
    case .reset(let transaction): transaction
    case .sender(let transaction): transaction
    case .recipient(let transaction, _): transaction
    case .data(let transaction): transaction
    case .withdrawal(let transaction): transaction
    case .content(let transaction, _): transaction
    case .endOfContent(let transaction, _): transaction
    default: nil
    }
  }
}
