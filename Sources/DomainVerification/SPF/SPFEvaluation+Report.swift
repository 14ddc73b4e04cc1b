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
    let place = matchedTerm.map {
      "\(shortened($0.directive.source)) at column \($0.column) of the record of \($0.domain)"
    }
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
    let owner = domain?.description ?? checked
    // What breaks the grammar names the column itself.
    let place = kind == .syntax ? nil : column.map { " This is at column \($0) of the record of \(owner)." }
    let (code, step) = remedy(isOfAnother: owner != checked)
    return Finding(
      code, result == .temperror ? .undecided : .failure, of: "\(owner) TXT", message + (place ?? ""), nextStep: step)
  }

  /// What to do. A record that is included can be that of somebody else, who alone can mend it.
  private func remedy(isOfAnother: Bool) -> (Finding.Code, nextStep: String) {
    let orElse = isOfAnother ? " Where it is not yours, tell its owner, or take out the term that leads there." : ""
    // A term leads to what is missing, where there is a column.
    let isMisled = column != nil
    return switch kind {
    case .invalidDomain: (.invalidDomain, "Name a domain with all its labels, such as example.com.")
    case .nameNotFound:
      (.nameNotFound, isMisled ? "Correct the name, or take the term out." : "Correct the name, or register it.")
    case .noRecord:
      (
        .noRecord,
        isMisled
          ? "Correct the name, or take the term out; a domain that has an SPF record must stand there."
          : "Publish a TXT record there that begins with v=spf1 and lists who sends."
      )
    case .severalRecords: (.severalRecords, "Join the records into one, and delete the others." + orElse)
    case .syntax: (.syntax, "Mend the record at that column." + orElse)
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
  /// These prefixes and shorter ones authorise more addresses than one sender has. One bit longer is the largest block that was given
  /// to a single organisation as a matter of course (a class B network, RFC 1366), and the least that a regional registry gives to
  /// a provider for all its customers.
  static var narrowestWidePrefix: (v4: Int, v6: Int) { (v4: 15, v6: 31) }

  /// What somebody should look at in these records: of each record and each kind the first term. There are as many terms as somebody
  /// else wants.
  var spfWarnings: [Finding] {
    var warnings: [Finding] = []
    var seen: Set<SPFEvaluation.PublishedRecord> = []
    for record in self where seen.insert(record).inserted {
      guard let parsed = try? SPFRecord(record.octets) else { continue }
      var codes: Set<Finding.Code> = []
      for directive in parsed.reachableDirectives {
        guard let code = directive.warningCode, codes.insert(code).inserted else { continue }
        warnings.append(directive.warning(code, of: record.domain))
      }
      warnings += parsed.warningsBesideAll(of: record.domain)
    }
    return warnings
  }
}

extension SPFRecord {
  /// What is never looked at, since there is an `all`.
  fileprivate func warningsBesideAll(of domain: DNSName) -> [Finding] {
    var warnings: [Finding] = []
    if let term = unreachableDirectives.first {
      warnings.append(
        Finding(
          .unreachableTerm, .warning, of: "\(domain) TXT",
          "What stands behind all is never looked at (RFC 7208 §5.1): \(shortened(term.source)) at column \(term.column).",
          nextStep: "Put all behind every other term, or take out what stands behind it."))
    }
    if let redirect, hasAll {
      warnings.append(
        Finding(
          .redirectIgnored, .warning, of: "\(domain) TXT",
          "The \(shortened(redirect.source)) at column \(redirect.column) is ignored, as there is an all (RFC 7208 §6.1).",
          nextStep: "Take out the redirect, or the all."))
    }
    return warnings
  }
}

extension SPFRecord.Directive {
  /// What somebody should look at it for; `nil` for nothing.
  fileprivate var warningCode: Finding.Code? {
    switch mechanism {
    case .ptr: .pointerMechanism
    case .all where result == .pass: .authorizesEverybody
    case _ where result == .pass && isWide: .wideNetwork
    default: nil
    }
  }

  fileprivate func warning(_ code: Finding.Code, of domain: DNSName) -> Finding {
    let place = "\(shortened(source)) at column \(column)"
    let (message, step) =
      switch code {
      case .pointerMechanism:
        (
          "The record uses \(place), which is slow and unreliable, and which nobody should use (RFC 7208 §5.5).",
          "Name the addresses by ip4 and ip6."
        )
      case .authorizesEverybody:
        ("The record authorises the whole internet by \(place).", "Replace it by -all or ~all.")
      default:
        ("The record authorises more addresses by \(place) than one sender has.", "Name only the addresses that send.")
      }
    return Finding(code, .warning, of: "\(domain) TXT", message, nextStep: step)
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
