import DeliveryQueue
import MailModel
import SMTPProtocol

/// What came of one connection, in the words of the session.
enum RelayResult: Equatable {
  /// The transaction is over.
  case finished([ClientOutcome])
  /// The session ended before; without outcomes where the transaction had not begun.
  case failed(ClientFailure, [ClientOutcome])
  /// There was no connection.
  case unreachable(RelayConnector.Unreachable)

  /// Why TLS was tried in vain, if it was.
  var handshakeFailure: ClientFailure? {
    guard case .failed(let failure, _) = self, failure.stage == .handshake else { return nil }
    switch failure.reason {
    case .tlsFailed, .connectionLost, .timeout: return failure
    default: return nil
    }
  }

  /// Whether the host ended the session, or let it end, before it agreed to anything of a transaction: no content was sent,
  /// and for nobody the host has answered.
  var endedUnheard: Bool {
    guard case .failed(let failure, _) = self else { return false }
    if case .abandoned = failure.reason { return false }
    switch failure.stage {
    case .idle, .reset, .sender: return true
    default: return false
    }
  }

  /// Which recipients belong into another transaction; `nil` where there are none, or the session is over.
  var postponed: [Int]? {
    guard case .finished(let outcomes) = self else { return nil }
    let places = outcomes.indices.filter { if case .postponed = outcomes[$0] { true } else { false } }
    return places.isEmpty ? nil : places
  }

  /// This result for the recipients at `places`, and for the others what an earlier transaction brought.
  func joined(to earlier: RelayResult, at places: [Int]) -> RelayResult {
    guard case .finished(var all) = earlier else { return self }
    func join(_ outcomes: [ClientOutcome]) -> [ClientOutcome] {
      for (place, outcome) in zip(places, outcomes) { all[place] = outcome }
      return all
    }
    switch self {
    case .finished(let outcomes): return .finished(join(outcomes))
    case .failed(let failure, let outcomes):
      let known = outcomes.isEmpty ? Array(repeating: .interrupted(failure), count: places.count) : outcomes
      return .failed(failure, join(known))
    case .unreachable: return earlier
    }
  }
}

extension DeliveryReport {
  /// In the words of the queue.
  ///
  /// - Parameter downgrade: why the attempt went on in clear although TLS was offered: for the log, whatever the outcomes.
  init(_ result: RelayResult, downgrade: ClientFailure?, of recipients: Int, by relay: RelayEndpoint) {
    self.init(result, of: recipients, by: relay)
    condition = result.condition(of: relay)
    guard let downgrade else { return }
    let problem = "\(relay) \(downgrade), and was spoken to in clear"
    hostProblem = hostProblem.map { "\(problem); \($0)" } ?? problem
  }

  private init(_ result: RelayResult, of recipients: Int, by relay: RelayEndpoint) {
    switch result {
    case .finished(let outcomes):
      self.init(
        outcomes: outcomes.map { DeliveryOutcome($0, by: relay) },
        hostProblem: outcomes.lazy.compactMap { $0.hostProblem(of: relay) }.first)
    case .failed(let failure, let outcomes):
      let known = outcomes.isEmpty ? Array(repeating: .interrupted(failure), count: recipients) : outcomes
      self.init(
        outcomes: known.map { DeliveryOutcome($0, by: relay) },
        hostProblem: failure.isHostProblem
          ? "\(relay) \(failure)" : known.lazy.compactMap { $0.hostProblem(of: relay) }.first,
        uncertain: Set(known.indices.filter { known[$0].isUncertain }))
    case .unreachable(let why):
      let outcome = DeliveryOutcome.deferred(DeliveryReply(problem: "Cannot connect to \(relay): \(why.reason)"))
      self.init(outcomes: Array(repeating: outcome, count: recipients))
    }
  }
}

extension DeliveryOutcome {
  fileprivate init(_ outcome: ClientOutcome, by relay: RelayEndpoint) {
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
        self = .deferred(DeliveryReply(problem: "\(relay) \(failure)"))
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
  fileprivate func hostProblem(of relay: RelayEndpoint) -> String? {
    guard case .refused(let reply, let stage) = self,
      DeliveryOutcome.isHostProblem(DeliveryReply(reply, at: stage), at: DeliveryStage(stage))
    else { return nil }
    return "\(relay) \(ClientFailure(.refused(reply), at: stage))"
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
