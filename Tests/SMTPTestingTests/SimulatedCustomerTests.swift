import MailModel
import SMTPProtocol
import SMTPTesting
import Testing

@Suite struct SimulatedCustomerTests {
  private let id = QueueID(trusted: 9, secret: 9)

  @Test func anAnswerHasTheQueuesName() {
    let refusal = ClientOutcome.refused(SMTPReply(550, (.permanentFailure, 1, 1), "No such mailbox"), at: .recipient)
    let answer = SimulatedCustomer.Answer([refusal] + SimulatedCustomer.Answer.accepted(id).outcomes)
    #expect(answer.isAccepted && !answer.isUnknown)
    #expect(answer.queueID == id)
    #expect(answer.outcomes.first == refusal)
  }

  @Test(arguments: ["Ok", "Ok: queued as something that is no name", ""]) func whatHasNoNameIsAccepted(words: String) {
    let answer = SimulatedCustomer.Answer([.accepted(SMTPReply(250, (.success, 0, 0), words))])
    #expect(answer.isAccepted && !answer.isUnknown)
    #expect(answer.queueID == nil)
  }

  @Test(arguments: [(ClientStage.content, false), (.endOfContent, true)])
  func whatIsLostAtTheEndIsUnknown(stage: ClientStage, isUnknown: Bool) {
    let answer = SimulatedCustomer.Answer([.interrupted(ClientFailure(.timeout, at: stage))])
    #expect(!answer.isAccepted && answer.queueID == nil)
    #expect(answer.isUnknown == isUnknown)
  }

  /// The platform takes two recipients at a time.
  @Test(arguments: [1, 2, 3]) func everyRecipientHasAnOutcome(recipients: Int) throws {
    let simulation = Simulation(seed: 1)
    var configuration = SimulatedPlatform.Configuration(name: SimulatedWorld.name("mail.example"))
    configuration.server.limits.recipients = 2
    let platform = try SimulatedPlatform(configuration, in: SimulatedNetwork(simulation))
    let customer = try simulation.perform { try await platform.addCustomer(SimulatedWorld.name("customer.example")) }
    platform.start()
    let envelope = Envelope(
      reversePath: try #require(customer.mailbox("a")),
      recipients: try (0..<recipients).map { try #require(ForwardPath("r\($0)@remote.example")) })
    let answer = try simulation.perform { await customer.send(envelope, content: Array("Subject: x\r\n\r\n".utf8)) }
    #expect(answer.queueID != nil)
    let taken = answer.outcomes.map { if case .accepted = $0 { true } else { false } }
    #expect(taken == (0..<recipients).map { $0 < 2 })
    try simulation.end()
  }
}

extension SimulatedCustomer.Answer {
  /// The platform's answer to a message that it queued.
  static func accepted(_ id: QueueID) -> Self {
    Self([.accepted(SMTPReply(250, (.success, 0, 0), "Ok: queued as \(id)"))])
  }

  /// The platform's answer to a message that it did not queue.
  static func refused(_ words: String) -> Self {
    Self([.refused(SMTPReply(451, (.persistentTransientFailure, 3, 0), words), at: .endOfContent)])
  }
}
