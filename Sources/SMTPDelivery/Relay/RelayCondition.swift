import DeliveryQueue
import MailModel
import SMTPProtocol

extension RelayResult {
  /// What an attempt tells of the relay, whatever it was to deliver. Words of the relay stand in the reasons only as far as
  /// ``SMTPProtocol/ClientFailure`` repeats them, so nobody's address does.
  func condition(of relay: RelayEndpoint) -> SiteCondition {
    switch self {
    case .unreachable(let unreachable):
      return unreachable.isOurs ? .unknown : .failed("\(relay) cannot be reached: \(unreachable.reason)")
    case .finished(let outcomes):
      return outcomes.hasTakenOne ? .working : outcomes.worstRefusal(by: relay) ?? .working
    case .failed(let failure, let outcomes):
      if outcomes.hasTakenOne { return .working }
      return failure.condition(of: relay) ?? outcomes.worstRefusal(by: relay) ?? .unknown
    }
  }
}

extension [ClientOutcome] {
  /// Whether the relay has taken the message for anybody.
  fileprivate var hasTakenOne: Bool { contains { if case .accepted = $0 { true } else { false } } }

  /// What refusals of the message and of recipients tell; `nil` where there are none.
  fileprivate func worstRefusal(by relay: RelayEndpoint) -> SiteCondition? {
    let conditions = compactMap { outcome -> SiteCondition? in
      guard case .refused(let reply, let stage) = outcome else { return nil }
      return ClientFailure(.refused(reply), at: stage).condition(of: relay)
    }
    return conditions.first { $0 != .working } ?? conditions.first
  }
}

extension ClientFailure {
  /// What the end of a session tells of its server, or a refusal within it; `nil` for nothing.
  fileprivate func condition(of relay: RelayEndpoint) -> SiteCondition? {
    switch reason {
    case .refused(let reply):
      if reply.asksForLess(isAboutTheMessage: isAboutTheMessage) { return .busy("\(relay) \(self)") }
      return isAboutTheMessage && !reply.refusesUs ? .working : .failed("\(relay) \(self)")
    case .tlsNotOffered, .tlsFailed, .authenticationNotOffered, .authenticationWithoutTLS, .protocolError:
      return .failed("\(relay) \(self)")
    case .timeout, .connectionLost:
      // Who has agreed to a message, and is lost over it, is there, and may have too much to do; or it is that message.
      return isAboutTheMessage && stage != .sender ? .busy("\(relay) \(self)") : .failed("\(relay) \(self)")
    case .unsendableContent:
      // It was asked for, so everything was well until then.
      return .working
    case .abandoned: return nil
    }
  }

  /// Whether what comes at this stage is about a message, rather than about us.
  private var isAboutTheMessage: Bool {
    switch stage {
    case .sender, .recipient, .data, .content, .endOfContent: true
    default: false
    }
  }
}

extension SMTPReply {
  /// Whether it is about our credentials, wherever it comes (RFC 4954 §6).
  fileprivate var refusesUs: Bool { code == 530 || code == 535 }

  /// Whether the server wants fewer connections or fewer messages.
  ///
  /// 421 ends a session (RFC 5321 §3.8), X.3.2 is a system that takes no messages now, X.4.5 a congested one (RFC 3463 §3.4,
  /// §3.5). For "not so many" there is no code that all use, so the words tell, in a reply that is not about an address, a
  /// mailbox or the content. A final refusal of a message is about that message, whatever it says.
  fileprivate func asksForLess(isAboutTheMessage: Bool) -> Bool {
    if code == 421 { return true }
    if code >= 500, isAboutTheMessage { return false }
    if let enhancedCode {
      switch (enhancedCode.subject, enhancedCode.detail) {
      case (3, 2), (4, 5): return true
      case (1, _), (2, _), (6, _): return false
      default: break
      }
    }
    let words = lines.joined(separator: " ").lowercased()
    return Self.wordsForLess.contains { words.contains($0) }
  }

  /// As large providers and the usual servers put it.
  private static let wordsForLess = [
    "too many connections", "too many concurrent", "too many simultaneous", "too many sessions", "too many messages",
    "too much mail", "too much traffic", "unexpected volume", "connection limit", "connections exceeded",
    "connection rate", "message rate", "sending rate", "unusual rate", "rate limit", "rate-limit", "ratelimit",
    "rate exceeded", "throttl", "slow down", "too fast", "too quickly", "server busy", "too busy", "system busy",
    "congest", "overload", "resources temporarily unavailable",
  ]
}
