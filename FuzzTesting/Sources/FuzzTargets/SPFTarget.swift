import DomainVerification
import MailDNS
import MailModel

extension FuzzTarget {
  /// A sender and its client's name on the first line, then a DNS: SPF records as values, and a whole evaluation.
  static let spf = FuzzTarget("spf", maximumLength: 1536) { input in
    var decisions = input.decisions
    let lines = input.payload.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
    let zone = lines.dropFirst().first ?? []
    for text in WrittenDNS.texts(in: zone) { checkSPFRecord(text) }

    let isSlow = decisions.next()
    let address = decisions.next(of: clientAddresses)
    let now = decisions.next(of: [nil, Timestamp(milliseconds: 1_793_000_000_000)])
    let who = (lines.first ?? []).split(separator: 0x20, maxSplits: 1, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    let request = SPFRequest(
      clientAddress: address, senderText: who.first ?? "", helo: who.dropFirst().first ?? "client.example.org")

    let dns = WrittenDNS(zone)
    let evaluation = evaluate(request, dns, now)
    require(dns.questions == evaluation.lookups.map(\.question), "not every question is told of")
    check(evaluation)
    let slow = WrittenDNS(zone, isSlow: isSlow)
    require(evaluate(request, slow, now) == evaluation, "another evaluation of the same")
    checkAnalysis(evaluation, zone)
  }

  private static let clientAddresses = ["192.0.2.1", "2001:db8::1", "198.51.100.255", "::", "0.0.0.0"]
    .compactMap { IPAddress($0) }

  private static func evaluate(_ request: SPFRequest, _ dns: WrittenDNS, _ now: Timestamp?) -> SPFEvaluation {
    let evaluator = SPFEvaluator(resolver: dns, clock: StoppedClock(), receiver: DomainName("mx.example.net"))
    return InlineTasks.result { await evaluator.evaluate(request, at: now) }
  }

  /// RFC 7208's limits, and that all parts of an evaluation say the same.
  private static func check(_ evaluation: SPFEvaluation) {
    let problem = evaluation.problem
    require(evaluation.lookups.count <= 111, "\(evaluation.lookups.count) questions")
    require(evaluation.lookupCount <= 10, "\(evaluation.lookupCount) lookups")
    require(
      evaluation.voidLookupCount <= (problem?.kind == .tooManyVoidLookups ? 3 : 2),
      "\(evaluation.voidLookupCount) void lookups")
    let isDecided = [.pass, .fail, .softfail, .neutral].contains(evaluation.result)
    require(isDecided == (problem == nil), "\(evaluation.result) by \(String(describing: problem))")
    require(problem?.kind != .timeout, "no time passed")
    if evaluation.matches.isEmpty {
      require(evaluation.result == .neutral || !isDecided, "\(evaluation.result) without a term")
    } else {
      require(evaluation.matchedTerm?.directive.result == evaluation.result, "another result than the term's")
    }
    for match in evaluation.matches.dropFirst() { require(match.directive.result == .pass, "an include of no pass") }
    for match in evaluation.matches {
      require(
        evaluation.records.contains {
          $0.domain == match.domain && stands(match.text, at: match.column, in: $0.octets)
        },
        "a term that is in no record")
    }
    if let column = problem?.column, let domain = problem?.domain {
      require(
        evaluation.records.contains { $0.domain == domain && (1...($0.octets.count + 1)).contains(column) },
        "a problem at column \(column)")
    }
    if let explanation = evaluation.explanation {
      require(evaluation.result == .fail, "an explanation of \(evaluation.result)")
      require(
        explanation.utf8.count <= 1000 && explanation.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "an explanation")
    }
    checkReport(evaluation.report)
    require((evaluation.report.verdict == .passed) == (evaluation.result == .pass), "a report of another result")
  }

  /// What is said of a domain before anybody sends holds for whoever does.
  private static func checkAnalysis(_ evaluation: SPFEvaluation, _ zone: some Collection<UInt8>) {
    guard let domain = evaluation.domain else { return }
    let dns = WrittenDNS(zone)
    let evaluator = SPFEvaluator(resolver: dns, clock: StoppedClock())
    let analysis = InlineTasks.result { await evaluator.analyze(domain) }
    require(dns.questions == analysis.lookups.map(\.question), "not every question is told of")
    require(analysis.lookups.count <= 111, "\(analysis.lookups.count) questions")
    checkReport(analysis.report)
    guard analysis.isComplete, analysis.problem == nil else { return }
    require(
      evaluation.lookupCount <= analysis.lookupCount,
      "\(evaluation.lookupCount) lookups, where there should be \(analysis.lookupCount) at most")
    require(evaluation.problem?.kind != .syntax, "a record that is broken after all")
  }

  /// A record is refused at a place within it, or reads back as itself, term by term.
  private static func checkSPFRecord(_ octets: [UInt8]) {
    let record: SPFRecord
    do { record = try SPFRecord(octets) } catch {
      require((1...(octets.count + 1)).contains(error.column), "column \(error.column) of \(octets.count)")
      return checkLine(error.description)
    }
    require(SPFRecord.isRecord(octets), "a record that is none")
    require((try? SPFRecord(record.description)) == record, "a record reads back as another")
    let directives = record.directives.map { ($0.column, $0.text) }
    let modifiers = record.modifiers.map { ($0.column, $0.text) }
    for (column, text) in directives + modifiers {
      require(stands(text, at: column, in: octets), "a term is not where it says")
    }
    let terms = octets.dropFirst(6).split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
    require((directives + modifiers).sorted { $0.0 < $1.0 }.map(\.1) == terms, "not all terms")
    let again = try? SPFRecord("V=spf1   \(terms.joined(separator: "   ")) ")
    require(again?.directives == record.directives && again?.modifiers == record.modifiers, "blanks make other terms")
  }

  private static func stands(_ text: String, at column: Int, in octets: [UInt8]) -> Bool {
    column > 0 && octets.dropFirst(column - 1).starts(with: text.utf8)
  }
}

/// Nothing in a text that is shown to a person can write into his terminal, or begin a line of its own.
func checkLine(_ text: String) {
  require(
    text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }, "a control: \(text)")
}

/// A report can be shown, and its findings are as grave as its verdict.
func checkReport(_ report: VerificationReport) {
  checkLine(report.subject)
  for finding in report.findings { checkLine(finding.description) }
  let severities = report.findings.map(\.severity)
  switch report.verdict {
  case .passed: require(!severities.contains(.failure) && !severities.contains(.undecided), "it passes with a failure")
  case .failed: require(severities.first == .failure, "it fails for no reason")
  case .undecided: require(severities.first == .undecided, "it is undecided for no reason")
  }
}
