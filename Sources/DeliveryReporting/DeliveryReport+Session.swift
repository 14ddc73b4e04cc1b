package import DeliveryQueue
import MailModel
package import SMTPProtocol

extension DeliveryReport {
  /// In the words of the queue.
  ///
  /// - Parameters:
  ///   - downgrade: why the attempt went on in clear although TLS was offered: for the log, whatever the outcomes.
  ///   - recipients: how many there were.
  ///   - host: how it is called in what people read.
  package init(_ result: SessionResult, downgrade: ClientFailure? = nil, of recipients: Int, by host: String) {
    self.init(result, of: recipients, by: host)
    condition = result.condition(of: host)
    guard let downgrade else { return }
    let problem = "\(host) \(downgrade), and was spoken to in clear"
    hostProblem = hostProblem.map { "\(problem); \($0)" } ?? problem
  }

  private init(_ result: SessionResult, of recipients: Int, by host: String) {
    if case .unreachable(let why) = result {
      let outcome = DeliveryOutcome.deferred(DeliveryReply(problem: "Cannot connect to \(host): \(why.reason)"))
      self.init(outcomes: Array(repeating: outcome, count: recipients))
      return
    }
    let outcomes = result.outcomes(of: recipients) ?? []
    var problem = outcomes.lazy.compactMap { $0.hostProblem(of: host) }.first
    if case .failed(let failure, _) = result, failure.isHostProblem { problem = "\(host) \(failure)" }
    self.init(
      outcomes: outcomes.map { DeliveryOutcome($0, by: host) }, hostProblem: problem,
      uncertain: Set(outcomes.indices.filter { outcomes[$0].isUncertain }))
  }
}

extension DeliveryOutcome {
  fileprivate init(_ outcome: ClientOutcome, by host: String) {
    switch outcome {
    case .accepted(let reply): self = .delivered(DeliveryReply(reply, at: .endOfContent))
    case .refused(let reply, let stage):
      self = DeliveryOutcome(refusal: DeliveryReply(reply, at: stage), at: DeliveryStage(stage))
    case .unsuitable(let code, let reason): self = .failed(DeliveryReply(problem: "\(code) \(reason)"))
    case .postponed(let reason): self = .deferred(DeliveryReply(problem: reason))
    case .interrupted(let failure):
      if case .refused(let reply) = failure.reason {
        self = .deferred(DeliveryReply(reply, at: failure.stage))
      } else {
        self = .deferred(DeliveryReply(problem: "\(host) \(failure)"))
      }
    }
  }
}

extension ClientOutcome {
  /// Whether the host may have taken the message all the same (RFC 1047).
  fileprivate var isUncertain: Bool {
    guard case .interrupted(let failure) = self, failure.stage == .endOfContent else { return false }
    if case .refused = failure.reason { return false }
    return true
  }

  /// What an operator should know, where the host refused us rather than the message.
  fileprivate func hostProblem(of host: String) -> String? {
    guard case .refused(let reply, let stage) = self,
      DeliveryOutcome.isHostProblem(DeliveryReply(reply, at: stage), at: DeliveryStage(stage))
    else { return nil }
    return "\(host) \(ClientFailure(.refused(reply), at: stage))"
  }
}

extension ClientFailure {
  /// Whether an operator should look at it, rather than wait.
  fileprivate var isHostProblem: Bool {
    switch reason {
    case .refused(let reply):
      DeliveryOutcome.isHostProblem(DeliveryReply(reply, at: stage), at: DeliveryStage(stage))
    case .tlsNotOffered, .tlsFailed, .authenticationNotOffered, .authenticationWithoutTLS, .protocolError: true
    case .timeout, .connectionLost, .abandoned, .unsendableContent: false
    }
  }
}

extension DeliveryReply {
  /// All lines of the reply, as one; of a reply to AUTH the codes alone, since its words may repeat the credentials.
  fileprivate init(_ reply: SMTPReply, at stage: ClientStage) {
    let words = stage == .authentication ? [] : reply.lines
    self.init(code: reply.code, text: ([reply.codes] + words).joined(separator: " "))
  }
}

extension DeliveryStage {
  /// What comes between two transactions is about the host, as EHLO is.
  fileprivate init(_ stage: ClientStage) {
    switch stage {
    case .greeting: self = .greeting
    case .hello, .idle, .reset, .quit: self = .hello
    case .startTLS, .handshake: self = .startTLS
    case .authentication: self = .authentication
    case .sender: self = .sender
    case .recipient: self = .recipient
    case .data: self = .data
    case .content, .endOfContent: self = .endOfContent
    }
  }
}
