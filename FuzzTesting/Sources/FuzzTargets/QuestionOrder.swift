import MailModel
import SMTPProtocol

/// What a server session may ask or hand over next, written down once more from RFC 5321, RFC 3207 and RFC 4954, apart from
/// the session's own states.
struct QuestionOrder {
  static let mechanisms = ["PLAIN", "LOGIN"]

  var tls: TLSFacts?
  /// The message whose content is coming.
  private(set) var request: MessageRequest?
  /// Whether content was refused and the reply to it is still to come.
  var hasRefusedMessage = false

  private let configuration: ServerConfiguration
  private var isConnected = false
  private var identity: String?
  private var hasExchange = false
  private var sender: SenderRequest?
  private var recipients: [Recipient] = []

  init(_ configuration: ServerConfiguration) { self.configuration = configuration }

  private var isSecured: Bool { configuration.security == .plaintext || tls != nil }

  mutating func answer(_ question: SessionQuestion, _ answer: SessionAnswer) {
    require(isConnected || question == .connection, "a question before the one for the connection")
    switch question {
    case .connection:
      require(!isConnected, "asks for the connection twice")
      isConnected = true
    case .authentication(let mechanism, _):
      require(tls != nil && identity == nil && !hasExchange && request == nil, "AUTH at the wrong time")
      require(Self.mechanisms.contains(mechanism), "a mechanism that is not offered")
      takeAuthentication(answer)
    case .authenticationResponse:
      require(tls != nil && hasExchange, "an AUTH response that nobody asked for")
      takeAuthentication(answer)
    case .sender(let sender): take(sender, answer)
    case .recipient(let recipient): take(recipient, answer)
    case .message(let request): take(request, answer)
    case .endOfMessage:
      require(request != nil, "the end of a message that did not begin, or was abandoned")
      (request, sender, recipients) = (nil, nil, [])
    @unknown default: fatalError("a question that nobody here knows")
    }
  }

  func content() { require(request != nil, "content of no message") }

  mutating func abandonMessage() {
    require(request != nil, "abandons a message that there is not")
    (request, sender, recipients, hasRefusedMessage) = (nil, nil, [], true)
  }

  mutating func abandonExchange() {
    require(hasExchange, "abandons an exchange that there is not")
    hasExchange = false
  }

  mutating func startTLS(_ facts: TLSFacts) {
    require(tls == nil && configuration.security == .startTLSRequired, "TLS at the wrong time")
    require(identity == nil && sender == nil, "something came about before TLS")
    tls = facts
  }

  private mutating func takeAuthentication(_ answer: SessionAnswer) {
    guard case .authentication(let step) = answer else { fatalError("a wrong answer of the fuzzer's") }
    switch step {
    case .challenge: hasExchange = true
    case .success(let identity): (hasExchange, self.identity) = (false, identity)
    case .failure: hasExchange = false
    }
  }

  private mutating func take(_ sender: SenderRequest, _ answer: SessionAnswer) {
    require(isSecured && !hasExchange && request == nil, "MAIL at the wrong time")
    require(identity != nil || !configuration.requiresAuthentication, "MAIL without AUTH")
    require((sender.declaredSize ?? 0) <= configuration.limits.messageSize, "a declared size over the limit")
    require(ReversePath("\(sender.reversePath)") == sender.reversePath, "a sender that is no path")
    self.sender = answer == .accept ? sender : nil
    recipients = []
  }

  private mutating func take(_ recipient: Recipient, _ answer: SessionAnswer) {
    require(sender != nil && request == nil, "RCPT at the wrong time")
    require(recipients.count < configuration.limits.recipients, "too many recipients")
    require(ForwardPath("\(recipient.path)") == recipient.path, "a recipient that is no path")
    if answer == .accept { recipients.append(recipient) }
  }

  private mutating func take(_ request: MessageRequest, _ answer: SessionAnswer) {
    require(self.request == nil && !recipients.isEmpty, "content at the wrong time")
    require(request.envelope.recipients == recipients, "other recipients than those that were accepted")
    require(
      request.envelope.reversePath == sender?.reversePath && request.envelope.parameters == sender?.parameters,
      "another sender than the one that was accepted")
    require(request.identity == identity && request.tls == tls, "other facts than those that were told")
    if answer == .accept { self.request = request } else { (sender, recipients) = (nil, []) }
  }
}
