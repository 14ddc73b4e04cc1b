import MailModel
import SMTPProtocol
import Synchronization

/// A policy that lets everybody in, believes every password, and counts and forgets every message.
struct OpenPolicy: SubmissionPolicy {
  let discard: Discard

  func connect(_ connection: ConnectionFacts) async -> ConnectionDecision<OpenSession> {
    .accept(OpenSession(discard: discard))
  }
}

/// It keeps nothing of a connection: all connections share one destination.
struct OpenSession: PolicySession {
  let discard: Discard

  func mechanisms(_ tls: TLSFacts) -> [String] { ["PLAIN", "LOGIN"] }

  /// Nothing that would have to be kept on the way to another host, since no message ever gets there.
  var extensions: MailExtensions { [.eightBitMIME, .smtpUTF8] }

  func authenticate(_ mechanism: String) async -> CredulousExchange { CredulousExchange(mechanism) }

  func sender(_ sender: SenderRequest) async -> PolicyDecision { .accept }

  func recipient(_ recipient: Recipient) async -> PolicyDecision { .accept }

  func beginMessage(_ message: MessageRequest) async -> MessageDecision<Discard.Sink> { .accept(discard.makeSink()) }
}

/// PLAIN or LOGIN, whatever the credentials.
final class CredulousExchange: AuthenticationExchange {
  private let prompts: [String]
  private let answers = Mutex(0)

  init(_ mechanism: String) { prompts = mechanism == "LOGIN" ? ["Username:", "Password:"] : [""] }

  func step(_ response: [UInt8]?) async -> AuthenticationStep {
    let answers = answers.withLock { answers in
      if response != nil { answers += 1 }
      return answers
    }
    return answers < prompts.count ? .challenge(Array(prompts[answers].utf8)) : .success(identity: "anybody")
  }
}
