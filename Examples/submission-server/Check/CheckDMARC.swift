import ArgumentParser
import DeliveryQueue
import DomainVerification
import MailDNS
import MailModel

/// What becomes of mail from this domain, and does this message speak for it?
struct CheckDMARC: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dmarc",
    abstract: "Check the policy of a domain, and whether a message is aligned with it (RFC 9989).",
    discussion: """
      What has passed comes from --spf and --dkim, or is checked here: SPF with --ip and --sender, DKIM with --message, \
      whose header field From also stands in for --from. With --from alone the policy is looked at, and nothing else: the \
      first word is then published where there is one.
      """)

  @Option(help: "The domain of the header field From.", transform: Parse.domain)
  var from: DomainName?
  @Option(
    help: ArgumentHelp("What SPF said, pass=example.com for example.", valueName: "result=domain"),
    transform: Parse.spfResult)
  var spf: DMARCIdentifier?
  @Option(
    help: ArgumentHelp("What DKIM said of a signature; once for each.", valueName: "result=domain"),
    transform: Parse.dkimResult)
  var dkim: [DMARCIdentifier] = []
  @Option(help: "The address that sends, for SPF.", transform: Parse.address)
  var ip: IPAddress?
  @Option(help: "The sender as in MAIL FROM, for SPF; by default nothing, the null sender.", transform: Parse.sender)
  var sender: String?
  @Option(help: "What the sending host calls itself, for SPF.", transform: Parse.identity)
  var helo: String?
  @Option(
    help: ArgumentHelp(
      "A message, whose signatures are verified: a file, or - for the standard input.", valueName: "file"),
    transform: MessageFile.init)
  var message: MessageFile?
  @Option(
    help: ArgumentHelp(
      "The Public Suffix List, to find the organisation's domain by it as RFC 7489 does; by default by a walk up the tree.",
      valueName: "file"),
    transform: Parse.publicSuffixList)
  var publicSuffixes: PublicSuffixList?
  @OptionGroup var resolver: ResolverOption
  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard from != nil || message != nil else { throw ValidationError("whose policy? Give --from, or --message.") }
    guard spf == nil || ip == nil else { throw ValidationError("--spf says what --ip would check; give one of them.") }
    guard ip != nil || (sender == nil && helo == nil) else {
      throw ValidationError("--sender and --helo are for SPF, which is checked with --ip.")
    }
    guard ip == nil || !["", "<>"].contains(sender ?? "") || helo != nil else {
      throw ValidationError("--ip needs --sender, or --helo for the null sender.")
    }
  }

  func run() async throws {
    guard let author else { return }
    switch author {
    case .problem(let problem): try end(problem)
    case .domain(let domain):
      let findings = try await resolver.withResolver { await self.findings(domain, $0) }
      if json {
        print(try JSONLine.encode(DMARCReport(findings)))
      } else {
        show(CheckText.dmarc(findings))
      }
      try findings.dmarc.report.verdict.end()
    }
  }

  private var author: AuthorDomain? {
    from.map(AuthorDomain.domain) ?? message.map { AuthorDomain($0.header, isCut: $0.isHeaderCut) }
  }

  private func findings(_ author: DomainName, _ resolver: any DNSResolver) async -> DMARCFindings {
    let now = SystemTime().now()
    var (spfFound, dkimFound): (SPFEvaluation?, DKIMEvaluation?)
    if let ip {
      let request = SPFRequest(clientAddress: ip, senderText: sender ?? "", helo: helo ?? "unknown")
      spfFound = await SPFEvaluator(resolver: resolver).evaluate(request, at: now)
    }
    if let message {
      dkimFound = await DKIMVerifier(resolver: resolver).verify(message.header, body: message.body, at: now)
    }
    var request = DMARCRequest(from: author, spf: spfFound, dkim: dkimFound)
    request.identifiers += [spf].compactMap(\.self) + dkim
    let isPolicyAlone = request.identifiers.isEmpty && ip == nil && message == nil
    // As for a message that passes: what is left to find is the policy.
    if isPolicyAlone { request.identifiers = [DMARCIdentifier(.dkim, "pass", author)] }
    let discovery = publicSuffixes.map(DMARCDiscovery.publicSuffixList) ?? .treeWalk
    let evaluation = await DMARCEvaluator(resolver: resolver, discovery: discovery).evaluate(request)
    return DMARCFindings(dmarc: evaluation, spf: spfFound, dkim: dkimFound, isPolicyAlone: isPolicyAlone)
  }

  /// Without an author there is nothing to evaluate: `none`, as RFC 7489 §11.2 has it.
  private func end(_ problem: AuthorDomainProblem) throws {
    let report = VerificationReport("DMARC of the message", .failed, findings: [problem.finding], evidence: [])
    if json {
      print(try JSONLine.encode(DMARCReport(withoutAuthor: report)))
    } else {
      show(CheckText.refusal("none", report))
    }
    try report.verdict.end()
  }
}

/// What DMARC says, and what was checked for it here.
struct DMARCFindings: Sendable {
  var dmarc: DMARCEvaluation
  var spf: SPFEvaluation?
  var dkim: DKIMEvaluation?
  /// Whether nothing was given that could be aligned.
  var isPolicyAlone: Bool

  /// In RFC 8601's word; that there is a policy, where nothing else was looked at.
  var result: String { isPolicyAlone && dmarc.result == .pass ? "published" : dmarc.result.rawValue }
  var alignedBy: [DMARCIdentifier] { isPolicyAlone ? [] : dmarc.alignedBy }
}
