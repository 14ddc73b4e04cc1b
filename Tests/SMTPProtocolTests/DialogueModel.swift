/// What a submission server must answer to each command, written down from RFC 5321, 3207, 4954 and 3030, and from nothing
/// of the session itself: the order of commands and nothing else.
struct DialogueModel: Hashable {
  /// The commands that sequences are made of, each of lawful form.
  enum Command: String, CaseIterable, Sendable {
    case ehlo = "EHLO client.example.org"
    case helo = "HELO client.example.org"
    case startTLS = "STARTTLS"
    case authenticate = "AUTH PLAIN AHVzZXJuYW1lAHBhc3N3b3Jk"
    case mail = "MAIL FROM:<a@example.com>"
    case recipient = "RCPT TO:<b@example.org>"
    /// With a line of content and the end behind it, once the server says that it wants them.
    case data = "DATA"
    /// With its four octets.
    case chunk = "BDAT 4"
    /// With its four octets.
    case lastChunk = "BDAT 4 LAST"
    case reset = "RSET"
    case noop = "NOOP"
    case verify = "VRFY b"
    case help = "HELP"
    case quit = "QUIT"
  }

  /// How the connection began.
  enum Start: String, CaseIterable, Sendable {
    /// In clear, and TLS is wanted.
    case clear
    /// With TLS, EHLO and AUTH behind it.
    case authenticated
    /// Besides, with a sender and a recipient.
    case transaction
  }

  private enum Transaction { case none, sender, recipient, chunks }

  /// Whether every step from here on is met with silence.
  private(set) var isClosed = false
  /// Messages that the server has taken.
  private(set) var messages = 0
  private var isSecured: Bool
  private var hasHello: Bool
  private var isExtended = true
  private var isAuthenticated: Bool
  private var transaction: Transaction

  init(_ start: Start) {
    (isSecured, hasHello, isAuthenticated) = (start != .clear, start != .clear, start != .clear)
    transaction = start == .transaction ? .recipient : .none
  }

  /// The codes of the replies to a command: one, two to DATA that is taken, none once the connection is over.
  mutating func take(_ command: Command) -> [Int] {
    guard !isClosed else { return [] }
    switch command {
    case .ehlo, .helo:
      (hasHello, isExtended, transaction) = (true, command == .ehlo, .none)  // RFC 5321 §4.1.4: as RSET
      return [250]
    case .noop: return [250]
    case .help: return [214]
    case .reset:
      transaction = .none
      return [250]
    case .quit:
      isClosed = true
      return [221]
    case .startTLS:
      guard !isSecured, hasHello else { return [503] }
      // RFC 3207 §4.2 lets the server forget EHLO; ours takes it as said, for people who type (a switch).
      (isSecured, isAuthenticated, transaction) = (true, false, .none)
      return [220]
    case .authenticate, .mail, .recipient, .data, .chunk, .lastChunk, .verify:
      return isSecured ? takeSecured(command) : [530]  // RFC 3207 §4
    }
  }

  private mutating func takeSecured(_ command: Command) -> [Int] {
    switch command {
    case .verify: return [252]
    case .authenticate:  // RFC 4954 §4: once, and not within a transaction
      guard hasHello, !isAuthenticated, transaction == .none else { return [503] }
      isAuthenticated = true
      return [235]
    case .mail:
      guard transaction == .none, hasHello else { return [503] }
      guard isAuthenticated else { return [530] }  // RFC 6409 §4.3
      transaction = .sender
      return [250]
    case .recipient:
      guard transaction == .sender || transaction == .recipient else { return [503] }
      transaction = .recipient
      return [250]
    case .data:  // RFC 3030 §3: not behind BDAT
      guard transaction == .recipient else { return [503] }
      (transaction, messages) = (.none, messages + 1)
      return [354, 250]
    default: return [takeChunk(isLast: command == .lastChunk)]
    }
  }

  private mutating func takeChunk(isLast: Bool) -> Int {
    guard isExtended, transaction == .recipient || transaction == .chunks else {
      transaction = .none  // a BDAT that fails ends the transaction, so that chunks behind it fail too
      return 503
    }
    transaction = isLast ? .none : .chunks
    messages += isLast ? 1 : 0
    return 250
  }
}
