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
      whose header field From also stands in for --from.
      """)

  @Option(help: "The domain of the header field From.", transform: Parse.domain)
  var from: DomainName?
  @Option(help: ArgumentHelp("What SPF said, pass=example.com for example.", valueName: "result=domain"))
  var spf: String?
  @Option(help: ArgumentHelp("What DKIM said of a signature; once for each.", valueName: "result=domain"))
  var dkim: [String] = []
  @Option(help: "The address that sends, for SPF.", transform: Parse.address)
  var ip: IPAddress?
  @Option(help: "The sender as in MAIL FROM, for SPF; by default nothing, the null sender.")
  var sender = ""
  @Option(help: "What the sending host calls itself, for SPF.")
  var helo: String?
  @Option(help: "A message, whose signatures are verified: a file, or - for the standard input.")
  var message: String?
  @Option(
    help: ArgumentHelp(
      "The Public Suffix List, to find the organisation's domain by it as RFC 7489 does; by default by a walk up the tree.",
      valueName: "file"))
  var publicSuffixes: String?
  @OptionGroup var resolver: ResolverOption
  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard from != nil || message != nil else { throw ValidationError("whose policy? Give --from, or --message.") }
    guard spf == nil || ip == nil else { throw ValidationError("--spf says what --ip would check; give one of them.") }
    guard ip == nil || !["", "<>"].contains(sender) || helo != nil else {
      throw ValidationError("--ip needs --sender, or --helo for the null sender.")
    }
  }

  func run() async throws {
    var identifiers = try spf.map { [try Parse.identifier(.spf, $0)] } ?? []
    identifiers += try dkim.map { try Parse.identifier(.dkim, $0) }
    let file = try message.map(MessageFile.init)
    let author: DomainName
    switch try self.author(of: file) {
    case .domain(let domain): author = domain
    case .problem(let problem): return try end(problem)
    }
    let discovery: DMARCDiscovery =
      try publicSuffixes.map { .publicSuffixList(try Parse.publicSuffixList($0)) } ?? .treeWalk
    let evaluation = try await resolver.withResolver { resolver in
      let found = await identified(by: file, resolver)
      let request = DMARCRequest(from: author, identifiers: identifiers + found)
      return await DMARCEvaluator(resolver: resolver, discovery: discovery).evaluate(request)
    }
    if json {
      print(try JSONLine.encode(DMARCReport(evaluation)))
    } else {
      show(CheckText.dmarc(evaluation))
    }
    try evaluation.report.verdict.end()
  }

  /// What SPF and DKIM say, as far as they are asked here.
  private func identified(by file: MessageFile?, _ resolver: any DNSResolver) async -> [DMARCIdentifier] {
    var identifiers: [DMARCIdentifier] = []
    let now = SystemTime().now()
    if let ip {
      let request = SPFRequest(clientAddress: ip, senderText: sender, helo: helo ?? "unknown")
      let evaluation = await SPFEvaluator(resolver: resolver).evaluate(request, at: now)
      if let domain = evaluation.domain?.domain {
        identifiers.append(DMARCIdentifier(.spf, evaluation.result.rawValue, domain))
      }
    }
    if let file {
      let evaluation = await DKIMVerifier(resolver: resolver).verify(file.header, body: file.body, at: now)
      for signature in evaluation.signatures {
        if let domain = signature.domain {
          identifiers.append(DMARCIdentifier(.dkim, signature.result.rawValue, domain))
        }
      }
    }
    return identifiers
  }

  private func author(of file: MessageFile?) throws -> AuthorDomain {
    if let from { return .domain(from) }
    guard let file else { throw ValidationError("whose policy? Give --from.") }
    return AuthorDomain(file.header, isCut: file.isHeaderCut)
  }

  /// Without an author there is nothing to evaluate: `none`, as RFC 7489 §11.2 has it.
  private func end(_ problem: AuthorDomainProblem) throws {
    let report = VerificationReport("DMARC of the message", .failed, findings: [problem.finding], evidence: [])
    if json {
      print(try JSONLine.encode(DMARCReport(withoutAuthor: report)))
    } else {
      show((["none"] + CheckText.findings(report)).joined(separator: "\n"))
    }
    try report.verdict.end()
  }
}
