public import LibCrypto
public import MailDNS
public import MailModel

/// What is published at a selector, and whether it is our key.
public struct DKIMKeyEvaluation: Sendable {
  /// How a check of a published key ends.
  @nonexhaustive public enum Outcome: Hashable, Sendable {
    /// One record, whose key is ours and may verify mail.
    case published
    /// There is no such name.
    case nameNotFound
    /// The name is there, without a TXT record.
    case noText
    /// There is a TXT record that is no key record at all.
    case noKeyRecord
    /// There are so many TXT records, where one may be (RFC 6376 §3.6.2.2).
    case severalRecords(Int)
    /// The record breaks its grammar.
    case syntax(DKIMKeyProblem)
    /// The key was taken back: `p=` is empty.
    case revoked
    /// The key is another than ours.
    case differs(published: VerifyingKey)
    /// The key, or what the record says of it, keeps it from verifying our mail: ``DKIMKeyProblem/Kind``.
    case notUsable(DKIMKeyProblem)
    /// The DNS does not say. With the reason.
    case dnsFailure(String)
  }

  /// Whose key.
  public var domain: DomainName
  /// Which.
  public var selector: DKIMSelector
  /// The keys of which one must be published; none where any key will do.
  public var expected: [VerifyingKey]
  /// How it ends.
  public var outcome: Outcome
  /// The record, where there is one that can be read.
  public var record: DKIMKeyRecord?
  /// The TXT records at the selector, as they came.
  public var texts: [DNSText]
  /// Where the record was found that is missing here, because the domain stands twice in its name: in many DNS panels names are
  /// entered without the domain.
  public var doubledName: DNSName?
  /// Every question that was asked, and its answer, in order.
  public var lookups: [DNSLookup]

  init(_ selector: DKIMSelector, _ domain: DomainName, expecting expected: [VerifyingKey]) {
    (self.selector, self.domain, self.expected) = (selector, domain, expected)
    (outcome, texts, lookups) = (.nameNotFound, [], [])
  }
}
