public import LibCrypto
public import MailDNS
public import MailModel

/// Looks whether a key is published, and is ours.
///
/// Asks one question, and a second one where nothing is found. The caller owns the deadline, by cancelling.
public struct DKIMKeyCheck: Sendable {
  private let resolver: any DNSResolver

  /// A check that asks `resolver`.
  public init(resolver: any DNSResolver) { self.resolver = resolver }

  /// What is published for `selector` of `domain`.
  ///
  /// - Parameter keys: ours, of which one must be published; with none any key will do that may verify mail.
  public func evaluate(
    _ selector: DKIMSelector, of domain: DomainName, expecting keys: [VerifyingKey] = []
  ) async -> DKIMKeyEvaluation {
    var evaluation = DKIMKeyEvaluation(selector, domain, expecting: keys)
    // A name longer than the DNS can hold is one that is not there.
    guard let name = selector.name(in: domain) else { return evaluation }
    let answer = await ask(name, &evaluation)
    evaluation.texts = answer.texts
    evaluation.decide(answer)
    if evaluation.isMissing { await lookAtDoubledName(name, &evaluation) }
    return evaluation
  }

  /// `selector._domainkey.example.com.example.com`
  private func lookAtDoubledName(_ name: DNSName, _ evaluation: inout DKIMKeyEvaluation) async {
    guard let doubled = DNSName(labels: name.labels + DNSName(evaluation.domain).labels) else { return }
    let answer = await ask(doubled, &evaluation)
    // A wildcard above may answer for both names: then it is no mistake.
    let texts = answer.texts
    guard texts != evaluation.texts, texts.contains(where: { DKIMKeyRecord.isMeant(by: $0.octets) }) else { return }
    evaluation.doubledName = doubled
  }

  private func ask(_ name: DNSName, _ evaluation: inout DKIMKeyEvaluation) async -> DNSAnswer {
    let question = DNSQuestion(name, .txt)
    let answer = await resolver.resolve(question)
    evaluation.lookups.append(DNSLookup(question, answer))
    return answer
  }
}

extension DKIMKeyEvaluation {
  var isMissing: Bool { [.nameNotFound, .noText, .noKeyRecord].contains(outcome) }

  fileprivate mutating func decide(_ answer: DNSAnswer) {
    outcome =
      switch answer.outcome {
      case .noSuchName: .nameNotFound
      case .noRecords: .noText
      case .temporaryFailure(let reason), .malformed(let reason): .dnsFailure(reason)
      case .records: decide()
      }
  }

  private mutating func decide() -> Outcome {
    guard let text = texts.first else { return .noText }
    guard texts.contains(where: { DKIMKeyRecord.isMeant(by: $0.octets) }) else { return .noKeyRecord }
    guard texts.count == 1 else { return .severalRecords(texts.count) }
    do {
      let record = try DKIMKeyRecord(text.octets)
      self.record = record
      return decide(record)
    } catch {
      return .syntax(error)
    }
  }

  private func decide(_ record: DKIMKeyRecord) -> Outcome {
    if record.isRevoked { return .revoked }
    if let key = record.key, !expected.isEmpty, !expected.contains(key) { return .differs(published: key) }
    let algorithm: DKIMAlgorithm = record.key?.kind == .ed25519 ? .ed25519SHA256 : .rsaSHA256
    do { _ = try record.key(for: algorithm) } catch { return .notUsable(error) }
    return .published
  }
}

extension DKIMKeyRecord {
  /// Whether a text is meant as a key record, however broken: it begins with `v=DKIM`, or with another version not at all and
  /// holds `p=`. A quotation mark or blank in front does not count.
  static func isMeant(by octets: [UInt8]) -> Bool {
    let text = octets.drop { $0.isFoldingBlank || $0 == UInt8(ascii: "\"") }.filter { !$0.isFoldingBlank }
    if text.span.startsIgnoringCase("v=") { return text.span.startsIgnoringCase("v=dkim") }
    return text.indices.dropLast().contains { text[$0] == UInt8(ascii: "p") && text[$0 + 1] == UInt8(ascii: "=") }
  }
}
