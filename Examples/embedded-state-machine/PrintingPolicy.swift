import MailModel
import SMTPProtocol
import Synchronization

/// Accepts what comes, and tells on standard error what it got.
struct PrintingPolicy: SubmissionPolicy {
  func connect(_ connection: ConnectionFacts) async -> ConnectionDecision<PrintingSession> {
    .accept(PrintingSession())
  }
}

struct PrintingSession: PolicySession {
  func mechanisms(_ tls: TLSFacts) -> [String] { [] }

  /// A message that goes no further keeps all that its sender asks but reports.
  var extensions: MailExtensions { [.eightBitMIME, .smtpUTF8] }

  func authenticate(_ mechanism: String) async -> NoExchange { NoExchange() }

  func sender(_ sender: SenderRequest) async -> PolicyDecision { .accept }

  func recipient(_ recipient: Recipient) async -> PolicyDecision {
    guard case .mailbox(let mailbox) = recipient.path, mailbox.domain?.description == "refused.example" else {
      return .accept
    }
    return .refuse(SMTPReply(550, EnhancedStatusCode("5.7.1"), "No mail to refused.example, please"))
  }

  func beginMessage(_ message: MessageRequest) async -> MessageDecision<PrintingSink> {
    .accept(PrintingSink(message: message))
  }
}

/// Never asked for, since no mechanism is offered.
struct NoExchange: AuthenticationExchange {
  func step(_ response: [UInt8]?) async -> AuthenticationStep {
    .failure(SMTPReply(535, EnhancedStatusCode("5.7.8"), "No"))
  }
}

final class PrintingSink: MessageSink {
  private let message: MessageRequest
  private let content = Mutex<[UInt8]>([])

  init(message: MessageRequest) { self.message = message }

  func write(_ octets: Span<UInt8>) -> Bool {
    content.withLock { content in for index in octets.indices { content.append(octets[index]) } }
    return true
  }

  func drained() async {}

  func finish() async -> SMTPReply {
    let envelope = message.envelope
    tell(
      "message from <\(envelope.reversePath)> to \(envelope.recipients.map { "<\($0.path)>" }.joined(separator: ", "))")
    tell(String(decoding: content.withLock { $0 }, as: UTF8.self))
    return SMTPReply(250, EnhancedStatusCode("2.0.0"), "Ok: printed")
  }

  func abort() { tell("a message that came to nothing") }
}
