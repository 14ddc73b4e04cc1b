import MailDNS
import MailModel

/// How the record of a domain, and the domain of its organisation, are found.
public enum DMARCDiscovery: Sendable {
  /// By asking the DNS upwards (RFC 9989 §4.10).
  case treeWalk
  /// By a list of public suffixes (RFC 7489 §3.2 and §6.6.3).
  case publicSuffixList(PublicSuffixList)
}

/// What is published for DMARC at one domain.
enum DMARCPublication {
  case record(DMARCRecord)
  case nothing
  /// More than one record, which makes them none.
  case several
}

/// Why a question about records has no answer.
struct DMARCLookupFailure: Error {
  var question: DNSQuestion
  var answer: DNSAnswer
}

/// The questions of one evaluation, each asked once.
struct DMARCQuestions {
  /// Most questions of one walk (RFC 9989 §4.10).
  static let walkLimit = 8

  private let resolver: any DNSResolver
  private(set) var lookups: [DNSLookup] = []

  init(resolver: any DNSResolver) { self.resolver = resolver }

  /// What is published at a domain.
  mutating func publication(at domain: DomainName) async throws(DMARCLookupFailure) -> DMARCPublication {
    // A name that is too long for one more label has no record.
    guard let name = DNSName(domain).prefixed("_dmarc") else { return .nothing }
    let answer = try await answer(DNSQuestion(name, .txt))
    let records = answer.dmarcRecords
    guard records.count < 2 else { return .several }
    return records.first.flatMap { DMARCRecord($0) }.map(DMARCPublication.record) ?? .nothing
  }

  /// Whether there is such a name (RFC 9989 §3.2.13, RFC 8020): whatever records it has, or names below it.
  mutating func exists(_ domain: DomainName) async throws(DMARCLookupFailure) -> Bool {
    let answer = try await answer(DNSQuestion(DNSName(domain), .a))
    // An alias to a name that is not there is there itself.
    return answer.outcome != .noSuchName || !answer.aliases.isEmpty
  }

  /// The records that a walk finds from a domain upwards, the one with the most labels first (RFC 9989 §4.10).
  mutating func walk(from domain: DomainName) async throws(DMARCLookupFailure) -> [DMARCWalkStep] {
    var steps: [DMARCWalkStep] = []
    var target: DomainName? = domain
    while let domain = target {
      if case .record(let record) = try await publication(at: domain) {
        steps.append(DMARCWalkStep(domain: domain, record: record))
        if record.publicSuffixFlag != .unknown { break }
      }
      let rest = min(domain.labelCount - 1, Self.walkLimit - 1)
      target = rest > 0 ? domain.suffix(rest) : nil
    }
    return steps
  }

  private mutating func answer(_ question: DNSQuestion) async throws(DMARCLookupFailure) -> DNSAnswer {
    let answer: DNSAnswer
    if let known = lookups.first(where: { $0.question == question }) {
      answer = known.answer
    } else {
      answer = await resolver.resolve(question)
      lookups.append(DNSLookup(question, answer))
    }
    guard answer.failure == nil else { throw DMARCLookupFailure(question: question, answer: answer) }
    return answer
  }
}

/// A record that a walk met.
struct DMARCWalkStep {
  var domain: DomainName
  var record: DMARCRecord
}

extension [DMARCWalkStep] {
  /// The domain of the organisation of the one where the walk began, to the letter of RFC 9989 §4.10.2: without a flag it is
  /// where the record with the fewest labels stands. So it is at a public suffix too, if that publishes a record and forgets
  /// `psd=y`: all that is below it is one organisation then, until it is mended.
  func organizationalDomain(of start: DomainName) -> DomainName {
    // A flag ends a walk, so that only the last record has one.
    guard let last else { return start }
    if last.record.publicSuffixFlag == .yes, last.domain != start { return start.suffix(last.domain.labelCount + 1) }
    return last.domain
  }

  /// The record for the domain where the walk began: its own, or that of its organisation, or that of the public suffix
  /// above (RFC 9989 §4.10.1).
  func policy(for start: DomainName) -> DMARCWalkStep? {
    let organization = organizationalDomain(of: start)
    return first { $0.domain == start } ?? first { $0.domain == organization } ?? last
  }
}

extension DNSAnswer {
  /// The texts that are DMARC records.
  var dmarcRecords: [[UInt8]] { texts.map(\.octets).filter(DMARCRecord.isDMARC) }

  /// The TXT records.
  var texts: [DNSText] {
    records.compactMap { if case .text(let text) = $0 { text } else { nil } }
  }
}
