import MailDNS

extension SPFAnalysis {
  /// The analysis for a person. It passes where a sender who is authorised would; what somebody should look at is a warning.
  public var report: VerificationReport {
    let verdict: VerificationReport.Verdict =
      problem.map { $0.result == .temperror ? .undecided : .failed } ?? .passed
    return VerificationReport(
      "SPF of \(domain)", verdict,
      findings: [finding].compactMap(\.self) + endWarnings + records.spfWarnings, evidence: lookups)
  }

  /// What is wrong, for a person.
  var finding: Finding? { problem.map { $0.finding(of: domain.description) } }

  /// What an evaluation says in the end to whoever is not named. Nothing where that is not known: where a `redirect` leads on to a
  /// record that was not read.
  private var endWarnings: [Finding] {
    guard let last = decidingRecords.last, last.record.hasAll || last.record.redirect == nil else { return [] }
    var warnings: [Finding] = []
    if !decidingRecords.contains(where: \.record.authorizesSomebody) {
      warnings.append(
        Finding(
          .authorizesNobody, .warning, of: "\(domain) TXT",
          "The record authorises nobody to send in the name of \(domain).",
          nextStep: "Add the addresses that send, by ip4, ip6 or include, before its all; if none does, leave it so."))
    }
    if !last.record.hasAll {
      warnings.append(
        Finding(
          .noDefault, .warning, of: "\(last.domain) TXT",
          "The record has neither all nor redirect: it says nothing of whom no term matches (neutral).",
          nextStep: "End it with -all or ~all."))
    }
    return warnings
  }
}

extension SPFRecord {
  /// Whether anybody can pass by a term of its own.
  fileprivate var authorizesSomebody: Bool { reachableDirectives.contains { $0.result == .pass } }
}
