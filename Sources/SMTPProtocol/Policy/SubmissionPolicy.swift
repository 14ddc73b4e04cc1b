public import MailModel

/// Decides what a server's sessions may do: the seam between the protocol and everything behind it.
///
/// Whoever drives a ``ServerSession`` asks the policy the session's questions and gives it the answers. All requirements
/// are called in the order of the dialogue, never two at once for one connection; all may suspend, and the session
/// waits meanwhile. A refusal is a value, never an error thrown. No requirement is called again after cancellation of
/// the task that it runs in, and one that is cancelled should return soon, with any answer.
public protocol SubmissionPolicy: Sendable {
  /// What the policy keeps of one connection.
  associatedtype Session: PolicySession

  /// A client has connected; nothing was said yet. Called once for each connection, before the greeting.
  func connect(_ connection: ConnectionFacts) async -> ConnectionDecision<Session>
}

/// What is known of a connection before the first word.
public struct ConnectionFacts: Hashable, Sendable {
  /// The client's address and port, or `nil` where the transport has none (a pipe, a test).
  public var client: SocketEndpoint?
  /// Where the client came in, `nil` likewise.
  public var local: SocketEndpoint?
  /// From where the endpoint can be reached.
  public var endpointType: EndpointType

  /// These facts.
  public init(client: SocketEndpoint?, local: SocketEndpoint? = nil, endpointType: EndpointType = .public) {
    (self.client, self.local, self.endpointType) = (client, local, endpointType)
  }
}

/// An address and a port.
public struct SocketEndpoint: Hashable, Sendable, CustomStringConvertible {
  /// The address.
  public var address: IPAddress
  /// The TCP port.
  public var port: UInt16

  /// This address and port.
  public init(address: IPAddress, port: UInt16) { (self.address, self.port) = (address, port) }

  /// `192.0.2.1:587`, `[2001:db8::1]:587`.
  public var description: String {
    switch address {
    case .v4: "\(address):\(port)"
    case .v6: "[\(address)]:\(port)"
    }
  }
}

/// The answer to a new connection.
public enum ConnectionDecision<Session: Sendable>: Sendable {
  /// Go on; ask this object all the rest.
  case accept(Session)
  /// Say this instead of a greeting, and end the connection. A code of 554 or 421 (RFC 5321 §3.1).
  case refuse(SMTPReply)
}

/// What a policy keeps of one connection.
public protocol PolicySession: Sendable {
  /// A running SASL exchange.
  associatedtype Exchange: AuthenticationExchange
  /// Takes a message's content.
  associatedtype Sink: MessageSink

  /// The SASL mechanisms to offer, in upper case, best first. Asked once, when the connection is secured; a connection
  /// without TLS offers none. Answers at once.
  func mechanisms(_ tls: TLSFacts) -> [String]

  /// AUTH: a new exchange by `mechanism`, one of those offered.
  func authenticate(_ mechanism: String) async -> Exchange

  /// MAIL: may this sender begin a transaction?
  func sender(_ sender: SenderRequest) async -> PolicyDecision

  /// RCPT: may this recipient be added?
  func recipient(_ recipient: ForwardPath) async -> PolicyDecision

  /// DATA: where the content goes, or why it may not come.
  func beginMessage(_ message: MessageRequest) async -> MessageDecision<Sink>
}

/// What MAIL says.
public struct SenderRequest: Hashable, Sendable {
  /// Who sends.
  public var reversePath: ReversePath
  /// What the client declares of the content (RFC 6152).
  public var bodyType: BodyType
  /// The size that the client announces, in octets (RFC 1870), within the session's limit.
  public var declaredSize: Int?

  /// These facts.
  public init(reversePath: ReversePath, bodyType: BodyType = .sevenBit, declaredSize: Int? = nil) {
    (self.reversePath, self.bodyType, self.declaredSize) = (reversePath, bodyType, declaredSize)
  }
}

/// What is known when a message's content is about to come.
public struct MessageRequest: Hashable, Sendable {
  /// Who sends to whom. At least one recipient.
  public var envelope: Envelope
  /// The size that the client announced, in octets (RFC 1870).
  public var declaredSize: Int?
  /// The name that the client gave itself in EHLO or HELO; `nil` where it gave none since TLS began.
  public var clientName: ClientName?
  /// The identity that AUTH proved.
  public var identity: String?
  /// What protects the connection.
  public var tls: TLSFacts?
  /// The keyword of a Received field's `with`: SMTP, ESMTP, ESMTPS, ESMTPA or ESMTPSA (RFC 3848).
  public var protocolKeyword: String

  /// These facts.
  public init(
    envelope: Envelope, declaredSize: Int? = nil, clientName: ClientName? = nil, identity: String? = nil,
    tls: TLSFacts? = nil, protocolKeyword: String = "ESMTP"
  ) {
    (self.envelope, self.declaredSize, self.clientName) = (envelope, declaredSize, clientName)
    (self.identity, self.tls, self.protocolKeyword) = (identity, tls, protocolKeyword)
  }
}

/// The argument of EHLO or HELO: a domain name, an address literal, or what software of every kind says there
/// instead. Visible US-ASCII, 1 to 255 octets; never a sender's proof of anything.
public struct ClientName: Hashable, Sendable, CustomStringConvertible {
  /// As it was given.
  public let description: String

  /// `nil` where `text` is empty, over 255 octets, or holds more than visible US-ASCII.
  public init?(_ text: String) {
    let octets = Array(text.utf8)
    self.init(octets.span)
  }

  init?(_ octets: Span<UInt8>) {
    guard (1...255).contains(octets.count) else { return nil }
    for index in octets.indices where !octets[index].isASCIIVisible { return nil }
    description = octets.text()
  }
}

/// What protects a connection.
public struct TLSFacts: Hashable, Sendable {
  /// `TLSv1.3`.
  public var version: String
  /// The cipher suite's name, where it is known.
  public var cipher: String?
  /// Octets that bind an exchange to this very connection (RFC 9266), where they are known.
  public var channelBinding: [UInt8]?

  /// These facts.
  public init(version: String, cipher: String? = nil, channelBinding: [UInt8]? = nil) {
    (self.version, self.cipher, self.channelBinding) = (version, cipher, channelBinding)
  }
}

/// Yes, or a reply that says why not.
public enum PolicyDecision: Hashable, Sendable {
  /// Yes.
  case accept
  /// No, with a 4xx or 5xx reply. A code of 421 also ends the connection.
  case refuse(SMTPReply)
}

/// Whether a message's content may come.
public enum MessageDecision<Sink: Sendable>: Sendable {
  /// It may, to this sink.
  case accept(Sink)
  /// It may not, with a 4xx or 5xx reply.
  case refuse(SMTPReply)
}
