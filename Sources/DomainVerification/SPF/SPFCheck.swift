import MailDNS
import MailModel

/// One evaluation under way.
struct SPFCheck: Sendable {
  /// What `check_host()` found for one domain.
  struct Verdict {
    var result: SPFResult
    /// The terms that decided, the outermost first.
    var matches: [SPFEvaluation.Match] = []
    /// Where the words for a `fail` are.
    var explanation: SPFMacroString?
    /// The domain whose record decided: that of a `redirect`, where there was one.
    var domain: ArraySlice<UInt8> = []
  }

  /// A domain's record, or that there is none.
  enum Published {
    case record(SPFRecord)
    case nothing(SPFProblem)
  }

  /// Where the evaluation stands.
  struct Position {
    var domain: DNSName
    var record: [UInt8]
    var column: Int
  }

  let request: SPFRequest
  let resolver: any DNSResolver
  let limits: SPFLimits
  let receiver: DomainName?
  let now: Timestamp?
  /// The domain that is checked; `nil` where that is none.
  private let target: SPFTarget?
  var evaluation: SPFEvaluation
  /// The domains whose records are being evaluated, and those that led there by `redirect`.
  private var chain: [DNSName] = []
  /// The names of the client's address, once they were asked for.
  var validatedNames: [DNSName]?
  var position: Position?

  init(
    _ request: SPFRequest, resolver: any DNSResolver, limits: SPFLimits, receiver: DomainName?, now: Timestamp?
  ) {
    (self.request, self.resolver, self.limits) = (request, resolver, limits)
    (self.receiver, self.now) = (receiver, now)
    target = SPFTarget(checking: request.domain)
    evaluation = SPFEvaluation(request, domain: target?.name)
  }

  /// The evaluation as it is where it was cut off.
  var interrupted: SPFEvaluation {
    var evaluation = evaluation
    (evaluation.result, evaluation.problem) = (interruption.result, interruption)
    return evaluation
  }

  /// That it was cut off.
  var interruption: SPFProblem {
    problem(.timeout, "The evaluation was cancelled, or did not end within \(limits.duration).")
  }

  /// Evaluates the request.
  mutating func run() async -> SPFEvaluation {
    guard let target else {
      evaluation.problem = problem(.invalidDomain, "\(quoted(request.domain.utf8)) is no domain of two labels or more.")
      return evaluation
    }
    do {
      switch try await checkHost(target) {
      case .verdict(let verdict):
        (evaluation.result, evaluation.matches) = (verdict.result, verdict.matches)
        if verdict.result == .fail { evaluation.explanation = await explanation(verdict) }
      case .nothing(let problem): evaluation.problem = problem
      }
    } catch {
      (evaluation.result, evaluation.problem) = (error.result, error)
    }
    return evaluation
  }

  enum Outcome {
    case verdict(Verdict)
    /// `none`, and why.
    case nothing(SPFProblem)
  }

  /// `check_host()`: follows `redirect` by itself, and calls itself for `include` (RFC 7208 §4, §6.1).
  mutating func checkHost(_ first: SPFTarget) async throws(SPFProblem) -> Outcome {
    let depth = chain.count
    defer { chain.removeLast(chain.count - depth) }
    var target = first
    var isFirst = true
    while true {
      try enter(target.name)
      let record: SPFRecord
      switch try await publishedRecord(of: target.name) {
      case .record(let found): record = found
      case .nothing(let problem) where isFirst: return .nothing(problem)
      case .nothing(let problem): throw mendRedirect(problem)
      }
      if let verdict = try await evaluate(record, of: target) { return .verdict(verdict) }
      guard let redirect = record.redirect else { return .verdict(Verdict(result: .neutral)) }
      stand(at: redirect.column, in: record, of: target)
      try spendLookup()
      guard let next = try await self.target(redirect.value, in: target), next.isMultiLabel else {
        throw problem(.invalidDomain, "\(quoted(redirect.source)) leads to no domain.")
      }
      (target, isFirst) = (next, false)
    }
  }

  /// The first directive that matches decides (RFC 7208 §4.6.2); `nil` where none does.
  private mutating func evaluate(_ record: SPFRecord, of target: SPFTarget) async throws(SPFProblem) -> Verdict? {
    for directive in record.directives {
      stand(at: directive.column, in: record, of: target)
      var inner: [SPFEvaluation.Match] = []
      guard try await matches(directive, of: target, record, &inner) else { continue }
      let match = SPFEvaluation.Match(domain: target.name, directive: directive)
      return Verdict(
        result: directive.result, matches: [match] + inner, explanation: record.explanation?.value,
        domain: target.octets)
    }
    return nil
  }

  /// A domain that is evaluated already can only end where it began: nothing matched on the way.
  private mutating func enter(_ name: DNSName) throws(SPFProblem) {
    guard !chain.contains(name) else {
      let way = (chain + [name]).map(\.description).joined(separator: ", ")
      throw problem(.loop, "The records include or redirect to each other in a circle: \(way).")
    }
    chain.append(name)
  }

  /// `redirect` to a domain without a record is an error of who wrote it (RFC 7208 §6.1).
  private func mendRedirect(_ cause: SPFProblem) -> SPFProblem {
    problem(cause.kind, "The redirect leads nowhere: \(cause.message)")
  }

  mutating func stand(at column: Int, in record: SPFRecord, of target: SPFTarget) {
    position = Position(domain: target.name, record: record.octets, column: column)
  }

  /// A problem at the term that is being evaluated.
  func problem(_ kind: SPFProblem.Kind, _ message: String) -> SPFProblem {
    SPFProblem(
      kind: kind, domain: position?.domain, record: position.map { displayed($0.record) }, column: position?.column,
      message: message)
  }
}

extension SPFTarget {
  /// The domain of a sender or a client, by RFC 7208 §4.3; `nil` where that is malformed, or has a single label.
  fileprivate init?(checking text: String) {
    guard !text.hasPrefix("[") else { return nil }  // an address literal
    self.init(Array(text.utf8)[...])
    guard isMultiLabel else { return nil }
  }
}
