public import MailModel

/// Attempts to hand messages on: over the network, into a file, into a test's list.
public protocol DeliveryTransport: Sendable {
  /// What the transport keeps of what a message may ask of everybody on its way. This is a promise, on which servers offer
  /// the extensions to their clients: of each message that asks for one of these, the transport hands on all that was asked
  /// for, or fails the recipients for whom the next host does not take it; but for ``MailModel/MailExtensions/transferPriorities``,
  /// which RFC 6710 lets a transport leave out where the next host does not offer it. The claim's parameters tell what is
  /// asked, whether promised here or not. Does not change. Answers at once.
  var extensions: MailExtensions { get }

  /// To which site a destination belongs: what stands behind a recipient's `@`, `nil` for a postmaster without a domain. The
  /// recipients of a message at one site are attempted together, and what is limited is limited by site. Answers at once, and
  /// asks nobody, the queue least of all, whose lock may be held; what it answers may change with time.
  func site(of destination: Mailbox.Host?) -> DeliverySite

  /// One attempt for one message and the recipients of one claim.
  ///
  /// Gives an outcome for every recipient, whatever happens; an error thrown by `content` makes deferrals. Once the next
  /// host has taken the message for a recipient, that recipient's outcome is ``DeliveryOutcome/delivered(_:)``, even if
  /// the connection then breaks. Cancellation ends the attempt soon, with deferrals for what is not known; those of
  /// recipients for whom the next host may have taken the message are ``DeliveryReport/uncertain``.
  func deliver(_ claim: Claim, content: any MessageContent) async -> DeliveryReport

  /// Lets go of what is kept between deliveries, such as connections, within seconds. To be called by whoever made the transport,
  /// when the deliveries are over. By default nothing is kept.
  func shutdown() async
}

extension DeliveryTransport {
  /// Does nothing.
  public func shutdown() async {}
}

/// What came of an attempt.
public struct DeliveryReport: Sendable {
  /// One for each recipient of the claim, in its order.
  public var outcomes: [DeliveryOutcome]
  /// Where the next host itself is at fault, so that an operator should look at it: what, in a sentence.
  public var hostProblem: String?
  /// Places in ``outcomes`` of deferrals where the next host may have taken the message all the same: the content was
  /// sent, and no reply to its end was seen (RFC 1047). Such an attempt is recorded with its reply even where we cut it
  /// off ourselves in order to stop, so that the status tells of a delivery that may be repeated. Default none.
  public var uncertain: Set<Int>
  /// What the attempt tells of the site.
  public var condition: SiteCondition

  /// A report of these parts.
  ///
  /// - Parameter condition: default: what the outcomes tell of the site.
  public init(
    outcomes: [DeliveryOutcome], hostProblem: String? = nil, uncertain: Set<Int> = [], condition: SiteCondition? = nil
  ) {
    (self.outcomes, self.hostProblem, self.uncertain) = (outcomes, hostProblem, uncertain)
    self.condition = condition ?? SiteCondition(outcomes)
  }
}

/// What came of an attempt for one recipient.
public enum DeliveryOutcome: Hashable, Sendable {
  /// The next host took it.
  case delivered(DeliveryReply)
  /// Not now.
  case deferred(DeliveryReply)
  /// Never.
  case failed(DeliveryReply)
}

/// How far the dialogue with the next host had come when it replied.
public enum DeliveryStage: Hashable, Sendable {
  /// Its greeting.
  case greeting
  /// EHLO or HELO.
  case hello
  /// STARTTLS.
  case startTLS
  /// AUTH.
  case authentication
  /// MAIL.
  case sender
  /// RCPT.
  case recipient
  /// DATA.
  case data
  /// The end of the content.
  case endOfContent
}

extension DeliveryOutcome {
  /// What a negative reply at `stage` means for the recipients that it concerns.
  ///
  /// 4xx defers. 5xx is final when it is about the recipient or the message: to RCPT, MAIL, DATA and the end of the
  /// content. Before that it is about the host and us, which a sender cannot mend and an operator can, so it defers;
  /// likewise 530 and 535 anywhere (RFC 4954 §6: we are asked for credentials, or ours are refused).
  public init(refusal reply: DeliveryReply, at stage: DeliveryStage) {
    self = Self.isHostProblem(reply, at: stage) || (reply.code ?? 0) < 500 ? .deferred(reply) : .failed(reply)
  }

  /// Whether a reply at `stage` tells of a fault of the host or of our way to it, which an operator should look at.
  public static func isHostProblem(_ reply: DeliveryReply, at stage: DeliveryStage) -> Bool {
    guard let code = reply.code, code >= 500 else { return false }
    switch stage {
    case .greeting, .hello, .startTLS, .authentication: return true
    case .sender, .recipient, .data, .endOfContent: return code == 530 || code == 535
    }
  }
}
