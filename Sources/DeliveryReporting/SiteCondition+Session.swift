package import DeliveryQueue
import MailModel
import SMTPProtocol

extension SessionResult {
  /// What an attempt tells of the host, whatever it was to deliver. Words of the host stand in the reasons only as far as
  /// ``SMTPProtocol/ClientFailure`` repeats them, so nobody's address does.
  package func condition(of host: String) -> SiteCondition {
    switch self {
    case .unreachable(let unreachable):
      return unreachable.isOurs ? .unknown : .failed("\(host) cannot be reached: \(unreachable.reason)")
    case .finished(let outcomes):
      return outcomes.hasTakenOne ? .working : outcomes.worstRefusal(by: host) ?? .working
    case .failed(let failure, let outcomes):
      if outcomes.hasTakenOne { return .working }
      return failure.condition(of: host) ?? outcomes.worstRefusal(by: host) ?? .unknown
    }
  }
}

extension [ClientOutcome] {
  /// Whether the host has taken the message for anybody.
  fileprivate var hasTakenOne: Bool { contains { if case .accepted = $0 { true } else { false } } }

  /// What refusals of the message and of recipients tell; `nil` where there are none.
  fileprivate func worstRefusal(by host: String) -> SiteCondition? {
    let conditions = compactMap { outcome -> SiteCondition? in
      guard case .refused(let reply, let stage) = outcome else { return nil }
      return ClientFailure(.refused(reply), at: stage).condition(of: host)
    }
    return conditions.first { $0 != .working } ?? conditions.first
  }
}

extension ClientFailure {
  /// What the end of a session tells of its server, or a refusal within it; `nil` for nothing.
  fileprivate func condition(of host: String) -> SiteCondition? {
    switch reason {
    case .refused(let reply):
      if reply.asksForLess(isAboutTheMessage: isAboutTheMessage) { return .busy("\(host) \(self)") }
      return isAboutTheMessage && !reply.refusesUs ? .working : .failed("\(host) \(self)")
    case .tlsNotOffered, .tlsFailed, .authenticationNotOffered, .authenticationWithoutTLS, .protocolError:
      return .failed("\(host) \(self)")
    case .timeout, .connectionLost:
      // Who is lost over a message is there, and it may be that message: a sender who knows of one that makes the host hang up
      // must not have it paused for all. Where the host itself is at fault, the next session tells, before its MAIL.
      return isAboutTheMessage ? nil : .failed("\(host) \(self)")
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
    let words = wordsOfItsOwn.lowercased()
    return Self.wordsForLess.contains { words.contains($0) }
  }

  /// What it says, without what it may repeat of an envelope, which a sender chooses: quotations, addresses, and names of hosts.
  private var wordsOfItsOwn: String {
    let unquoted = lines.joined(separator: " ").utf8.withoutQuotations
    // Only these end an address that is repeated: another kind of space may stand within.
    let words = unquoted.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    return words.filter { !$0.namesSomebody }.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
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

extension String.UTF8View {
  /// Without what stands between quotation marks, which are part of an address (RFC 5321 §4.1.2) if they hold spaces there.
  fileprivate var withoutQuotations: [UInt8] {
    var (rest, isQuoted, isEscaped) = ([UInt8](), false, false)
    for octet in self {
      if isEscaped {
        isEscaped = false
      } else if octet == UInt8(ascii: "\"") {
        isQuoted.toggle()
      } else if isQuoted {
        isEscaped = octet == UInt8(ascii: "\\")
      } else {
        rest.append(octet)
      }
    }
    return rest
  }
}

extension ArraySlice<UInt8> {
  /// Whether it is an address, or a name with a dot within.
  fileprivate var namesSomebody: Bool {
    contains(UInt8(ascii: "@"))
      || indices.dropLast().contains {
        self[$0] == UInt8(ascii: ".") && $0 > startIndex && self[$0 - 1].isWithinAName && self[$0 + 1].isWithinAName
      }
  }
}

extension UInt8 {
  fileprivate var isWithinAName: Bool { isASCIIAlphanumeric || self >= 0x80 }
}
