import MailDNS

extension DKIMEvaluation {
  /// What it comes to: passed where a signature passes and there is one From; a signature that does not pass is as good as none
  /// then (RFC 6376 §6.1), so its problem is a warning.
  public var report: VerificationReport {
    let verdict = verdict
    var findings = signatures.flatMap(\.findings)
    if verdict == .passed {
      for index in findings.indices where findings[index].severity.rank < Finding.Severity.warning.rank {
        findings[index].severity = .warning
      }
    }
    findings += messageFindings
    var evidence: [DNSLookup] = []
    for lookup in signatures.flatMap(\.lookups) where !evidence.contains(lookup) { evidence.append(lookup) }
    let ordered = findings.enumerated().sorted {
      ($0.element.severity.rank, $0.offset) < ($1.element.severity.rank, $1.offset)
    }
    return VerificationReport(
      "DKIM signatures of the message", verdict, findings: ordered.map(\.element), evidence: evidence)
  }

  private var verdict: VerificationReport.Verdict {
    guard fromCount == 1 else { return .failed }
    return switch result {
    case .pass: .passed
    case .temperror: .undecided
    case .fail, .policy, .neutral, .permerror, .none: .failed
    }
  }

  /// What concerns no signature alone.
  private var messageFindings: [Finding] {
    var findings: [Finding] = []
    if signatures.isEmpty {
      findings.append(
        Finding(.noSignature, .failure, of: "DKIM-Signature", "The message is not signed.", nextStep: "Sign it."))
    }
    if fromCount != 1 {
      findings.append(
        Finding(
          .headerFrom, .failure, of: "From", "The message has \(fromCount) header fields From.",
          nextStep: "Send messages with exactly one (RFC 5322 §3.6)."))
    }
    if ignoredCount > 0 {
      findings.append(
        Finding(
          .tooManySignatures, .warning, of: "DKIM-Signature", "\(ignoredCount) more signatures were not looked at.",
          nextStep: "Find out what adds so many."))
    }
    return findings
  }
}

extension Finding.Severity {
  fileprivate var rank: Int {
    switch self {
    case .failure: 0
    case .undecided: 1
    case .warning: 2
    }
  }
}
