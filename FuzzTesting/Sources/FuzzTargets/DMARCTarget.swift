import DomainVerification
import MailDNS
import MailModel

extension FuzzTarget {
  /// Lines: a From, results of SPF and DKIM (`spf=pass example.com dkim=temperror example.org`), then a DNS.
  static let dmarc = FuzzTarget("dmarc", maximumLength: 1024) { input in
    var decisions = input.decisions
    let isSlow = decisions.next()
    let lines = input.payload.split(separator: 0x0A, maxSplits: 2, omittingEmptySubsequences: false)
    let author = checkAuthor(lines.first.map(Array.init) ?? [])
    let zone = lines.count > 2 ? lines[2] : []
    for text in WrittenDNS.texts(in: zone) { checkDMARCRecord(text) }
    guard let author, lines.count > 1 else { return }
    let request = DMARCRequest(from: author, identifiers: identifiers(lines[1]))
    for list in [nil, publicSuffixes] {
      let dns = WrittenDNS(zone)
      let evaluation = evaluate(request, dns, list)
      require(dns.questions == evaluation.lookups.map(\.question), "not every question is told of")
      check(evaluation, list)
      require(evaluate(request, WrittenDNS(zone, isSlow: isSlow), list) == evaluation, "another evaluation of the same")
    }
  }

  private static let publicSuffixes = try? PublicSuffixList(
    """
    com
    uk
    co.uk
    *.ck
    !www.ck
    github.io
    """)

  private static func evaluate(
    _ request: DMARCRequest, _ dns: WrittenDNS, _ list: PublicSuffixList?
  ) -> DMARCEvaluation {
    let evaluator = DMARCEvaluator(
      resolver: dns, discovery: list.map(DMARCDiscovery.publicSuffixList) ?? .treeWalk)
    return InlineTasks.result { await evaluator.evaluate(request) }
  }

  private static func identifiers(_ line: some Collection<UInt8>) -> [DMARCIdentifier] {
    let words = line.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
    return zip(words, words.dropFirst()).compactMap { result, domain in
      let parts = result.split(separator: "=")
      guard parts.count == 2, let method = DMARCIdentifier.Method(rawValue: String(parts[0])),
        let domain = DomainName(domain)
      else { return nil }
      return DMARCIdentifier(method, String(parts[1]), domain)
    }
  }

  private static func check(_ evaluation: DMARCEvaluation, _ list: PublicSuffixList?) {
    require(evaluation.lookups.count <= 105, "\(evaluation.lookups.count) questions")
    require(Set(evaluation.lookups.map(\.question)).count == evaluation.lookups.count, "a question that is asked twice")
    require((evaluation.result == .pass) == !evaluation.alignedBy.isEmpty, "\(evaluation.result), aligned or not")
    require((evaluation.result == .pass) == (evaluation.problem == nil), "\(evaluation.result) with a problem or not")
    require(evaluation.result != .pass || evaluation.record != nil, "it passes without a record")
    require((evaluation.record == nil) == (evaluation.policyDomain == nil), "a record that stands nowhere")
    if let domain = evaluation.policyDomain {
      require(evaluation.request.from.isWithin(domain), "a policy from elsewhere")
    }
    if let policy = evaluation.policy {
      require(policy <= (evaluation.publishedPolicy ?? .none), "a policy that is stricter than the published one")
      require((evaluation.policyTag == .p) == (evaluation.policyDomain == evaluation.request.from), "another tag")
    }
    for identifier in evaluation.alignedBy { checkAlignment(identifier, evaluation, list) }
    checkReport(evaluation.report)
  }

  private static func checkAlignment(
    _ identifier: DMARCIdentifier, _ evaluation: DMARCEvaluation, _ list: PublicSuffixList?
  ) {
    let from = evaluation.request.from
    require(identifier.result == "pass" && evaluation.request.identifiers.contains(identifier), "aligned by nothing")
    guard identifier.domain != from, let record = evaluation.record else { return }
    require(
      (identifier.method == .spf ? record.spfAlignment : record.dkimAlignment) == .relaxed, "aligned, though not equal")
    guard let organization = evaluation.organizationalDomain else { fatalError("aligned without an organisation") }
    require(from.isWithin(organization) && identifier.domain.isWithin(organization), "aligned with a stranger")
    if let list {
      require(
        list.organizationalDomain(of: from) ?? from == organization
          && list.organizationalDomain(of: identifier.domain) ?? identifier.domain == organization,
        "another organisation than the list's")
    }
  }

  /// A text is no record, or one whose problems are at places within it, in their order.
  private static func checkDMARCRecord(_ octets: [UInt8]) {
    let record = DMARCRecord(octets)
    require((record != nil) == DMARCRecord.isDMARC(octets), "a record that is none")
    guard let record else { return }
    require(DMARCRecord(record.octets) == record, "a record reads back as another")
    checkLine(record.description)
    var last = 1
    for problem in record.problems {
      require((last...(octets.count + 1)).contains(problem.column), "\(problem) behind column \(last)")
      last = problem.column
      checkLine(problem.description)
    }
    require((0...100).contains(record.percentage), "\(record.percentage) per cent")
    require(record.aggregateReports.count <= 20 && record.failureReports.count <= 20, "too many URIs")
    for uri in record.aggregateReports + record.failureReports {
      checkLine(uri.description)
      if let mailbox = uri.mailbox { require(Mailbox(mailbox.description) == mailbox, "a mailbox that is none") }
    }
    // Blanks between tags mean nothing.
    let spaced = octets.flatMap { $0 == UInt8(ascii: ";") ? [$0, 0x20, 0x09] : [$0] }
    guard let again = DMARCRecord(spaced) else { fatalError("blanks make it no record") }
    require(
      again.effectivePolicy == record.effectivePolicy && again.aggregateReports == record.aggregateReports
        && again.problems.map(\.reason) == record.problems.map(\.reason),
      "blanks make another record")
  }

  /// The author's domain, which the simplest reader finds too.
  private static func checkAuthor(_ value: [UInt8]) -> DomainName? {
    // A bar for the end of a line, which is the end of the value here.
    let value = value.flatMap { $0 == UInt8(ascii: "|") ? [0x0D, 0x0A] : [$0] }
    let octets = Array("From:".utf8) + value + [0x0D, 0x0A]
    let header = HeaderSection(octets)
    let author = AuthorDomain(header)
    switch author {
    case .problem(let problem):
      checkLine(problem.description)
      if case .syntax(let column, _) = problem {
        require((1...(value.count + 1)).contains(column), "column \(column) of \(value.count)")
      }
      return nil
    case .domain(let domain):
      require(header.count(of: "from") == 1, "an author of several fields")
      require(
        simpleDomain(Array(octets[header.fields[0].value])) == domain,
        "a simple reader finds another domain than \(domain)")
      let plain = HeaderSection(Array("from: a@\(domain)\r\n".utf8))
      require(AuthorDomain(plain).domain == domain, "a domain reads back as another")
      return domain
    }
  }

  /// Takes out comments and quoted strings; what is left has one `@`, and the domain between it and what cannot be of it.
  private static func simpleDomain(_ value: [UInt8]) -> DomainName? {
    var rest: [UInt8] = []
    var (depth, isQuoted, isEscaped) = (0, false, false)
    for octet in value {
      if isEscaped {
        isEscaped = false
      } else if octet == UInt8(ascii: "\\"), depth > 0 || isQuoted {
        isEscaped = true
      } else if octet == UInt8(ascii: "\""), depth == 0 {
        isQuoted.toggle()
      } else if octet == UInt8(ascii: "("), !isQuoted {
        depth += 1
      } else if octet == UInt8(ascii: ")"), !isQuoted {
        depth -= 1
      } else if depth == 0, !isQuoted, !" \t\r\n".utf8.contains(octet) {
        rest.append(octet)
      }
    }
    guard rest.count(where: { $0 == UInt8(ascii: "@") }) == 1, !rest.contains(where: ",:;[]".utf8.contains) else {
      return nil
    }
    let text = rest.drop { $0 != UInt8(ascii: "@") }.dropFirst().prefix { $0 != UInt8(ascii: ">") }
    return DomainName(String(decoding: text, as: UTF8.self))
  }
}

extension DomainName {
  fileprivate func isWithin(_ other: DomainName) -> Bool { self == other || description.hasSuffix(".\(other)") }
}
