import MailDNS

extension DNSQuestion {
  /// That it has no answer, in a sentence.
  func unanswered(_ reason: String) -> String { "There is no usable answer for \(self): \(reason)." }
}

extension Finding {
  /// Nobody can tell from here whether the resolver is silent or the domain: the former is nearer, and looked at first.
  static let unansweredNextStep =
    "See that the name server which is asked answers; then look at those of the domain, and check again."

  /// A question has no answer.
  static func unanswered(_ question: DNSQuestion, _ reason: String, _ severity: Severity = .undecided) -> Finding {
    Finding(
      .dnsFailure, severity, of: question.description, question.unanswered(reason), nextStep: unansweredNextStep)
  }
}
