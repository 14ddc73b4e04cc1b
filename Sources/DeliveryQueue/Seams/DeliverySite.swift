public import MailModel

/// A next host, or hosts that stand or fall together: what deliveries to one have in common is limited, left alone and
/// probed together. Named by whatever tells a ``DeliveryTransport`` one from another, such as a domain or a relay.
public struct DeliverySite: Hashable, Sendable, CustomStringConvertible {
  /// Its name, as it shows in logs.
  public let description: String

  /// The site of that name.
  public init(_ name: String) { description = name }

  /// The site of one destination: what stands behind the recipient's `@`, `nil` for a postmaster without a domain.
  public init(_ destination: Mailbox.Host?) { description = destination?.description.lowercased() ?? "postmaster" }
}

/// What an attempt tells of a ``DeliverySite``.
@nonexhaustive public enum SiteCondition: Hashable, Sendable {
  /// It talks to us: it took the message, or refused it for what it is.
  case working
  /// It wants less from us: why, in a sentence.
  case busy(String)
  /// It could not be reached, or refuses whatever we say: why, in a sentence.
  case failed(String)
  /// Nothing: the attempt ended before it learnt anything of the site.
  case unknown

  /// What outcomes alone tell, the better of them: a reply of the next host means that it works, but for 421, with which it
  /// ends the dialogue (RFC 5321 §3.8); a deferral without a reply, that it failed.
  public init(_ outcomes: [DeliveryOutcome]) {
    var condition = SiteCondition.unknown
    for outcome in outcomes {
      switch outcome {
      case .delivered, .failed: self = .working; return
      case .deferred(let reply) where reply.code == 421: condition = .busy(reply.text)
      case .deferred(let reply) where reply.code != nil: self = .working; return
      case .deferred(let reply): if condition == .unknown { condition = .failed(reply.text) }
      }
    }
    self = condition
  }
}

/// What became of a site with the last claim.
public struct SiteChange: Hashable, Sendable {
  /// What happened.
  @nonexhaustive public enum Kind: Hashable, Sendable {
    /// Nothing is attempted there until then; after it a single message probes whether it works again. Why, in a sentence.
    case paused(until: Timestamp, because: String)
    /// It works again.
    case resumed
  }
  /// Which site.
  public var site: DeliverySite
  /// What happened.
  public var kind: Kind

  /// A change of these parts.
  public init(site: DeliverySite, kind: Kind) { (self.site, self.kind) = (site, kind) }
}
