public import MailDNS
import MailModel

/// Evaluates DMARC (RFC 9989; RFC 7489 with a list of public suffixes).
///
/// At most 105 questions are asked about a message, hardly ever more than ten: domains that cannot be of the author's
/// organisation are not looked up. The caller owns the deadline, by cancelling.
public struct DMARCEvaluator: Sendable {
  /// Most domains of SPF and DKIM that the DNS is asked about, with which the questions stay below the 111 of SPF's worst
  /// record: a walk of eight for each and for the author, and whether the author domain exists. One that needs no question, being no domain
  /// of the author's organisation, does not count. Where more are left, and nothing is aligned, ``DMARCProblem/tooManyIdentifiers(_:)`` says so.
  public static let identifierLimit = 12

  private let resolver: any DNSResolver
  private let discovery: DMARCDiscovery

  /// An evaluator that asks this resolver.
  public init(resolver: any DNSResolver, discovery: DMARCDiscovery = .treeWalk) {
    (self.resolver, self.discovery) = (resolver, discovery)
  }

  /// What DMARC says of a message.
  public func evaluate(_ request: DMARCRequest) async -> DMARCEvaluation {
    var run = DMARCRun(request, DMARCQuestions(resolver: resolver), discovery)
    return await run.evaluate()
  }
}

/// One evaluation under way.
private struct DMARCRun {
  private var evaluation: DMARCEvaluation
  private var questions: DMARCQuestions
  private let discovery: DMARCDiscovery
  /// Domains of identifiers whose organisation was looked for, and how many identifiers were left out since these are enough.
  private var (asked, leftOut) = ([DomainName](), 0)
  private var from: DomainName { evaluation.request.from }

  init(_ request: DMARCRequest, _ questions: DMARCQuestions, _ discovery: DMARCDiscovery) {
    (evaluation, self.questions, self.discovery) = (DMARCEvaluation(request), questions, discovery)
  }

  mutating func evaluate() async -> DMARCEvaluation {
    do throws(DMARCLookupFailure) {
      if let found = try await policy() { try await judge(found) }
    } catch {
      fail(error)
    }
    evaluation.lookups = questions.lookups
    return evaluation
  }

  // MARK: The policy

  /// The record that counts; where there is none, the result is set.
  private mutating func policy() async throws(DMARCLookupFailure) -> DMARCWalkStep? {
    switch discovery {
    case .treeWalk:
      if case .record(let record) = try await questions.publication(at: from) {
        return DMARCWalkStep(domain: from, record: record)
      }
      if let found = try await questions.walk(from: from).policy(for: from) { return found }
    case .publicSuffixList(let list):
      // Several records at the domain itself end the search here (RFC 7489 §6.6.3), while the walk goes on behind them.
      var domain: DomainName? = from
      while let target = domain {
        switch try await questions.publication(at: target) {
        case .record(let record): return DMARCWalkStep(domain: target, record: record)
        case .several: return end(.none, .severalRecords(target))
        case .nothing:
          domain = target == from ? list.organizationalDomain(of: from).flatMap { $0 == from ? nil : $0 } : nil
        }
      }
    }
    return end(.none, .noRecord)
  }

  /// The result of a message with this record for its author domain.
  private mutating func judge(_ found: DMARCWalkStep) async throws(DMARCLookupFailure) {
    evaluation.policyDomain = found.domain
    evaluation.record = found.record
    guard let own = found.record.effectivePolicy else {
      end(.permerror, .unusableRecord(found.domain))
      return
    }
    let problem = await align(found.record)
    // Whether the domain exists decides only what becomes of messages that fail.
    do throws(DMARCLookupFailure) {
      try await setPolicy(found, own)
    } catch {
      if problem != nil { throw error }
    }
    switch problem {
    case nil: evaluation.result = .pass
    case .failed(let failure): fail(failure)
    case .undecided(let identifier): end(.temperror, .undecided(identifier))
    case .notAligned: end(.fail, .notAligned)
    // No error: by signatures enough whoever forges a domain would escape its policy.
    case .leftOut(let count): end(.fail, .tooManyIdentifiers(count))
    }
  }

  private mutating func setPolicy(_ found: DMARCWalkStep, _ own: DMARCPolicy) async throws(DMARCLookupFailure) {
    let record = found.record
    var (tag, policy) = (DMARCEvaluation.PolicyTag.p, own)
    if found.domain != from {
      let exists = record.effectivePolicy(forSubdomainThatExists: true) ?? own
      let missing = record.effectivePolicy(forSubdomainThatExists: false) ?? own
      (tag, policy) = (.sp, exists)
      if exists != missing, try await !questions.exists(from) { (tag, policy) = (.np, missing) }
    }
    evaluation.policyTag = tag
    evaluation.publishedPolicy = policy
    evaluation.policy = record.isInTestMode ? policy.inTestMode : policy
  }

  // MARK: Alignment

  /// Why nothing is aligned.
  private enum Misalignment {
    case notAligned
    case undecided(DMARCIdentifier)
    case failed(DMARCLookupFailure)
    case leftOut(Int)
  }

  /// Notes what is aligned; the answer is why nothing is.
  ///
  /// A result that may yet come to `pass` counts only if it would be aligned then: otherwise whoever forges a domain
  /// could escape its policy by a signature of a domain of his own whose name servers are silent.
  private mutating func align(_ record: DMARCRecord) async -> Misalignment? {
    var misalignment = Misalignment.notAligned
    for identifier in evaluation.request.identifiers where ["pass", "temperror"].contains(identifier.result) {
      do throws(DMARCLookupFailure) {
        guard try await isAligned(identifier, record) else { continue }
        if identifier.result == "pass" {
          evaluation.alignedBy.append(identifier)
        } else if case .notAligned = misalignment {
          misalignment = .undecided(identifier)
        }
      } catch {
        if case .notAligned = misalignment { misalignment = .failed(error) }
      }
    }
    guard evaluation.alignedBy.isEmpty else { return nil }
    if case .notAligned = misalignment, leftOut > 0 { return .leftOut(leftOut) }
    return misalignment
  }

  private mutating func isAligned(_ identifier: DMARCIdentifier, _ record: DMARCRecord) async throws(DMARCLookupFailure)
    -> Bool
  {
    if identifier.domain == from { return true }
    let alignment = identifier.method == .spf ? record.spfAlignment : record.dkimAlignment
    // Without a label in common there is no domain above both.
    guard alignment == .relaxed, identifier.domain.suffix(1) == from.suffix(1) else { return false }
    let organization = try await organizationalDomain(of: from)
    evaluation.organizationalDomain = organization
    guard identifier.domain.isWithin(organization) else { return false }
    guard mayAsk(about: identifier.domain) else {
      leftOut += 1
      return false
    }
    return try await organizationalDomain(of: identifier.domain) == organization
  }

  private mutating func mayAsk(about domain: DomainName) -> Bool {
    guard case .treeWalk = discovery, !asked.contains(domain) else { return true }
    guard asked.count < DMARCEvaluator.identifierLimit else { return false }
    asked.append(domain)
    return true
  }

  private mutating func organizationalDomain(of domain: DomainName) async throws(DMARCLookupFailure) -> DomainName {
    switch discovery {
    case .treeWalk: try await questions.walk(from: domain).organizationalDomain(of: domain)
    case .publicSuffixList(let list): list.organizationalDomain(of: domain) ?? domain
    }
  }

  // MARK: Ends

  @discardableResult
  private mutating func end(_ result: DMARCResult, _ problem: DMARCProblem) -> DMARCWalkStep? {
    (evaluation.result, evaluation.problem) = (result, problem)
    return nil
  }

  /// What is malformed stays so; what could not be answered may be, later.
  private mutating func fail(_ failure: DMARCLookupFailure) {
    let problem = DMARCProblem.lookupFailed(failure.question, failure.answer.failure ?? "no answer")
    if case .malformed = failure.answer.outcome { end(.permerror, problem) } else { end(.temperror, problem) }
  }
}
