public import MailModel

extension AuthenticationResults.MethodResult {
  /// What SPF found (RFC 8601 §2.7.2): of the sender, or of the name in HELO where the sender is null.
  public static func spf(_ result: String, reason: String? = nil, sender: ReversePath, helo: String) -> Self {
    let property: AuthenticationResults.Property =
      if let mailbox = sender.mailbox { .init("smtp", "mailfrom", mailbox.description) } else {
        .init("smtp", "helo", helo)
      }
    return Self("spf", result, reason: reason, properties: [property])
  }

  /// The same of an evaluation.
  public static func spf(_ evaluation: SPFEvaluation) -> Self {
    let request = evaluation.request
    let value = request.identity == .mailFrom ? request.sender : request.domain
    return Self("spf", evaluation.result.rawValue, properties: [.init("smtp", request.identity.rawValue, value)])
  }

  /// What DKIM found of one signature (RFC 8601 §2.7.1, RFC 6008).
  ///
  /// - Parameter signature: the value of `b=`, without blanks; its first eight characters are written, by which one
  ///   of several signatures of a domain is known.
  public static func dkim(
    _ result: String, comment: String? = nil, reason: String? = nil, domain: DomainName, selector: String? = nil,
    algorithm: String? = nil, signature: String? = nil
  ) -> Self {
    let properties: [AuthenticationResults.Property?] = [
      .init("header", "d", domain.description),
      selector.map { .init("header", "s", $0) },
      algorithm.map { .init("header", "a", $0) },
      signature.map { .init("header", "b", String($0.prefix(8))) },
    ]
    return Self("dkim", result, comment: comment, reason: reason, properties: properties.compactMap(\.self))
  }

  /// The same of an evaluation: what is known of the signature, and why it does not pass.
  public static func dkim(_ evaluation: DKIMSignatureEvaluation) -> Self {
    let properties = [
      ("d", evaluation.domain?.description), ("s", evaluation.selector), ("a", evaluation.algorithm),
      ("b", evaluation.signaturePrefix),
    ]
    return Self(
      "dkim", evaluation.result.rawValue, reason: evaluation.problem?.message,
      properties: properties.compactMap { name, value in value.map { .init("header", name, $0) } })
  }

  /// What DMARC found (RFC 9989 §9.1 and §9.2), with the policy that is to be applied.
  public static func dmarc(_ evaluation: DMARCEvaluation) -> Self {
    var properties = [AuthenticationResults.Property("header", "from", evaluation.request.from.description)]
    if let policy = evaluation.policy { properties.append(.init("policy", "dmarc", policy.rawValue)) }
    return Self("dmarc", evaluation.result.rawValue, properties: properties)
  }
}
