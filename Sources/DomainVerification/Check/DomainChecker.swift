public import MailDNS
public import MailModel

/// Looks whether a domain's zone holds what it takes to send mail in its name.
public struct DomainChecker: Sendable {
  private let resolver: any DNSResolver
  private let spf: SPFEvaluator
  private let discovery: DMARCDiscovery

  /// A checker that asks `resolver`: a caching one where the parts of a check shall not ask twice, with its fresh view where
  /// somebody has just changed his zone.
  ///
  /// - Parameter clock: SPF's time limit goes by it.
  public init(
    resolver: any DNSResolver, limits: SPFLimits = .init(), clock: any Clock<Duration> = ContinuousClock(),
    discovery: DMARCDiscovery = .treeWalk
  ) {
    (self.resolver, self.discovery) = (resolver, discovery)
    spf = SPFEvaluator(resolver: resolver, limits: limits, clock: clock)
  }

  /// Looks at address, SPF, keys and DMARC, one after another. The caller owns the deadline, by cancelling.
  public func check(_ domain: DomainName, _ requirements: DomainRequirements = .init()) async -> DomainReport {
    DomainReport(
      domain: domain,
      address: await AddressCheck(domain: domain).run(resolver),
      spf: await spfReports(domain, requirements.senders),
      keys: await keyReports(domain, requirements.keys),
      dmarc: await dmarcReport(domain),
      requiresDMARC: requirements.requiresDMARC)
  }

  private func spfReports(_ domain: DomainName, _ senders: [IPAddress]) async -> [VerificationReport] {
    let analysis = await spf.analyze(DNSName(domain))
    guard !senders.isEmpty else { return [analysis.report] }
    var reports: [VerificationReport] = []
    for sender in senders {
      let request = SPFRequest(clientAddress: sender, senderText: domain.description, helo: domain.description)
      reports.append(await spf.evaluate(request).report.warning(of: analysis))
    }
    return reports
  }

  private func keyReports(_ domain: DomainName, _ keys: [DomainRequirements.Key]) async -> [VerificationReport] {
    let check = DKIMKeyCheck(resolver: resolver)
    var reports: [VerificationReport] = []
    for key in keys { reports.append(await check.evaluate(key.selector, of: domain, expecting: key.keys).report) }
    return reports
  }

  /// As for a message whose sender SPF authorises.
  private func dmarcReport(_ domain: DomainName) async -> VerificationReport {
    let request = DMARCRequest(from: domain, identifiers: [DMARCIdentifier(.spf, "pass", domain)])
    return await DMARCEvaluator(resolver: resolver, discovery: discovery).evaluate(request).report
  }
}

extension VerificationReport {
  /// A sender that matches early passes with a record that is an error to all whom its later terms are for, of more than ten
  /// lookups for example: a warning tells of that.
  fileprivate func warning(of analysis: SPFAnalysis) -> VerificationReport {
    guard analysis.problem?.result == .permerror, var finding = analysis.finding else { return self }
    guard !findings.contains(where: { $0.code == finding.code }) else { return self }
    finding.severity = .warning
    var report = self
    report.findings.insert(finding, at: findings.firstIndex { $0.severity == .warning } ?? findings.endIndex)
    let asked = Set(evidence.map(\.question))
    report.evidence += analysis.lookups.filter { !asked.contains($0.question) }
    return report
  }
}
