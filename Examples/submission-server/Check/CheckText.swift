import DomainVerification
import MailDNS
import MailModel

/// What a check says, for a person. Whatever comes from the DNS or from a message is shown by ``show(_:terminator:)``.
enum CheckText {
  static func spf(_ evaluation: SPFEvaluation) -> String {
    let request = evaluation.request
    var lines = ["\(evaluation.result.rawValue) \(request.clientAddress) for \(request.sender)"]
    lines += evaluation.matches.map { "  matched  \($0.text) (column \($0.column) of the record of \($0.domain))" }
    lines += evaluation.records.map { "  record   \($0.domain): \($0.text)" }
    lines.append(
      "  lookups  \(evaluation.lookupCount) of 10; questions that found nothing: \(evaluation.voidLookupCount) of 2")
    if let explanation = evaluation.explanation { lines.append("  the domain's own words: \(explanation)") }
    return (lines + findings(evaluation.report)).joined(separator: "\n")
  }

  static func dkim(_ evaluation: DKIMEvaluation) -> String {
    var lines = evaluation.signatures.map(signature)
    if lines.isEmpty { lines = [evaluation.result.rawValue] }
    return (lines + findings(evaluation.report)).joined(separator: "\n")
  }

  private static func signature(_ signature: DKIMSignatureEvaluation) -> String {
    var parts = [signature.result.rawValue]
    if let domain = signature.domain { parts.append("d=\(domain)") }
    if let selector = signature.selector { parts.append("s=\(selector)") }
    if let algorithm = signature.algorithm { parts.append("a=\(algorithm)") }
    if let bits = signature.keyBits { parts.append("(\(bits) bits)") }
    if let problem = signature.problem { parts.append("\(problem.code)") }
    return line(parts.joined(separator: " "))
  }

  static func dmarc(_ evaluation: DMARCEvaluation) -> String {
    var lines = ["\(evaluation.result.rawValue) \(evaluation.request.from)"]
    if let domain = evaluation.policyDomain, let record = evaluation.record {
      lines.append("  record   _dmarc.\(domain): \(record)")
    }
    if let policy = evaluation.policy { lines.append("  policy   \(policy.rawValue) for what fails") }
    if let domain = evaluation.organizationalDomain { lines.append("  organisation's domain  \(domain)") }
    lines += evaluation.alignedBy.map { "  aligned  \($0)" }
    return (lines + findings(evaluation.report)).joined(separator: "\n")
  }

  static func domain(_ report: DomainReport) -> String {
    var lines = ["\(report.verdict.rawValue) \(report.domain)"]
    let parts = [report.address] + report.spf + report.keys + [report.dmarc]
    for part in parts { lines += ["\(part.verdict.rawValue)  \(part.subject)"] + findings(part) }
    return lines.joined(separator: "\n")
  }

  /// What was found, each with what to do about it.
  static func findings(_ report: VerificationReport) -> [String] {
    report.findings.flatMap { finding in
      [
        line("  \(finding.severity.rawValue)  \(finding.code) at \(finding.subject): \(finding.message)"),
        line("    → \(finding.nextStep)"),
      ]
    }
  }

  /// What others wrote must not begin a line of its own, which would pass for ours: a tag of a signature can be folded.
  private static func line(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}
