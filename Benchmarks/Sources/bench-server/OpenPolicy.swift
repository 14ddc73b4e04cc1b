import MailModel
import SMTPProtocol
import Synchronization

/// Where a bench's messages go.
protocol MessageDestination: Sendable {
  associatedtype Sink: MessageSink

  /// Takes one message's content.
  func makeSink(for message: MessageRequest) -> Sink
}

/// A policy that lets everybody in, believes every password and takes every message.
struct OpenPolicy<Destination: MessageDestination>: SubmissionPolicy {
  let destination: Destination

  func connect(_ connection: ConnectionFacts) async -> ConnectionDecision<OpenSession<Destination>> {
    .accept(OpenSession(destination: destination))
  }
}

/// It keeps nothing of a connection: all connections share one destination.
struct OpenSession<Destination: MessageDestination>: PolicySession {
  let destination: Destination

  func mechanisms(_ tls: TLSFacts) -> [String] { ["PLAIN", "LOGIN"] }

  /// Nothing that would have to be kept on the way to another host, since no message ever gets there.
  var extensions: MailExtensions { [.eightBitMIME, .smtpUTF8] }

  func authenticate(_ mechanism: String) async -> CredulousExchange { CredulousExchange(mechanism) }

  func sender(_ sender: SenderRequest) async -> PolicyDecision { .accept }

  func recipient(_ recipient: Recipient) async -> PolicyDecision { .accept }

  func beginMessage(_ message: MessageRequest) async -> MessageDecision<Destination.Sink> {
    .accept(destination.makeSink(for: message))
  }
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
