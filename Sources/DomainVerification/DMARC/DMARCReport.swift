import MailDNS
import MailModel

extension DMARCEvaluation {
  /// What a person who administers the domain should know of this, and do.
  ///
  /// Passed where the result is `pass`; undecided where the DNS did not answer; failed otherwise, `none` included,
  /// since a domain without DMARC may be forged by anybody.
  public var report: VerificationReport {
    let findings = problemFindings + misplacedFindings + recordFindings
    let order: [Finding.Severity] = [.failure, .undecided, .warning, .note]
    let verdict: VerificationReport.Verdict =
      switch result {
      case .pass: .passed
      case .temperror: .undecided
      case .fail, .none, .permerror: .failed
      }
    return VerificationReport(
      "DMARC of \(request.from)", verdict,
      findings: order.flatMap { severity in findings.filter { $0.severity == severity } }, evidence: lookups)
  }

  private func subject(_ domain: DomainName) -> String { "_dmarc.\(domain) TXT" }

  // MARK: Why it does not pass

  private var problemFindings: [Finding] {
    switch problem {
    case nil: []
    case .noRecord: [noRecord]
    case .severalRecords: []  // told of where it was seen
    case .unusableRecord(let domain):
      [
        Finding(
          .syntax, .failure, of: subject(domain),
          "The record has a policy that is none of none, quarantine and reject, so that it has no effect.",
          nextStep: "Write one of these behind p=, and behind sp= and np= where they are.")
      ]
    case .notAligned: [notAligned]
    case .tooManyIdentifiers(let count): [tooManyIdentifiers(count), notAligned]
    case .undecided(let identifier): [undecided(identifier)]
    case .lookupFailed(let question, let reason):
      [
        Finding(
          .dnsFailure, result == .permerror ? .failure : .undecided, of: question.description,
          "The DNS has no answer: \(reason).",
          nextStep: "See that the name servers of the domain answer this question, and ask again.")
      ]
    }
  }

  private var noRecord: Finding {
    Finding(
      .noRecord, .failure, of: subject(request.from),
      "There is no DMARC record at \(request.from) or above it.",
      nextStep:
        "Publish a TXT record at _dmarc.\(request.from) such as v=DMARC1; p=none; rua=mailto:postmaster@\(request.from)"
    )
  }

  private func tooManyIdentifiers(_ count: Int) -> Finding {
    Finding(
      .limit, .failure, of: request.from.description,
      "\(count) results of SPF and DKIM were not looked at, being of more than \(DMARCEvaluator.identifierLimit) domains.",
      nextStep: "Find out what adds so many signatures.")
  }

  private func undecided(_ identifier: DMARCIdentifier) -> Finding {
    let method = identifier.method.rawValue.uppercased()
    return Finding(
      .dnsFailure, .undecided, of: identifier.domain.description,
      "\(method) of \(identifier.domain) could not be decided, and would be aligned.",
      nextStep: "Look at the report of \(method), or ask again later.")
  }

  private var notAligned: Finding {
    let passed = request.identifiers.filter { $0.result == "pass" }
    let found =
      passed.isEmpty
      ? "neither SPF nor DKIM passed"
      : passed.prefix(DMARCEvaluator.identifierLimit).map {
        "\($0.method.rawValue.uppercased()) passed for \($0.domain)"
      }
      .joined(separator: ", ")
    return Finding(
      .notAligned, .failure, of: request.from.description,
      "Nothing that passed speaks for \(request.from): \(found).",
      nextStep: "Sign with DKIM as \(request.from), or send with a MAIL FROM of that domain that SPF authorises.")
  }

  // MARK: What the DNS holds

  /// Records that are many, and texts that would be records but for their beginning. The check fails by them only where
  /// there is no other record.
  private var misplacedFindings: [Finding] {
    let severity: Finding.Severity = result == .none ? .failure : .warning
    return lookups.filter { $0.question.type == .txt }.flatMap { lookup in
      let (subject, count) = (lookup.question.description, lookup.answer.dmarcRecords.count)
      let misspelt = lookup.answer.texts.first { !DMARCRecord.isDMARC($0.octets) && $0.octets.mentionsDMARC }
      return [
        count < 2
          ? nil
          : Finding(
            .severalRecords, severity, of: subject, "There are \(count) DMARC records, which makes them none.",
            nextStep: "Leave one of them."),
        misspelt.map { _ in
          Finding(
            .syntax, severity, of: subject, "A text is no DMARC record: at column 1 it does not begin with v=DMARC1;",
            nextStep: "Write it with v=DMARC1; at its beginning, in this case and with nothing before it.")
        },
      ].compactMap(\.self)
    }
  }

  private var recordFindings: [Finding] {
    guard let record, let policyDomain else { return [] }
    let subject = subject(policyDomain)
    var findings = record.problems.prefix(Self.problemLimit).map { problem in
      Finding(
        .syntax, .warning, of: subject, "The record is wrong at \(problem).",
        nextStep: "Mend it: who reads the record leaves that part out.")
    }
    if publishedPolicy == DMARCPolicy.none {
      findings.append(
        Finding(
          .policyNone, .warning, of: subject, "The policy for \(request.from) is none: messages that fail are let in.",
          nextStep: "When the reports show that all your mail passes, set p=quarantine, and later p=reject."))
    }
    if let own = record.policy, let weaker = record.weakerSubdomainTag(than: own) {
      findings.append(
        Finding(
          .weakSubdomainPolicy, .warning, of: subject,
          "\(weaker)= is weaker than p=\(own.rawValue), so that names below \(policyDomain) can be forged.",
          nextStep: "Take \(weaker)= out, or set it as strict as p=."))
    }
    if record.isInTestMode || record.percentage < 100 {
      let tag = record.isInTestMode ? "t=y" : "pct=\(record.percentage)"
      findings.append(
        Finding(
          .policyInTesting, .warning, of: subject, "The record has \(tag), by which its policy is not wholly applied.",
          nextStep: "Take \(tag) out when the reports show that all your mail passes."))
    }
    return findings
  }

  /// Most problems of a record that a report tells of; all are in ``DMARCRecord/problems``.
  private static let problemLimit = 10
}

extension DMARCRecord {
  fileprivate func weakerSubdomainTag(than own: DMARCPolicy) -> String? {
    if let policy = subdomainPolicy, policy < own { return "sp" }
    if let policy = nonexistentSubdomainPolicy, policy < own { return "np" }
    return nil
  }
}

extension [UInt8] {
  /// Whether `dmarc1` is among the first octets, in any case.
  fileprivate var mentionsDMARC: Bool {
    String(decoding: prefix(64).map(\.asciiLowercased), as: UTF8.self).contains("dmarc1")
  }
}
