public import MailDNS
import MailModel

/// What a domain's record costs and says, whoever sends: for a domain that is checked before anybody has sent.
public struct SPFAnalysis: Hashable, Sendable {
  /// The domain.
  public let domain: DNSName
  /// The records that were read, in order: that of the domain, those of `include` and `redirect`.
  public internal(set) var records: [SPFEvaluation.PublishedRecord] = []
  /// The lookups that an evaluation spends at worst, of the ten that are allowed (RFC 7208 §4.6.4): when no term matches before the
  /// last. Where it `isComplete` not, there may be more.
  public internal(set) var lookupCount = 0
  /// Whether all records were read. Where a domain is made by macros from who sends, or the limit on questions was met, not.
  public internal(set) var isComplete = true
  /// What is wrong; `nil` where every record is there and can be understood, and the limit is kept.
  public internal(set) var problem: SPFProblem?
  /// Every question and its answer, in order.
  public internal(set) var lookups: [DNSLookup] = []

  /// A record that decides, with that of whom it redirects to; one that is included does not.
  struct DecidingRecord: Hashable, Sendable {
    var domain: DNSName
    var record: SPFRecord
  }

  /// That of the domain, and those that `redirect` led to, in order.
  var decidingRecords: [DecidingRecord] = []
}

extension SPFEvaluator {
  /// Reads the record of a domain and those that it includes or redirects to, and counts what they cost.
  ///
  /// Within the limits of an evaluation: no more questions, no more time.
  public func analyze(_ domain: DNSName) async -> SPFAnalysis {
    let walk = { @Sendable [resolver, limits] in SPFWalk(domain, resolver: resolver, limits: limits) }
    let analysis = await withinDuration {
      var walk = walk()
      return await walk.run()
    }
    return analysis ?? walk().interrupted
  }
}

/// An analysis under way: an evaluation in which no term matches, and no address is asked for.
private struct SPFWalk: Sendable {
  private var analysis: SPFAnalysis
  /// Reads records, and keeps the evidence.
  private var check: SPFCheck
  private let limits: SPFLimits
  private var chain: [DNSName] = []
  /// Whether an evaluation knows the names of its client here, so that the macro `p` costs no more.
  private var hasNames = false

  init(_ domain: DNSName, resolver: any DNSResolver, limits: SPFLimits) {
    analysis = SPFAnalysis(domain: domain)
    self.limits = limits
    // The walk asks for records alone, which depend on no client.
    let nobody = SPFRequest(clientAddress: .v4(0), sender: .null, helo: "")
    check = SPFCheck(nobody, resolver: resolver, limits: limits, receiver: nil, now: nil)
  }

  /// The analysis where it was cut off.
  var interrupted: SPFAnalysis {
    var analysis = analysis
    (analysis.problem, analysis.isComplete) = (check.interruption, false)
    return analysis
  }

  mutating func run() async -> SPFAnalysis {
    do { try await read(analysis.domain) } catch { analysis.problem = error }
    if analysis.problem == nil, analysis.lookupCount > limits.lookups {
      analysis.problem = SPFProblem(
        kind: .tooManyLookups, domain: analysis.domain, record: check.evaluation.record?.text,
        message: "The record spends up to \(analysis.lookupCount) lookups; \(limits.lookups) are allowed.")
    }
    (analysis.records, analysis.lookups) = (check.evaluation.records, check.evaluation.lookups)
    return analysis
  }

  private mutating func read(_ domain: DNSName) async throws(SPFProblem) {
    let octets = Array(domain.labels.joined(separator: CollectionOfOne(UInt8(ascii: "."))))
    // A label that holds a dot itself is none of a mail domain.
    guard let target = SPFTarget(octets[...]), target.name == domain, target.isMultiLabel else {
      throw check.problem(.invalidDomain, "\(domain) is no domain of two labels or more.")
    }
    try await read(target, decides: true)
  }

  /// Reads the record of a domain, which `decides` unless it is included.
  private mutating func read(_ target: SPFTarget, decides: Bool) async throws(SPFProblem) {
    guard !chain.contains(target.name) else {
      throw check.problem(.loop, "The records include or redirect to each other in a circle, at \(target.name).")
    }
    chain.append(target.name)
    defer { chain.removeLast() }
    let record: SPFRecord
    switch try await check.publishedRecord(of: target.name) {
    case .record(let found): record = found
    case .nothing(let problem): throw problem
    }
    if decides { analysis.decidingRecords.append(.init(domain: target.name, record: record)) }
    for directive in record.directives {
      check.stand(at: directive.column, in: record, of: target)
      switch directive.mechanism {
      case .all: return
      case .ip4, .ip6: break
      case .a(let domain, _), .mx(let domain, _): spend(domain)
      case .exists(let domain): spend(domain)
      case .ptr(let domain):
        spend(domain)
        // Where nothing can match, the names are not asked for.
        if domain.map({ !$0.hasMacros && SPFTarget(fitting: $0.source) != nil }) ?? true { hasNames = true }
      case .include(let domain): try await follow(domain, decides: false)
      }
    }
    guard let redirect = record.redirect else { return }
    check.stand(at: redirect.column, in: record, of: target)
    try await follow(redirect.value, decides: decides)
  }

  /// Counts a term, and the names of the client that the macro `p` asks for once (RFC 7208 §4.6.4).
  private mutating func spend(_ domain: SPFMacroString?) {
    analysis.lookupCount += 1
    guard let domain, domain.uses(UInt8(ascii: "p")), !hasNames else { return }
    analysis.lookupCount += 1
    hasNames = true
  }

  private mutating func follow(_ domain: SPFMacroString, decides: Bool) async throws(SPFProblem) {
    spend(domain)
    // A tree of records can have more leaves than anybody should ask for.
    guard !domain.hasMacros, check.evaluation.lookups.count < limits.queries else {
      analysis.isComplete = false
      return
    }
    guard let target = SPFTarget(fitting: domain.source), target.isMultiLabel else {
      throw check.problem(.invalidDomain, "\(quoted(domain.source)) is no domain.")
    }
    try await read(target, decides: decides)
  }
}
