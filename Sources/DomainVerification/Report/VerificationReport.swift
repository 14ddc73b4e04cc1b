public import MailDNS

/// What a check says, and what it rests on.
public struct VerificationReport: Hashable, Sendable {
  /// How a check ends.
  public enum Verdict: String, Hashable, Sendable {
    /// Everything is as it must be.
    case passed
    /// Something is not; the findings say what.
    case failed
    /// The DNS does not say; ask again.
    case undecided
  }

  /// What was checked: `SPF of example.com for 192.0.2.1`.
  public var subject: String
  /// How it ends.
  public var verdict: Verdict
  /// What was found, the gravest first.
  public var findings: [Finding]
  /// Every question that was asked, and its answer, in order.
  public var evidence: [DNSLookup]

  /// A report of these parts.
  public init(_ subject: String, _ verdict: Verdict, findings: [Finding], evidence: [DNSLookup]) {
    (self.subject, self.verdict) = (subject, verdict)
    (self.findings, self.evidence) = (findings, evidence)
  }

  /// What to do first, in a sentence.
  public var nextStep: String { findings.first?.nextStep ?? "There is nothing to do." }
}
