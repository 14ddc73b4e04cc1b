public import MailDNS

/// What became of an evaluation, and everything that it rests on.
public struct SPFEvaluation: Hashable, Sendable {
  /// A record that was read.
  public struct PublishedRecord: Hashable, Sendable {
    /// Whose.
    public var domain: DNSName
    /// Its octets, strings joined.
    public var octets: [UInt8]

    /// As text; what is no visible US-ASCII stands as `\DDD`.
    public var text: String { displayed(octets) }
  }

  /// A term that matched.
  public struct Match: Hashable, Sendable {
    /// In whose record.
    public var domain: DNSName
    /// The term.
    public var directive: SPFRecord.Directive

    /// As it stands in the record.
    public var text: String { directive.text }
    /// Where it begins in the record, from 1.
    public var column: Int { directive.column }
  }

  /// What was asked.
  public let request: SPFRequest
  /// The domain that was checked; `nil` where that is none.
  public let domain: DNSName?
  /// What the domain's owner says.
  public internal(set) var result: SPFResult = .none
  /// The term that decided, and where that is an `include`, those that decided there, the outermost first. None where no term did.
  public internal(set) var matches: [Match] = []
  /// The records that were read, in order: that of the domain, those of `include` and `redirect`.
  public internal(set) var records: [PublishedRecord] = []
  /// Lookups spent, of the ten that are allowed (RFC 7208 §4.6.4).
  public internal(set) var lookupCount = 0
  /// Questions of terms that found nothing, of the two that are allowed.
  public internal(set) var voidLookupCount = 0
  /// What the owner of the domain wants said of a `fail`, in US-ASCII (RFC 7208 §6.2). His words, not ours: whoever shows them says
  /// so.
  public internal(set) var explanation: String?
  /// Why the result is `none`, `permerror` or `temperror`; `nil` for the others.
  public internal(set) var problem: SPFProblem?
  /// Every question and its answer, in order.
  public internal(set) var lookups: [DNSLookup] = []

  init(_ request: SPFRequest, domain: DNSName?) { (self.request, self.domain) = (request, domain) }

  /// The record of the domain; `nil` where none was found.
  public var record: PublishedRecord? { records.first }
  /// The term that decided; `nil` where none did.
  public var matchedTerm: Match? { matches.first }
}
