import LibCrypto
import MailDNS

extension DKIMCandidate {
  /// The key records that the DNS gave (RFC 6376 §6.1.2).
  func records(_ answer: DNSAnswer, _ limits: DKIMLimits) throws(DKIMProblem) -> [DNSText] {
    let name = question.name
    if let failure = answer.failure {
      throw DKIMProblem(
        .temperror, .dnsFailure, "The key at \(name) cannot be read: \(failure).",
        nextStep: "Mend the name servers of \(signature.domain), or try again later.")
    }
    let texts = answer.records.compactMap { if case .text(let text) = $0 { text } else { nil } }
    guard !texts.isEmpty else {
      throw DKIMProblem(
        .permerror, .keyMissing, "No key is published at \(name).", nextStep: "Publish the key there as a TXT record.")
    }
    guard texts.count <= limits.keyRecords else {
      throw DKIMProblem(
        .permerror, .severalRecords, "\(texts.count) TXT records stand at \(name).",
        nextStep: "Publish one key record at a selector.")
    }
    return texts
  }

  /// Tries one key record.
  func decide(
    _ text: DNSText, _ digest: [UInt8], _ evaluation: inout DKIMSignatureEvaluation
  ) throws(DKIMProblem) {
    let record: DKIMKeyRecord
    do { record = try DKIMKeyRecord(text.octets) } catch {
      throw DKIMProblem(
        .permerror, .syntax, "The key record at \(question.name) is broken: \(error.message).",
        nextStep: "Mend the record: RFC 6376 §3.6.1 has its grammar.")
    }
    if record.flags.contains("y") {
      evaluation.isTesting = true
      evaluation.warn(
        .keyInTesting, "The key record at \(question.name) is in testing mode (t=y).",
        nextStep: "Take t=y out of the record when mail is signed as it should be.")
    }
    guard let key = record.key else {
      throw DKIMProblem(
        .permerror, .keyRevoked, "The key at \(question.name) is revoked: p= is empty.",
        nextStep: "Sign with a key that is published.")
    }
    try checkUse(of: record, key)
    try checkSize(of: key, &evaluation)
    guard key.isSignature(signature.signature.span, ofDigest: digest.span) else {
      throw DKIMProblem(
        .fail, .signatureMismatch,
        "The header fields are not those that were signed, or the key at \(question.name) is not the one that signed.",
        nextStep:
          "Compare the published key with the one that signs, and find out what changes header fields on the way.")
    }
  }

  /// Whether the record lets its key be used so.
  private func checkUse(of record: DKIMKeyRecord, _ key: VerifyingKey) throws(DKIMProblem) {
    func check(_ isAllowed: Bool, _ message: String) throws(DKIMProblem) {
      guard !isAllowed else { return }
      throw DKIMProblem(
        .permerror, .keyNotUsable, "The key record at \(question.name) \(message).",
        nextStep: "Publish a record that allows it, or sign as the record says.")
    }
    let isOfKind =
      switch (DKIMAlgorithm(rawValue: signature.algorithm), key.kind) {
      case (.rsaSHA256, .rsa), (.ed25519SHA256, .ed25519): true
      default: false
      }
    try check(isOfKind, "is for keys of k=\(record.keyType), and the signature is a=\(signature.algorithm)")
    try check(record.hashes?.contains("sha256") ?? true, "does not allow sha256 (h=)")
    try check(record.services.contains { $0 == "*" || $0 == "email" }, "is not for mail (s=)")
    try check(
      !record.flags.contains("s") || signature.identityDomain == signature.domain,
      "allows no identity below \(signature.domain) (t=s), and i= is at \(signature.identityDomain)")
  }

  /// RFC 8301 §3.2.
  private func checkSize(
    of key: VerifyingKey, _ evaluation: inout DKIMSignatureEvaluation
  ) throws(DKIMProblem) {
    guard case .rsa(let bits) = key.kind else {
      evaluation.keyBits = 256
      return
    }
    evaluation.keyBits = bits
    guard bits < VerifyingKey.usableRSABits.lowerBound || bits > VerifyingKey.usableRSABits.upperBound else { return }
    let isShort = bits < VerifyingKey.usableRSABits.lowerBound
    throw DKIMProblem(
      .policy, isShort ? .keyTooShort : .keyTooLong,
      isShort
        ? "The key at \(question.name) has \(bits) bits, and can be broken (RFC 8301)."
        : "The key at \(question.name) has \(bits) bits, more than anybody needs to verify.",
      nextStep: "Publish a key of 2048 bits, and sign with it.")
  }
}
