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
    return text(lines + findings(evaluation.report))
  }

  static func dkim(_ evaluation: DKIMEvaluation) -> String {
    var lines = evaluation.signatures.map(signature)
    if lines.isEmpty { lines = [evaluation.result.rawValue] }
    return text(lines + findings(evaluation.report))
  }

  private static func signature(_ signature: DKIMSignatureEvaluation) -> String {
    var parts = [signature.result.rawValue]
    if let domain = signature.domain { parts.append("d=\(domain)") }
    if let selector = signature.selector { parts.append("s=\(selector)") }
    if let algorithm = signature.algorithm { parts.append("a=\(algorithm)") }
    if let bits = signature.keyBits { parts.append("(\(bits) bits)") }
    if let problem = signature.problem { parts.append("\(problem.code)") }
    return parts.joined(separator: " ")
  }

  static func dmarc(_ findings: DMARCFindings) -> String {
    let evaluation = findings.dmarc
    var lines = ["\(findings.result) \(evaluation.request.from)"]
    if let domain = evaluation.policyDomain, let record = evaluation.record {
      lines.append("  record   _dmarc.\(domain): \(record)")
    }
    if let policy = evaluation.policy { lines.append("  policy   \(policy.rawValue) for what fails") }
    if let domain = evaluation.organizationalDomain { lines.append("  organisation's domain  \(domain)") }
    lines += findings.alignedBy.map { "  aligned  \($0)" }
    lines += self.findings(evaluation.report)
    for report in [findings.spf?.report, findings.dkim?.report].compactMap(\.self) { lines += part(report) }
    return text(lines)
  }

  static func domain(_ report: DomainReport) -> String {
    let parts = [report.address] + report.spf + report.keys + [report.dmarc]
    return text(["\(report.verdict.rawValue) \(report.domain)"] + parts.flatMap(part))
  }

  /// One of several things that were checked.
  private static func part(_ report: VerificationReport) -> [String] {
    ["\(report.verdict.rawValue)  \(report.subject)"] + findings(report)
  }

  /// What was found, each with what to do about it.
  private static func findings(_ report: VerificationReport) -> [String] {
    report.findings.flatMap { finding in
      [
        "  \(finding.severity.rawValue)  \(finding.code) at \(finding.subject): \(finding.message)",
        "    → \(finding.nextStep)",
      ]
    }
  }

  /// What was found of a message that cannot be checked.
  static func refusal(_ result: String, _ report: VerificationReport) -> String { text([result] + findings(report)) }

  private static func text(_ lines: [String]) -> String { lines.map(line).joined(separator: "\n") }

  /// Most characters of a line: a record can have 64 KiB. JSON has it all.
  private static let lineLimit = 2_000

  /// What others wrote must not begin a line of its own, which would pass for ours: a tag of a signature can be folded.
  private static func line(_ text: String) -> String {
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
    let count = line.count
    return count > lineLimit ? line.prefix(lineLimit) + "… (\(count) characters)" : line
  }
}
