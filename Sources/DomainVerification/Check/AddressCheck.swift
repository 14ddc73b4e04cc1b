import MailDNS
import MailModel

/// Does a domain exist, with an address? Mail in the name of one that does not is refused in many places.
struct AddressCheck {
  let domain: DomainName

  /// IPv4 is asked for first, and IPv6 where there is none.
  func run(_ resolver: any DNSResolver) async -> VerificationReport {
    var lookups: [DNSLookup] = []
    var finding: Finding?
    for type in [DNSRecordType.a, .aaaa] {
      let question = DNSQuestion(DNSName(domain), type)
      let answer = await resolver.resolve(question)
      lookups.append(DNSLookup(question, answer))
      finding = self.finding(question, answer)
      // Only where the name is there without this type may the other be there.
      guard answer.outcome == .noRecords else { break }
    }
    let verdict = finding.map { $0.severity == .undecided ? VerificationReport.Verdict.undecided : .failed } ?? .passed
    return VerificationReport(
      "address of \(domain)", verdict, findings: [finding].compactMap(\.self), evidence: lookups)
  }

  private func finding(_ question: DNSQuestion, _ answer: DNSAnswer) -> Finding? {
    switch answer.outcome {
    case .records: nil
    case .noRecords:
      Finding(
        .noAddress, .failure, of: "\(domain) A", "The domain exists, and has no address.",
        nextStep: "Publish an A or AAAA record at \(domain), that of its web server for example.")
    case .noSuchName:
      Finding(
        .nameNotFound, .failure, of: "\(domain) A", "There is no domain of that name.",
        nextStep:
          "Look whether \(domain) is spelt correctly, and registered; a new one can take up to 72 hours to be seen.")
    case .temporaryFailure(let reason), .malformed(let reason): .unanswered(question, reason)
    }
  }
}
