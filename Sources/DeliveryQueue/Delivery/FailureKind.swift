import MailModel

/// What an attempt that was deferred, or refused for good, failed for: by the reply's code, its enhanced code (RFC 3463), and
/// what else the attempt told of the site. It decides when the recipient is tried again, see ``RetrySchedule``.
///
/// In this order:
///
/// 1. No reply came: ``host``, unless the site is known to work or nothing is known of it; then ``transaction``.
/// 2. The words speak of greylisting: ``greylisting``. Most who greylist say so, under whatever code.
/// 3. The reply asks for TLS or credentials, or refuses ours: ``host`` (454, 530, 534, 535, 538: RFC 3207, RFC 4954 §6).
/// 4. 450 or 451 without an enhanced code, or with x.2.0, x.7.0 or x.7.1: ``greylisting``, as the usual greylisters have it
///    (RFC 6647). At which command makes no difference, since some wait for the content.
/// 5. The subject of the enhanced code: x.1 and x.2 ``recipient``, but for x.1.7 and x.1.8, which are about the sender; x.4 and
///    x.3.2 ``host``; x.7 ``policy``; x.3, x.5 and x.6 ``transaction``.
/// 6. 421 or 5xx that is no refusal of the message: ``host``. 450, 550, 551, 553: ``recipient``. Else ``transaction``.
@nonexhaustive public enum FailureKind: String, Hashable, Sendable, CaseIterable {
  /// This recipient: unknown, full, disabled for now.
  case recipient
  /// This message, or this dialogue: too large, out of space, out of step, a fault without a name.
  case transaction
  /// The next host, or the way to it.
  case host
  /// What the next host thinks of us or of the message: limits of rate, reputation, authentication of mail.
  case policy
  /// A host that lets in who comes again after some minutes, and forgets who does not come again for hours.
  case greylisting

  /// What a reply, or what stands in its place, tells.
  ///
  /// - Parameter condition: what the same attempt told of the site.
  package init(_ reply: DeliveryReply, at condition: SiteCondition = .unknown) {
    guard let code = reply.code else {
      self = condition.isTrouble ? .host : .transaction
      return
    }
    let enhanced = reply.enhancedCode
    if reply.speaksOfGreylisting {
      self = .greylisting
    } else if [454, 530, 534, 535, 538].contains(code) {
      self = .host
    } else if code == 450 || code == 451, enhanced?.isUsedByGreylisters ?? true {
      self = .greylisting
    } else {
      self = enhanced.flatMap(Self.init(subjectOf:)) ?? Self(code, at: condition)
    }
  }

  private init?(subjectOf code: EnhancedStatusCode) {
    switch (code.subject, code.detail) {
    case (1, 7), (1, 8): self = .transaction
    case (1, _), (2, _): self = .recipient
    case (4, _), (3, 2): self = .host
    case (7, _): self = .policy
    case (3, _), (5, _), (6, _): self = .transaction
    default: return nil
    }
  }

  private init(_ code: UInt16, at condition: SiteCondition) {
    switch code {
    case 421: self = .host
    case 500..<600 where condition.isTrouble: self = .host
    case 450, 550, 551, 553: self = .recipient
    default: self = .transaction
    }
  }
}

extension SiteCondition {
  fileprivate var isTrouble: Bool {
    switch self {
    case .busy, .failed: true
    case .working, .unknown: false
    }
  }
}

extension EnhancedStatusCode {
  /// postgrey says 4.2.0; milter-greylist, and filters that have a message refused by the host's own words, 4.7.1 or 4.7.0.
  fileprivate var isUsedByGreylisters: Bool {
    (subject == 2 && detail == 0) || (subject == 7 && detail <= 1)
  }
}

extension DeliveryReply {
  /// What stands behind the code, if it is an enhanced code.
  fileprivate var enhancedCode: EnhancedStatusCode? {
    let words = text.split(separator: " ", maxSplits: 2)
    return words.count > 1 ? EnhancedStatusCode(String(words[1])) : nil
  }

  fileprivate var speaksOfGreylisting: Bool {
    guard let code, (400..<500).contains(code) else { return false }
    let text = text.lowercased()
    return ["greylist", "graylist", "grey-list", "gray-list", "grey list", "gray list"].contains { text.contains($0) }
  }
}
