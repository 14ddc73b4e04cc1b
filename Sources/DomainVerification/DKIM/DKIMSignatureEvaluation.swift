public import MailDNS
public import MailModel

/// What became of one signature, and why.
public struct DKIMSignatureEvaluation: Hashable, Sendable {
  /// What became of it.
  public internal(set) var result: DKIMResult
  /// Whose signature it is (`d=`); `nil` where that is no domain name.
  public internal(set) var domain: DomainName?
  /// Where the domain publishes the key (`s=`), as the field has it; `nil` where it has none.
  public internal(set) var selector: String?
  /// On whose behalf it was made (`i=`): `user@example.com`, or `@` and the domain where the field does not say.
  public internal(set) var identity: String?
  /// How it was made (`a=`), as the field has it; `nil` where it does not say.
  public internal(set) var algorithm: String?
  /// The names of the header fields that it covers (`h=`), in lower case and in its order. A name may stand there more often than
  /// there are fields of it: no more of them may be added then.
  public internal(set) var signedFields: [String] = []
  /// How many octets of the body's canonical form it covers (`l=`); `nil` for all.
  public internal(set) var bodyLength: UInt64?
  /// How many octets of the body's canonical form it does not cover. Whoever handled the message may have added them.
  public internal(set) var unsignedBodyCount: UInt64 = 0
  /// The first eight characters of the signature, by which Authentication-Results tells several apart (`header.b`, RFC 6008 §4).
  public internal(set) var signaturePrefix: String?
  /// Bits of the key; `nil` where none was found.
  public internal(set) var keyBits: Int?
  /// Whether the domain says that it tests DKIM only (`t=y`): a failure means nothing then (RFC 6376 §3.6.1).
  public internal(set) var isTesting = false
  /// What was asked of the DNS, and what came.
  public internal(set) var lookups: [DNSLookup] = []
  /// What was found, what decided first. A signature that passes may have warnings.
  public internal(set) var findings: [Finding] = []

  /// A part of the body is not signed.
  public var isBodyPartlySigned: Bool { unsignedBodyCount > 0 }

  /// What decided, where the signature does not pass.
  public var problem: Finding? { result == .pass ? nil : findings.first }

  /// Which signature this is: `DKIM-Signature d=example.com s=key1`.
  var subject: String {
    // A selector is whatever the field has there, folds too.
    let selector = selector.map { "s=\(displayed($0.utf8.prefix(255)))" }
    return ["DKIM-Signature", domain.map { "d=\($0)" }, selector].compactMap(\.self).joined(separator: " ")
  }

  init() { result = .neutral }

  /// Ends the evaluation.
  mutating func end(with problem: DKIMProblem) {
    result = problem.result
    findings.insert(problem.finding(of: subject), at: 0)
  }

  mutating func warn(_ code: Finding.Code, _ message: String, nextStep: String) {
    findings.append(Finding(code, .warning, of: subject, message, nextStep: nextStep))
  }
}

/// What became of the signatures of a message.
public struct DKIMEvaluation: Hashable, Sendable {
  /// The signatures that were looked at, as their fields stand from the top.
  public internal(set) var signatures: [DKIMSignatureEvaluation] = []
  /// How many more there were (``DKIMLimits/signatures``).
  public internal(set) var ignoredCount = 0
  /// How many header fields From the message has, what some program may take for one too (``AuthorDomain``). With any count but one, readers may see another author than the signed one
  /// (RFC 6376 §8.15).
  public internal(set) var fromCount = 1

  /// The best that a signature came to: ``DKIMResult/pass``, then ``DKIMResult/temperror``, then what the first came to;
  /// ``DKIMResult/none`` without any.
  public var result: DKIMResult {
    for best in [DKIMResult.pass, .temperror] where signatures.contains(where: { $0.result == best }) { return best }
    return signatures.first?.result ?? .none
  }
}
