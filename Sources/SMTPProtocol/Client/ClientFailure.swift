public import MailModel

/// How far a dialogue with a server has come: what it was to answer next.
@nonexhaustive public enum ClientStage: String, Hashable, Sendable, CustomStringConvertible {
  /// Its greeting.
  case greeting
  /// EHLO or HELO.
  case hello = "EHLO"
  /// STARTTLS.
  case startTLS = "STARTTLS"
  /// TLS is being set up.
  case handshake = "TLS handshake"
  /// AUTH.
  case authentication = "AUTH"
  /// Nothing: no transaction is under way.
  case idle = "idling"
  /// RSET between two transactions.
  case reset = "RSET"
  /// MAIL.
  case sender = "MAIL"
  /// RCPT.
  case recipient = "RCPT"
  /// DATA.
  case data = "DATA"
  /// A chunk of the content, or nothing: the content is on its way.
  case content
  /// The end of the content.
  case endOfContent = "end of content"
  /// QUIT.
  case quit = "QUIT"

  /// What stands in a sentence.
  public var description: String { rawValue }
}

/// Why a ``ClientSession`` ended before its work was done.
public struct ClientFailure: Hashable, Sendable, CustomStringConvertible {
  /// What happened.
  @nonexhaustive public enum Reason: Hashable, Sendable {
    /// The server refused the connection itself: a negative reply before any transaction, a 421 anywhere, or a refusal
    /// while the content was on its way.
    case refused(SMTPReply)
    /// TLS is required, and the server does not offer STARTTLS.
    case tlsNotOffered
    /// TLS could not be set up, for this reason: a certificate that is not trusted, no common version.
    case tlsFailed(String)
    /// There are credentials, and the server offers neither PLAIN nor LOGIN.
    case authenticationNotOffered
    /// There are credentials, and no TLS to keep them secret, or only ``ClientSecurity/opportunistic`` TLS.
    case authenticationWithoutTLS
    /// What the server said breaks RFC 5321, in this way.
    case protocolError(String)
    /// The server took too long.
    case timeout
    /// The connection ended, for this reason.
    case connectionLost(String)
    /// The client's own side gave up, for this reason.
    case abandoned(String)
    /// The content holds a NUL, or a CR or an LF alone. Sent as it is, such content may read as two messages elsewhere.
    case unsendableContent
  }

  /// What happened.
  public var reason: Reason
  /// When it happened.
  public var stage: ClientStage

  /// A failure of these parts.
  public init(_ reason: Reason, at stage: ClientStage) { (self.reason, self.stage) = (reason, stage) }

  /// A sentence without its subject, which is the server: `answered AUTH with 535 5.7.8`. It holds neither credentials
  /// nor addresses: the server's words, which may repeat what it was told, stand in it only up to STARTTLS.
  public var description: String { leavesOutcomeUnknown ? "\(event); whether it took the message is unknown" : event }

  /// At the end of the content anything but a refusal.
  private var leavesOutcomeUnknown: Bool {
    if case .refused = reason { false } else { stage == .endOfContent }
  }

  private func words(of reply: SMTPReply) -> String {
    switch stage {
    case .greeting, .hello, .startTLS: reply.description
    default: reply.codes
    }
  }

  private var event: String {
    switch reason {
    case .refused(let reply) where stage == .greeting: "greeted with \(words(of: reply))"
    case .refused(let reply) where stage == .idle: "ended the connection with \(words(of: reply))"
    case .refused(let reply): "answered \(stage) with \(words(of: reply))"
    case .tlsNotOffered: "does not offer STARTTLS, which is required"
    case .tlsFailed(let why): "could not agree on TLS with us: \(why)"
    case .authenticationNotOffered: "offers neither AUTH PLAIN nor AUTH LOGIN"
    case .authenticationWithoutTLS: "has no verified TLS, without which credentials are not sent"
    case .protocolError(let what): "broke the protocol at \(stage): \(what)"
    case .timeout: "took too long at \(stage)"
    case .connectionLost(let why): "was lost at \(stage): \(why)"
    case .abandoned(let why): "was left at \(stage): \(why)"
    case .unsendableContent: "was left, since the content holds a NUL, or a CR or LF alone"
    }
  }
}

extension SMTPReply {
  /// The reply without its words: `553 5.7.1`.
  package var codes: String { enhancedCode.map { "\(code) \($0)" } ?? "\(code)" }
}
