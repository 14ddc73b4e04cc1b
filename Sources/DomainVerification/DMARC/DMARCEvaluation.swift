public import MailDNS
public import MailModel

/// How DMARC ends (RFC 9989 §9.2, RFC 7489 §11.2).
public enum DMARCResult: String, Hashable, Sendable, CaseIterable {
  /// A policy exists, and an authenticated domain is aligned with the author's.
  case pass
  /// A policy exists, and none is aligned.
  case fail
  /// No policy exists.
  case none
  /// The DNS did not say; later it may.
  case temperror
  /// A record cannot be used, or a DNS answer cannot be read; asking again will not help.
  case permerror
}

/// Why a result is not `pass`.
@nonexhaustive public enum DMARCProblem: Hashable, Sendable {
  /// There is no record, neither at the domain nor above it.
  case noRecord
  /// There are several records at this domain, which makes them none.
  case severalRecords(DomainName)
  /// The record at this domain has a policy that is none, and asks for no reports.
  case unusableRecord(DomainName)
  /// Nothing that passed is aligned.
  case notAligned
  /// Nothing that passed and was looked at is aligned, and so many were left out: more than ``DMARCEvaluator/identifierLimit``
  /// domains would have to be looked up.
  case tooManyIdentifiers(Int)
  /// This passes or not, nobody knows yet, and would be aligned.
  case undecided(DMARCIdentifier)
  /// A question has no answer, for this reason.
  case lookupFailed(DNSQuestion, String)
}

/// What DMARC says of a message, and what it rests on.
public struct DMARCEvaluation: Hashable, Sendable {
  /// The tag that a policy is taken from, or would be if it were there.
  public enum PolicyTag: String, Hashable, Sendable {
    /// The record is the author domain's own.
    case p
    /// The record stands above it.
    case sp
    /// The record stands above it, and the author domain does not exist.
    case np
  }

  /// What was asked.
  public let request: DMARCRequest
  /// How it ends.
  public internal(set) var result: DMARCResult = .none
  /// Where the record stands, without `_dmarc`.
  public internal(set) var policyDomain: DomainName?
  /// The record that counts.
  public internal(set) var record: DMARCRecord?
  /// Which of its tags says what to do.
  public internal(set) var policyTag: PolicyTag?
  /// What the owner asks for messages that fail, whether this one does or not.
  public internal(set) var publishedPolicy: DMARCPolicy?
  /// What he wants applied to them: one level less in test mode. The percentage of `pct=` is the caller's to draw by,
  /// if he still goes by RFC 7489; see ``DMARCRecord/percentage``.
  public internal(set) var policy: DMARCPolicy?
  /// The organisation's domain of the author's; `nil` where it did not matter, or could not be found.
  public internal(set) var organizationalDomain: DomainName?
  /// What passed and is aligned, in the order of the request.
  public internal(set) var alignedBy: [DMARCIdentifier] = []
  /// Why the result is not `pass`.
  public internal(set) var problem: DMARCProblem?
  /// Every question that was asked, and its answer, in order.
  public internal(set) var lookups: [DNSLookup] = []

  init(_ request: DMARCRequest) { self.request = request }
}
