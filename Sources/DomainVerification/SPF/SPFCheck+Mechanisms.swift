import MailDNS
import MailModel

extension SPFCheck {
  /// Whether a directive matches the client (RFC 7208 §5). Where it is an `include`, `inner` becomes what matched there.
  mutating func matches(
    _ directive: SPFRecord.Directive, of target: SPFTarget, _ record: SPFRecord, _ inner: inout [SPFEvaluation.Match]
  ) async throws(SPFProblem) -> Bool {
    switch directive.mechanism {
    case .all: return true
    case .ip4(let network), .ip6(let network): return network.contains(request.clientAddress)
    case .a(let spec, let lengths):
      try spendLookup()
      guard let host = try await matchable(spec, in: target) else { return false }
      return try await hasAddress(host.name, near: lengths)
    case .mx(let spec, let lengths):
      try spendLookup()
      guard let domain = try await matchable(spec, in: target) else { return false }
      return try await hasMailExchanger(domain.name, near: lengths)
    case .exists(let spec):
      try spendLookup()
      guard let name = try await matchable(spec, in: target) else { return false }
      return try await ask(DNSQuestion(name.name, .a)).records.contains {
        if case .address = $0 { true } else { false }
      }
    case .ptr(let spec):
      try spendLookup()
      guard let domain = try await matchable(spec, in: target) else { return false }
      return try await namesOfClient().contains { $0.isWithin(domain.name) }
    case .include(let spec):
      try spendLookup()
      guard !isForeign(spec) else { return false }
      guard let domain = try await self.target(spec, in: target), domain.isMultiLabel else {
        throw problem(.invalidDomain, "\(quoted(directive.source)) leads to no domain.")
      }
      inner = try await include(domain, directive, record, target)
      return !inner.isEmpty
    }
  }

  /// The terms by which the client passes with another record; none where it does not (RFC 7208 §5.2).
  private mutating func include(
    _ domain: SPFTarget, _ directive: SPFRecord.Directive, _ record: SPFRecord, _ target: SPFTarget
  ) async throws(SPFProblem) -> [SPFEvaluation.Match] {
    switch try await checkHost(domain) {
    case .verdict(let verdict): return verdict.result == .pass ? verdict.matches : []
    case .nothing(let cause):
      stand(at: directive.column, in: record, of: target)
      throw problem(cause.kind, "The include leads nowhere: \(cause.message)")
    }
  }

  private mutating func hasMailExchanger(
    _ domain: DNSName, near lengths: SPFPrefixLengths
  ) async throws(SPFProblem) -> Bool {
    var hosts: [(preference: UInt16, name: DNSName)] = []
    for case .mailExchanger(let preference, let host) in try await ask(DNSQuestion(domain, .mx)).records {
      hosts.append((preference, host))
    }
    guard hosts.count <= limits.hosts else {
      throw problem(.tooManyHosts, "\(domain) has \(hosts.count) MX records; \(limits.hosts) are allowed.")
    }
    hosts.sort { ($0.preference, $0.name) < ($1.preference, $1.name) }
    for host in hosts where host.name != .root {  // the root says that there is no mail (RFC 7505)
      if try await hasAddress(host.name, near: lengths) { return true }
    }
    return false
  }

  private mutating func hasAddress(
    _ host: DNSName, near lengths: SPFPrefixLengths
  ) async throws(SPFProblem) -> Bool {
    let answer = try await ask(DNSQuestion(host, request.clientAddress.recordType))
    for case .address(let address) in answer.records where lengths.matches(request.clientAddress, address) {
      return true
    }
    return false
  }

  // MARK: Domains

  /// The domain that a mechanism looks at: its own, or that of the record; `nil` where nothing can match it.
  private mutating func matchable(
    _ spec: SPFMacroString?, in target: SPFTarget
  ) async throws(SPFProblem) -> SPFTarget? {
    guard let spec else { return target }
    return isForeign(spec) ? nil : try await self.target(spec, in: target)
  }

  /// The domain that a text stands for; `nil` where that is malformed.
  mutating func target(_ spec: SPFMacroString, in target: SPFTarget) async throws(SPFProblem) -> SPFTarget? {
    guard spec.hasMacros else { return SPFTarget(fitting: spec.source) }
    var values = SPFMacroValues(request: request, domain: target.octets, receiver: receiver, now: now)
    if spec.uses(UInt8(ascii: "p")) {
      if validatedNames == nil { try spendLookup() }  // RFC 7208 §4.6.4 counts its PTR query
      values.takeName(from: try await namesOfClient(), in: target.name)
    }
    return spec.target(values)
  }

  /// Whether it is made from a local part beyond US-ASCII, which no name of the DNS can hold: it matches nothing (RFC 8616 §4).
  private func isForeign(_ spec: SPFMacroString) -> Bool {
    (spec.uses(UInt8(ascii: "l")) || spec.uses(UInt8(ascii: "s"))) && request.localPart.utf8.contains { $0 >= 0x80 }
  }

  /// What the owner of the domain wants said (RFC 7208 §6.2). Whatever goes wrong, the result stands without it.
  mutating func explanation(_ verdict: Verdict) async -> String? {
    guard let spec = verdict.explanation, let domain = SPFTarget(verdict.domain),
      let source = spec.target(await explanationValues(spec, domain)),
      let answer = await query(DNSQuestion(source.name, .txt)), answer.records.count == 1,
      case .text(let text)? = answer.records.first,
      let words = try? SPFMacroString(text.joined[...], isExplanation: true),
      let explanation = words.text(await explanationValues(words, domain), limit: limits.explanationSize),
      explanation.span.isPrintableASCII
    else { return nil }
    return String(decoding: explanation, as: UTF8.self)
  }

  /// What the macros of an explanation stand for.
  private mutating func explanationValues(_ text: SPFMacroString, _ domain: SPFTarget) async -> SPFMacroValues {
    var values = SPFMacroValues(request: request, domain: domain.octets, receiver: receiver, now: now)
    if text.uses(UInt8(ascii: "p")) {
      values.takeName(from: (try? await namesOfClient(isCounted: false)) ?? [], in: domain.name)
    }
    return values
  }
}

extension SPFMacroValues {
  /// The macro `p` (RFC 7208 §7.3): the domain itself, or a name below it, or any.
  mutating func takeName(from names: [DNSName], in domain: DNSName) {
    let name = names.first { $0 == domain } ?? names.first { $0.isWithin(domain) } ?? names.first
    if let name { validatedName = Array(name.labels.joined(separator: CollectionOfOne(UInt8(ascii: ".")))) }
  }
}
