import DeliveryQueue
import MailModel
import SMTPProtocol

/// Puts what came of a session into the words of the queue.
struct SimulatedAttempt {
  /// The next host's name.
  var host: String
  /// How many recipients there are.
  var recipients: Int

  /// The transactions are over, or the session has failed amid them.
  func report(_ outcomes: [ClientOutcome], failure: ClientFailure?) -> DeliveryReport {
    DeliveryReport(
      outcomes: outcomes.map(outcome),
      hostProblem: outcomes.lazy.compactMap(problem).first,
      uncertain: Set(outcomes.indices.filter { isUncertain(outcomes[$0]) }),
      condition: condition(outcomes, failure))
  }

  /// The session failed before any transaction.
  func failed(_ failure: ClientFailure) -> DeliveryReport {
    var report = report(Array(repeating: .interrupted(failure), count: recipients), failure: failure)
    if isHostProblem(failure) { report.hostProblem = "\(host) \(failure)" }
    return report
  }

  /// There was no connection.
  func unreachable(_ reason: String) -> DeliveryReport {
    deferral("Cannot connect to \(host): \(reason)", .failed("\(host) cannot be reached: \(reason)"))
  }

  /// Nobody wanted it any more before there was a connection.
  var cancelled: DeliveryReport { deferral("Cannot connect to \(host): the delivery was cancelled", .unknown) }

  /// Which recipients belong into another transaction; `nil` where there are none.
  func postponed(_ outcomes: [ClientOutcome]) -> [Int]? {
    let places = outcomes.indices.filter { if case .postponed = outcomes[$0] { true } else { false } }
    return places.isEmpty ? nil : places
  }

  private func deferral(_ reason: String, _ condition: SiteCondition) -> DeliveryReport {
    let outcome = DeliveryOutcome.deferred(DeliveryReply(problem: reason))
    return DeliveryReport(outcomes: Array(repeating: outcome, count: recipients), condition: condition)
  }

  // MARK: For one recipient

  private func outcome(_ outcome: ClientOutcome) -> DeliveryOutcome {
    switch outcome {
    case .accepted(let reply): return .delivered(DeliveryReply(reply, at: .endOfContent))
    case .refused(let reply, let stage):
      return DeliveryOutcome(refusal: DeliveryReply(reply, at: stage), at: DeliveryStage(stage))
    case .unsuitable(let code, let reason): return .failed(DeliveryReply(problem: "\(code) \(reason)"))
    case .postponed(let reason): return .deferred(DeliveryReply(problem: reason))
    case .interrupted(let failure):
      guard case .refused(let reply) = failure.reason else {
        return .deferred(DeliveryReply(problem: "\(host) \(failure)"))
      }
      return .deferred(DeliveryReply(reply, at: failure.stage))
    @unknown default: return .deferred(DeliveryReply(problem: "Nobody here knows what came of it"))
    }
  }

  /// Whether the host may have taken the message all the same (RFC 1047).
  private func isUncertain(_ outcome: ClientOutcome) -> Bool {
    guard case .interrupted(let failure) = outcome, failure.stage == .endOfContent else { return false }
    if case .refused = failure.reason { return false }
    return true
  }

  private func problem(_ outcome: ClientOutcome) -> String? {
    switch outcome {
    case .refused(let reply, let stage)
    where DeliveryOutcome.isHostProblem(DeliveryReply(reply, at: stage), at: DeliveryStage(stage)):
      "\(host) \(ClientFailure(.refused(reply), at: stage))"
    case .interrupted(let failure) where isHostProblem(failure): "\(host) \(failure)"
    default: nil
    }
  }

  private func isHostProblem(_ failure: ClientFailure) -> Bool {
    switch failure.reason {
    case .refused(let reply):
      DeliveryOutcome.isHostProblem(DeliveryReply(reply, at: failure.stage), at: DeliveryStage(failure.stage))
    case .tlsNotOffered, .tlsFailed, .authenticationNotOffered, .authenticationWithoutTLS, .protocolError: true
    default: false
    }
  }

  // MARK: Of the site

  private func condition(_ outcomes: [ClientOutcome], _ failure: ClientFailure?) -> SiteCondition {
    if outcomes.contains(where: { if case .accepted = $0 { true } else { false } }) { return .working }
    if let failure { return condition(failure) }
    let refusals = outcomes.compactMap { outcome -> SiteCondition? in
      guard case .refused(let reply, let stage) = outcome else { return nil }
      return condition(ClientFailure(.refused(reply), at: stage))
    }
    return refusals.first { $0 != .working } ?? .working
  }

  private func condition(_ failure: ClientFailure) -> SiteCondition {
    let reason = "\(host) \(failure)"
    switch failure.reason {
    case .refused(let reply) where reply.code == 421: return .busy(reason)
    case .refused(let reply):
      return isAboutTheMessage(failure.stage) && reply.code != 530 && reply.code != 535 ? .working : .failed(reason)
    // Who has agreed to a message, and is lost over it, is there, and may have too much to do.
    case .timeout, .connectionLost:
      return isAboutTheMessage(failure.stage) && failure.stage != .sender ? .busy(reason) : .failed(reason)
    case .unsendableContent: return .working
    case .abandoned: return .unknown
    default: return .failed(reason)
    }
  }

  private func isAboutTheMessage(_ stage: ClientStage) -> Bool {
    switch stage {
    case .sender, .recipient, .data, .content, .endOfContent: true
    default: false
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
    case .startTLS, .handshake: self = .startTLS
    case .authentication: self = .authentication
    case .sender: self = .sender
    case .recipient: self = .recipient
    case .data: self = .data
    case .content, .endOfContent: self = .endOfContent
    default: self = .hello
    }
  }
}
