public import MailModel

/// What a policy keeps of one connection.
public protocol PolicySession: Sendable {
  /// A running SASL exchange.
  associatedtype Exchange: AuthenticationExchange
  /// Takes a message's content.
  associatedtype Sink: MessageSink

  /// The SASL mechanisms to offer, best first. Lower case becomes upper case, and what is no mechanism's name (RFC 4422 §3.1)
  /// is left out. Asked once, when the connection is secured; a connection
  /// without TLS offers none. Answers at once.
  func mechanisms(_ tls: TLSFacts) -> [String]

  /// What this policy, and everything behind it, keeps of the extensions that concern a message's whole way. Only these are
  /// advertised. Asked once, before the greeting. Answers at once.
  var extensions: MailExtensions { get }

  /// AUTH: a new exchange by `mechanism`, one of those offered.
  func authenticate(_ mechanism: String) async -> Exchange

  /// MAIL: may this sender begin a transaction?
  func sender(_ sender: SenderRequest) async -> PolicyDecision

  /// RCPT: may this recipient be added?
  func recipient(_ recipient: Recipient) async -> PolicyDecision

  /// DATA, or a message's first BDAT (RFC 3030): where the content goes, or why it may not come.
  func beginMessage(_ message: MessageRequest) async -> MessageDecision<Sink>
}
