import MailModel
import SMTPProtocol
import SMTPTesting

/// A policy that takes its time: for each sender, and for each write of the content before there is room again.
struct PausingPolicy: SubmissionPolicy, PolicySession, AuthenticationExchange, MessageSink {
  let simulation: Simulation
  var sender = Duration.zero
  var room = Duration.zero

  func connect(_ connection: ConnectionFacts) async -> ConnectionDecision<PausingPolicy> { .accept(self) }
  func mechanisms(_ tls: TLSFacts) -> [String] { ["PLAIN"] }
  var extensions: MailExtensions { .all }
  func authenticate(_ mechanism: String) async -> PausingPolicy { self }
  func step(_ response: [UInt8]?) async -> AuthenticationStep {
    response == nil ? .challenge([]) : .success(identity: "anybody")
  }
  func sender(_ sender: SenderRequest) async -> PolicyDecision {
    do { try await simulation.sleep(for: self.sender) } catch { simulation.note("the question was cancelled") }
    return .accept
  }
  func recipient(_ recipient: Recipient) async -> PolicyDecision { .accept }
  func beginMessage(_ message: MessageRequest) async -> MessageDecision<PausingPolicy> { .accept(self) }
  func write(_ octets: Span<UInt8>) -> Bool { false }
  func drained() async { try? await simulation.sleep(for: room) }
  func finish() async -> SMTPReply { SMTPReply(250, EnhancedStatusCode("2.0.0"), "Ok") }
  func abort() { simulation.note("the message was aborted") }
}
