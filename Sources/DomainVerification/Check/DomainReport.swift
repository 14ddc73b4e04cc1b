public import LibCrypto
public import MailModel

/// What a domain's zone must hold before mail may be sent in its name.
public struct DomainRequirements: Sendable {
  /// A key that must be published.
  public struct Key: Sendable {
    /// At which selector.
    public var selector: DKIMSelector
    /// Ours, of which one must be there; none: any key that may verify mail will do.
    public var keys: [VerifyingKey]

    /// These keys at that selector.
    public init(_ selector: DKIMSelector, _ keys: [VerifyingKey] = []) { (self.selector, self.keys) = (selector, keys) }
  }

  /// The addresses that mail will come from: SPF must authorise each. None: the record is looked at, and nobody asked for.
  public var senders: [IPAddress] = []
  /// The keys that sign.
  public var keys: [Key] = []
  /// Whether a domain without a DMARC policy fails; by default it does not, and what is found is told nevertheless.
  public var requiresDMARC = false

  /// Only what every domain should have: an address, and an SPF record that can be understood.
  public init() {}
}

/// What was found at a domain, part by part.
public struct DomainReport: Hashable, Sendable {
  /// Which domain.
  public var domain: DomainName
  /// Whether it exists, with an address.
  public var address: VerificationReport
  /// Its SPF record, for each of the senders; one report where none was given. What is wrong with the record, and not in the way
  /// of a sender, is a warning there.
  public var spf: [VerificationReport]
  /// The keys published, for each that was required.
  public var keys: [VerificationReport]
  /// Its DMARC policy.
  public var dmarc: VerificationReport
  /// Whether the policy counts.
  public var requiresDMARC: Bool

  /// The reports that count, in order.
  public var decisive: [VerificationReport] { [address] + spf + keys + (requiresDMARC ? [dmarc] : []) }

  /// Failed where anything that counts has failed, undecided where the DNS did not say.
  public var verdict: VerificationReport.Verdict {
    let verdicts = decisive.map(\.verdict)
    return verdicts.contains(.failed) ? .failed : verdicts.contains(.undecided) ? .undecided : .passed
  }

  /// What to do first, in a sentence.
  public var nextStep: String {
    let gravest = decisive.first { $0.verdict == .failed } ?? decisive.first { $0.verdict == .undecided }
    let warned = decisive.first { !$0.findings.isEmpty }
    return (gravest ?? warned)?.nextStep ?? "There is nothing to do."
  }
}
