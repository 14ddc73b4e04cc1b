import MailDNS
import MailModel

extension SPFCheck {
  /// Spends one of the lookups that are allowed (RFC 7208 §4.6.4).
  mutating func spendLookup() throws(SPFProblem) {
    guard evaluation.lookupCount < limits.lookups else {
      throw problem(.tooManyLookups, "More than \(limits.lookups) terms that ask the DNS.")
    }
    evaluation.lookupCount += 1
  }

  /// Asks for a term.
  ///
  /// - Throws: where the DNS does not say, and for one answer too many that there is nothing.
  mutating func ask(_ question: DNSQuestion) async throws(SPFProblem) -> DNSAnswer {
    let answer = try await answer(question)
    if let failure = answer.failure {
      throw problem(.dnsFailure, question.unanswered(failure))
    }
    try countVoid(answer)
    return answer
  }

  /// The record of a domain (RFC 7208 §4.4, §4.5).
  mutating func publishedRecord(of domain: DNSName) async throws(SPFProblem) -> Published {
    let question = DNSQuestion(domain, .txt)
    let answer = try await answer(question)
    if let failure = answer.failure {
      throw problem(.dnsFailure, question.unanswered(failure))
    }
    var found: [[UInt8]] = []
    var lookalike: [UInt8]?
    for case .text(let text) in answer.records {
      let octets = text.joined
      if SPFRecord.isRecord(octets) {
        found.append(octets)
      } else if lookalike == nil, SPFRecord.isMeant(octets) {
        lookalike = octets
      }
    }
    evaluation.records += found.map { SPFEvaluation.PublishedRecord(domain: domain, octets: $0) }
    guard let octets = found.first else {
      return answer.outcome == .noSuchName
        ? .nothing(problem(.nameNotFound, "\(domain) does not exist."))
        : .nothing(problem(.noRecord, "\(domain) has no SPF record\(lookalike.map(Self.notTaken) ?? "")."))
    }
    guard found.count == 1 else {
      position = nil
      var problem = problem(.severalRecords, "\(domain) has \(found.count) SPF records; only one may be.")
      problem.domain = domain
      throw problem
    }
    do { return .record(try SPFRecord(octets)) } catch {
      position = Position(domain: domain, record: octets, column: error.column)
      throw problem(.syntax, "The record of \(domain) breaks the grammar at \(error).")
    }
  }

  private static func notTaken(_ octets: [UInt8]) -> String {
    ": \(quoted(octets)) is taken for none, as it does not begin with v=spf1 and a blank"
  }

  /// The names of the client's address that have that address (RFC 7208 §5.5). Asked for once in an evaluation. A name that the
  /// DNS does not say anything of is passed over.
  ///
  /// For an explanation it `isCounted` not, as nothing of that counts (RFC 7208 §4.6.4).
  mutating func namesOfClient(isCounted: Bool = true) async throws(SPFProblem) -> [DNSName] {
    if let validatedNames { return validatedNames }
    var names: [DNSName] = []
    if let question = request.clientAddress.reverseName.map({ DNSQuestion($0, .ptr) }) {
      let answer = try await answer(question)
      if isCounted { try countVoid(answer) }
      for name in answer.pointers.prefix(limits.hosts) {
        let addresses = try await self.answer(DNSQuestion(name, request.clientAddress.recordType))
        if isCounted { try countVoid(addresses) }
        if addresses.records.contains(.address(request.clientAddress)) { names.append(name) }
      }
    }
    validatedNames = names
    return names
  }

  /// Asks the DNS, unless all questions are spent or the evaluation was cancelled.
  mutating func query(_ question: DNSQuestion) async -> DNSAnswer? {
    guard evaluation.lookups.count < limits.queries, !Task.isCancelled else { return nil }
    let answer = await resolver.resolve(question)
    evaluation.lookups.append(DNSLookup(question, answer))
    return Task.isCancelled ? nil : answer
  }

  /// Asks the DNS. Terms cannot spend all questions, so that for them none means that the evaluation was cancelled.
  private mutating func answer(_ question: DNSQuestion) async throws(SPFProblem) -> DNSAnswer {
    guard let answer = await query(question) else { throw interruption }
    return answer
  }

  private mutating func countVoid(_ answer: DNSAnswer) throws(SPFProblem) {
    guard answer.isVoid else { return }
    evaluation.voidLookupCount += 1
    guard evaluation.voidLookupCount <= limits.voidLookups else {
      throw problem(.tooManyVoidLookups, "More than \(limits.voidLookups) questions of its terms found nothing.")
    }
  }
}

extension DNSAnswer {
  /// The names of PTR records.
  fileprivate var pointers: [DNSName] {
    records.compactMap { if case .pointer(let name) = $0 { name } else { nil } }
  }
}

extension DNSText {
  /// The strings joined; not copied where there is one.
  var joined: [UInt8] { strings.count == 1 ? strings[0] : octets }
}

extension IPAddress {
  /// The type of records that hold addresses of this family.
  var recordType: DNSRecordType {
    switch self {
    case .v4: .a
    case .v6: .aaaa
    }
  }
}
