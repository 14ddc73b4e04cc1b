public import MailModel

/// A domain that SPF or DKIM looked at, and what came out (RFC 9989 §3.2.1).
public struct DMARCIdentifier: Hashable, Sendable, CustomStringConvertible {
  /// How a domain is authenticated.
  public enum Method: String, Hashable, Sendable {
    /// The domain of MAIL FROM, or that of HELO for a null sender (RFC 7208 §2.4).
    case spf
    /// The domain of a signature, `d=`.
    case dkim
  }

  /// By what.
  public var method: Method
  /// The word of RFC 8601 §2.7 for what came out; `pass` and `temperror` count.
  public var result: String
  /// Which domain.
  public var domain: DomainName

  /// A result of these parts.
  public init(_ method: Method, _ result: String, _ domain: DomainName) {
    (self.method, self.result, self.domain) = (method, result, domain)
  }

  /// What SPF found of a sender, or of the client's name for a null sender; `nil` where that is no domain.
  public init?(_ evaluation: SPFEvaluation) {
    guard let domain = DomainName(evaluation.request.domain) else { return nil }
    self.init(.spf, evaluation.result.rawValue, domain)
  }

  /// What DKIM found of a signature; `nil` where it names no domain. A body that is signed in part counts too (`l=`), as
  /// RFC 9989 has it: who will not have that looks at ``DKIMSignatureEvaluation/isBodyPartlySigned``.
  public init?(_ evaluation: DKIMSignatureEvaluation) {
    guard let domain = evaluation.domain else { return nil }
    self.init(.dkim, evaluation.result.rawValue, domain)
  }

  /// `dkim=pass of example.com`
  public var description: String { "\(method.rawValue)=\(result) of \(domain)" }
}

/// What DMARC is asked about a message.
public struct DMARCRequest: Hashable, Sendable {
  /// The domain of the header From; see ``AuthorDomain``.
  public var from: DomainName
  /// What SPF and DKIM found, in any order. Of those that pass or may yet and are not the author's domain, but of his
  /// organisation, the first ``DMARCEvaluator/identifierLimit`` domains count.
  public var identifiers: [DMARCIdentifier]

  /// A request of these parts.
  public init(from: DomainName, identifiers: [DMARCIdentifier]) {
    (self.from, self.identifiers) = (from, identifiers)
  }

  /// A request for what SPF and DKIM found, `nil` where they were not asked.
  public init(from: DomainName, spf: SPFEvaluation?, dkim: DKIMEvaluation?) {
    let spf = spf.flatMap { DMARCIdentifier($0) }
    let dkim = (dkim?.signatures ?? []).compactMap { DMARCIdentifier($0) }
    self.init(from: from, identifiers: (spf.map { [$0] } ?? []) + dkim)
  }

  /// A request for the results of SPF and DKIM, each with its domain.
  public init(from: DomainName, spf: (SPFResult, DomainName)?, dkim: [(DKIMResult, DomainName)]) {
    let spf = spf.map { DMARCIdentifier(.spf, $0.0.rawValue, $0.1) }
    let dkim = dkim.map { DMARCIdentifier(.dkim, $0.0.rawValue, $0.1) }
    self.init(from: from, identifiers: (spf.map { [$0] } ?? []) + dkim)
  }
}
