import DomainVerification
import MailDNS
import MailModel

/// Stands as `null` in JSON where there is nothing, so that a form has the same keys at all times.
@propertyWrapper struct OrNull<Value: Encodable>: Encodable {
  var wrappedValue: Value?

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(wrappedValue)
  }
}

/// What every check says, as JSON.
struct CheckReport: Encodable {
  struct Finding: Encodable {
    var code: String
    var severity: String
    var subject: String
    var message: String
    var nextStep: String

    init(_ finding: DomainVerification.Finding) {
      (code, severity, subject) = ("\(finding.code)", finding.severity.rawValue, finding.subject)
      (message, nextStep) = (finding.message, finding.nextStep)
    }
  }
  struct Lookup: Encodable {
    var name: String
    var type: String
    var outcome: String
    var records: [String]
    @OrNull var reason: String?
    var aliases: [String]
    var timeToLive: Int64
    var isAuthenticated: Bool
  }
  var subject: String
  var verdict: String
  var findings: [Finding]
  var nextStep: String
  var lookups: [Lookup]

  init(_ report: VerificationReport) {
    subject = report.subject
    verdict = report.verdict.rawValue
    findings = report.findings.map(Finding.init)
    nextStep = report.nextStep
    lookups = report.evidence.map(Lookup.init)
  }
}

extension CheckReport.Lookup {
  init(_ lookup: DNSLookup) {
    let answer = lookup.answer
    (name, type) = ("\(lookup.question.name)", "\(lookup.question.type)")
    outcome = answer.outcome.name
    records = answer.records.map(\.description)
    reason = answer.failure
    aliases = answer.aliases.map(\.description)
    timeToLive = answer.timeToLive.components.seconds
    isAuthenticated = answer.isAuthenticated
  }
}

extension DNSAnswer.Outcome {
  /// One word.
  var name: String {
    switch self {
    case .records: "records"
    case .noRecords: "no-records"
    case .noSuchName: "no-such-name"
    case .temporaryFailure: "temporary-failure"
    case .malformed: "malformed"
    }
  }
}

/// What SPF says, as JSON.
struct SPFReport: Encodable {
  struct Term: Encodable {
    var domain: String
    var term: String
    var column: Int
  }
  struct Record: Encodable {
    var domain: String
    var record: String
  }
  @OrNull var result: String?
  @OrNull var ip: String?
  @OrNull var identity: String?
  @OrNull var sender: String?
  var matches: [Term]
  var records: [Record]
  var lookupCount: Int
  @OrNull var voidLookupCount: Int?
  @OrNull var explanation: String?
  @OrNull var problem: String?
  var report: CheckReport

  /// - Parameter report: in the place of its own.
  init(_ evaluation: SPFEvaluation, _ report: VerificationReport? = nil) {
    let request = evaluation.request
    result = evaluation.result.rawValue
    ip = "\(request.clientAddress)"
    identity = request.identity.rawValue
    sender = request.sender
    matches = evaluation.matches.map { Term(domain: "\($0.domain)", term: $0.text, column: $0.column) }
    records = evaluation.records.map { Record(domain: "\($0.domain)", record: $0.text) }
    lookupCount = evaluation.lookupCount
    voidLookupCount = evaluation.voidLookupCount
    explanation = evaluation.explanation
    problem = evaluation.problem?.description
    self.report = CheckReport(report ?? evaluation.report)
  }

  /// Of a record that nobody was asked for.
  init(_ analysis: SPFAnalysis) {
    result = nil
    ip = nil
    identity = nil
    sender = nil
    matches = []
    records = analysis.records.map { Record(domain: "\($0.domain)", record: $0.text) }
    lookupCount = analysis.lookupCount
    voidLookupCount = nil
    explanation = nil
    problem = analysis.problem?.description
    report = CheckReport(analysis.report)
  }
}

/// What DKIM says, as JSON.
struct DKIMReport: Encodable {
  struct Signature: Encodable {
    var result: String
    @OrNull var domain: String?
    @OrNull var selector: String?
    @OrNull var identity: String?
    @OrNull var algorithm: String?
    @OrNull var keyBits: Int?
    var signedFields: [String]
    var unsignedBodyOctets: UInt64
    var isTesting: Bool
    @OrNull var problem: String?
    var findings: [CheckReport.Finding]

    init(_ signature: DKIMSignatureEvaluation) {
      result = signature.result.rawValue
      domain = signature.domain?.description
      selector = signature.selector
      identity = signature.identity
      algorithm = signature.algorithm
      keyBits = signature.keyBits
      signedFields = signature.signedFields
      unsignedBodyOctets = signature.unsignedBodyCount
      isTesting = signature.isTesting
      problem = signature.problem?.code.description
      findings = signature.findings.map(CheckReport.Finding.init)
    }
  }
  var result: String
  var signatures: [Signature]
  var ignoredSignatures: Int
  var report: CheckReport

  init(_ evaluation: DKIMEvaluation) {
    result = evaluation.result.rawValue
    signatures = evaluation.signatures.map(Signature.init)
    ignoredSignatures = evaluation.ignoredCount
    report = CheckReport(evaluation.report)
  }
}

/// What DMARC says, as JSON.
struct DMARCReport: Encodable {
  var result: String
  @OrNull var from: String? = nil
  @OrNull var policyDomain: String? = nil
  @OrNull var organizationalDomain: String? = nil
  @OrNull var record: String? = nil
  @OrNull var publishedPolicy: String? = nil
  @OrNull var policy: String? = nil
  @OrNull var policyTag: String? = nil
  var alignedBy: [String]
  @OrNull var spf: SPFReport? = nil
  @OrNull var dkim: DKIMReport? = nil
  var report: CheckReport

  /// Of a message whose header field From names no single author.
  init(withoutAuthor report: VerificationReport) {
    (result, alignedBy, self.report) = ("none", [], CheckReport(report))
  }

  init(_ findings: DMARCFindings) {
    let evaluation = findings.dmarc
    result = findings.result
    alignedBy = findings.alignedBy.map(\.description)
    report = CheckReport(evaluation.report)
    from = "\(evaluation.request.from)"
    policyDomain = evaluation.policyDomain?.description
    organizationalDomain = evaluation.organizationalDomain?.description
    record = evaluation.record?.description
    publishedPolicy = evaluation.publishedPolicy?.rawValue
    policy = evaluation.policy?.rawValue
    policyTag = evaluation.policyTag?.rawValue
    spf = findings.spf.map { SPFReport($0) }
    dkim = findings.dkim.map(DKIMReport.init)
  }
}

/// What a domain's zone holds, as JSON.
struct DomainCheckReport: Encodable {
  var domain: String
  var verdict: String
  var nextStep: String
  var requiresDMARC: Bool
  var address: CheckReport
  var spf: [SPFReport]
  var keys: [CheckReport]
  var dmarc: CheckReport

  init(_ report: DomainReport) {
    domain = "\(report.domain)"
    (verdict, nextStep) = (report.verdict.rawValue, report.nextStep)
    requiresDMARC = report.requiresDMARC
    address = CheckReport(report.address)
    spf =
      report.spfEvaluations.isEmpty
      ? [SPFReport(report.spfAnalysis)] : zip(report.spfEvaluations, report.spf).map { SPFReport($0, $1) }
    keys = report.keys.map(CheckReport.init)
    dmarc = CheckReport(report.dmarc)
  }
}
