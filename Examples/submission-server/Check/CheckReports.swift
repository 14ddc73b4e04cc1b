import DomainVerification
import MailDNS
import MailModel

/// What every check says, as JSON.
struct CheckReport: Encodable {
  struct Finding: Encodable {
    var code: String
    var severity: String
    var subject: String
    var message: String
    var nextStep: String
  }
  struct Lookup: Encodable {
    var name: String
    var type: String
    var outcome: String
    var records: [String]?
    var reason: String?
    var aliases: [String]?
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
    findings = report.findings.map {
      Finding(
        code: "\($0.code)", severity: $0.severity.rawValue, subject: $0.subject, message: $0.message,
        nextStep: $0.nextStep)
    }
    nextStep = report.nextStep
    lookups = report.evidence.map(Lookup.init)
  }
}

extension CheckReport.Lookup {
  init(_ lookup: DNSLookup) {
    let answer = lookup.answer
    (name, type) = ("\(lookup.question.name)", "\(lookup.question.type)")
    outcome = answer.outcome.name
    records = answer.records.isEmpty ? nil : answer.records.map(\.description)
    reason = answer.failure
    aliases = answer.aliases.isEmpty ? nil : answer.aliases.map(\.description)
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
  var result: String
  var ip: String
  var identity: String
  var sender: String
  var matches: [Term]
  var records: [Record]
  var lookupCount: Int
  var voidLookupCount: Int
  var explanation: String?
  var problem: String?
  var report: CheckReport

  init(_ evaluation: SPFEvaluation) {
    let request = evaluation.request
    result = evaluation.result.rawValue
    (ip, identity, sender) = ("\(request.clientAddress)", request.identity.rawValue, request.sender)
    matches = evaluation.matches.map { Term(domain: "\($0.domain)", term: $0.text, column: $0.column) }
    records = evaluation.records.map { Record(domain: "\($0.domain)", record: $0.text) }
    (lookupCount, voidLookupCount) = (evaluation.lookupCount, evaluation.voidLookupCount)
    explanation = evaluation.explanation
    problem = evaluation.problem?.description
    report = CheckReport(evaluation.report)
  }
}

/// What DKIM says, as JSON.
struct DKIMReport: Encodable {
  struct Signature: Encodable {
    var result: String
    var domain: String?
    var selector: String?
    var identity: String?
    var algorithm: String?
    var keyBits: Int?
    var signedFields: [String]
    var unsignedBodyOctets: UInt64
    var isTesting: Bool
  }
  var result: String
  var signatures: [Signature]
  var ignoredSignatures: Int
  var report: CheckReport

  init(_ evaluation: DKIMEvaluation) {
    result = evaluation.result.rawValue
    signatures = evaluation.signatures.map {
      Signature(
        result: $0.result.rawValue, domain: $0.domain?.description, selector: $0.selector, identity: $0.identity,
        algorithm: $0.algorithm, keyBits: $0.keyBits, signedFields: $0.signedFields,
        unsignedBodyOctets: $0.unsignedBodyCount, isTesting: $0.isTesting)
    }
    ignoredSignatures = evaluation.ignoredCount
    report = CheckReport(evaluation.report)
  }
}

/// What DMARC says, as JSON.
struct DMARCReport: Encodable {
  var result: String
  var from: String?
  var policyDomain: String?
  var organizationalDomain: String?
  var record: String?
  var publishedPolicy: String?
  var policy: String?
  var policyTag: String?
  var alignedBy: [String]
  var report: CheckReport

  /// Of a message whose header field From names no single author.
  init(withoutAuthor report: VerificationReport) {
    (result, alignedBy, self.report) = ("none", [], CheckReport(report))
  }

  init(_ evaluation: DMARCEvaluation) {
    result = evaluation.result.rawValue
    from = "\(evaluation.request.from)"
    policyDomain = evaluation.policyDomain?.description
    organizationalDomain = evaluation.organizationalDomain?.description
    record = evaluation.record?.description
    publishedPolicy = evaluation.publishedPolicy?.rawValue
    policy = evaluation.policy?.rawValue
    policyTag = evaluation.policyTag?.rawValue
    alignedBy = evaluation.alignedBy.map(\.description)
    report = CheckReport(evaluation.report)
  }
}

/// What a domain's zone holds, as JSON.
struct DomainCheckReport: Encodable {
  var domain: String
  var verdict: String
  var nextStep: String
  var address: CheckReport
  var spf: [CheckReport]
  var keys: [CheckReport]
  var dmarc: CheckReport

  init(_ report: DomainReport) {
    domain = "\(report.domain)"
    (verdict, nextStep) = (report.verdict.rawValue, report.nextStep)
    address = CheckReport(report.address)
    spf = report.spf.map(CheckReport.init)
    keys = report.keys.map(CheckReport.init)
    dmarc = CheckReport(report.dmarc)
  }
}
