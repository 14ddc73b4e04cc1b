import MailDNS
import MailModel

extension SPFEvaluation {
  /// The evaluation for a person: a pass is passed, `temperror` is undecided, everything else has failed. What somebody should look
  /// at in the records, such as `+all`, is a warning.
  public var report: VerificationReport {
    let verdict: VerificationReport.Verdict =
      switch result {
      case .pass: .passed
      case .temperror: .undecided
      case .fail, .softfail, .neutral, .none, .permerror: .failed
      }
    let findings = [mainFinding].compactMap(\.self) + records.spfWarnings
    return VerificationReport(
      "SPF of \(checkedName) for \(request.clientAddress)", verdict, findings: findings, evidence: lookups)
  }

  private var checkedName: String { domain?.description ?? displayed(request.domain.utf8) }

  private var mainFinding: Finding? {
    if let problem { return problem.finding(of: checkedName) }
    let subject = "\(checkedName) TXT"
    let place = matchedTerm.map { "\($0.text) at column \($0.column) of the record of \($0.domain)" }
    let term = "\(request.clientAddress.mechanismName):\(request.clientAddress)"
    switch result {
    case .fail, .softfail:
      return Finding(
        .notAuthorized, .failure, of: subject,
        "\(request.clientAddress) is not authorised: \(result) by \(place ?? "the record").",
        nextStep: "Add \(term) to the record before its all, or the include of whoever sends from there.")
    case .neutral:
      return Finding(
        .noStatement, .failure, of: subject,
        "The record says nothing of \(request.clientAddress): neutral, \(place.map { "by \($0)" } ?? "as no term matches").",
        nextStep: "Add \(term) to the record, or the include of whoever sends from there, and end it with -all or ~all."
      )
    case .pass, .none, .permerror, .temperror: return nil
    }
  }
}

extension SPFProblem {
  /// What it means for the domain that was checked.
  func finding(of checked: String) -> Finding {
    let subject = domain.map { "\($0) TXT" } ?? "\(checked) TXT"
    let place = column.map { " (Column \($0) of the record of \(domain?.description ?? checked).)" }
    let (code, step) = remedy
    return Finding(
      code, result == .temperror ? .undecided : .failure, of: subject, message + (place ?? ""), nextStep: step)
  }

  private var remedy: (Finding.Code, nextStep: String) {
    switch kind {
    case .invalidDomain: (.invalidDomain, "Name a domain with all its labels, such as example.com.")
    case .nameNotFound: (.nameNotFound, "Look for a misspelling; otherwise register the name, or take the term out.")
    case .noRecord: (.noRecord, "Publish a TXT record there that begins with v=spf1 and lists who sends.")
    case .severalRecords: (.severalRecords, "Join the records into one, and delete the others.")
    case .syntax: (.syntax, "Mend the record there.")
    case .tooManyLookups:
      (.tooManyLookups, "Take out includes that are not needed, or put addresses in the place of a, mx and include.")
    case .tooManyVoidLookups: (.tooManyVoidLookups, "Take out the terms whose names have no records.")
    case .tooManyHosts: (.tooManyHosts, "Name the hosts by ip4 and ip6 in the place of mx.")
    case .loop: (.loop, "Take out the include or redirect that leads back.")
    case .dnsFailure, .timeout: (.dnsFailure, "Check again later; if it lasts, look at the name servers of the domain.")
    }
  }
}

extension [SPFEvaluation.PublishedRecord] {
  /// Shorter prefixes than these authorise more addresses than one sender has: the largest blocks that registries gave to a single
  /// organisation for its own use (RFC 1366's class B), and the least that they give to a provider for all its customers (RFC 6177).
  static var narrowestWidePrefix: (v4: Int, v6: Int) { (v4: 15, v6: 31) }

  /// What somebody should look at in these records, each once.
  var spfWarnings: [Finding] {
    var warnings: [Finding] = []
    for record in self {
      guard let parsed = try? SPFRecord(record.octets) else { continue }
      for directive in parsed.directives {
        guard let warning = directive.warning(of: record.domain), !warnings.contains(warning) else { continue }
        warnings.append(warning)
      }
    }
    return warnings
  }
}

extension SPFRecord.Directive {
  fileprivate func warning(of domain: DNSName) -> Finding? {
    let subject = "\(domain) TXT"
    let place = "\(text) at column \(column)"
    if case .ptr = mechanism {
      return Finding(
        .pointerMechanism, .warning, of: subject,
        "The record uses \(place), which is slow and unreliable, and which nobody should use (RFC 7208 §5.5).",
        nextStep: "Name the addresses by ip4 and ip6.")
    }
    guard result == .pass else { return nil }
    if case .all = mechanism {
      return Finding(
        .authorizesEverybody, .warning, of: subject, "The record authorises the whole internet by \(place).",
        nextStep: "Replace it by -all or ~all.")
    }
    guard isWide else { return nil }
    return Finding(
      .wideNetwork, .warning, of: subject, "The record authorises more addresses by \(place) than one sender has.",
      nextStep: "Name only the addresses that send.")
  }

  /// Whether it speaks of a larger block than one sender has.
  private var isWide: Bool {
    let limit = [SPFEvaluation.PublishedRecord].narrowestWidePrefix
    return switch mechanism {
    case .ip4(let network): network.prefixLength <= limit.v4
    case .ip6(let network): network.prefixLength <= limit.v6
    case .a(_, let lengths), .mx(_, let lengths): lengths.v4 <= limit.v4 || lengths.v6 <= limit.v6
    case .all, .include, .ptr, .exists: false
    }
  }
}

extension IPAddress {
  /// The mechanism that names such an address.
  fileprivate var mechanismName: String {
    switch self {
    case .v4: "ip4"
    case .v6: "ip6"
    }
  }
}
