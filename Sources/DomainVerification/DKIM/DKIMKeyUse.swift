import LibCrypto
import MailDNS

extension DKIMCandidate {
  /// The key records that the DNS gave (RFC 6376 §6.1.2), taken off the limit of the message.
  func records(_ answer: DNSAnswer, _ limits: inout DKIMLimits) throws(DKIMProblem) -> [DNSText] {
    let name = question.name
    if let failure = answer.failure {
      throw DKIMProblem(
        .temperror, .dnsFailure, "The key at \(name) cannot be read: \(failure).",
        nextStep: "Mend the name servers of \(signature.domain), or try again later.")
    }
    let texts = answer.texts
    guard !texts.isEmpty else {
      throw DKIMProblem(
        .permerror, .keyMissing, "No key is published at \(name).", nextStep: "Publish the key there as a TXT record.")
    }
    guard texts.count <= limits.keyRecords else {
      throw DKIMProblem(
        .permerror, .severalRecords, "\(texts.count) TXT records stand at \(name).",
        nextStep: "Publish one key record at a selector.")
    }
    guard texts.count <= limits.keyRecordsInAll else {
      throw .unread(
        "the keys of the signatures above it have used up the tries of a message",
        nextStep: "Publish one key record at a selector, and find out what adds so many signatures.")
    }
    limits.keyRecordsInAll -= texts.count
    return texts
  }

  /// Tries one key record.
  func decide(
    _ text: DNSText, _ digest: [UInt8], _ evaluation: inout DKIMSignatureEvaluation
  ) throws(DKIMProblem) {
    let key: VerifyingKey
    do throws(DKIMKeyProblem) {
      let record = try DKIMKeyRecord(text.octets)
      note(record, &evaluation)
      guard !record.isRevoked else { throw DKIMKeyProblem(.revoked, "p= is empty") }
      key = try record.key(for: algorithm)
      guard !record.isStrict || signature.identityDomain == signature.domain else {
        throw DKIMKeyProblem(.serviceType, "t=s allows no identity below \(signature.domain), and i= is below it")
      }
    } catch {
      throw .unusable(error, at: question.name)
    }
    guard key.isSignature(signature.signature.span, ofDigest: digest.span) else {
      throw DKIMProblem(
        .fail, .signatureMismatch,
        "The header fields are not those that were signed, or the key at \(question.name) is not the one that signed.",
        nextStep:
          "Compare the published key with the one that signs, and find out what changes header fields on the way.")
    }
  }

  /// Notes what the record says of itself.
  private func note(_ record: DKIMKeyRecord, _ evaluation: inout DKIMSignatureEvaluation) {
    switch record.key?.kind {
    case .rsa(let bits)?: evaluation.keyBits = bits
    case .ed25519?: evaluation.keyBits = 256
    case nil: break
    }
    guard record.isTesting else { return }
    evaluation.isTesting = true
    evaluation.warn(
      .keyInTesting, "The key record at \(question.name) is in testing mode (t=y).",
      nextStep: "Take t=y out of the record when mail is signed as it should be.")
  }
}

extension DKIMProblem {
  /// A key record does not let its key be used.
  fileprivate static func unusable(_ problem: DKIMKeyProblem, at name: DNSName) -> DKIMProblem {
    let message = "The key record at \(name) gives no key: \(problem)."
    return switch problem.kind {
    case .tooShort:
      DKIMProblem(.policy, .keyTooShort, message, nextStep: "Publish a key of 2048 bits, and sign with it.")
    case .tooLong:
      DKIMProblem(.policy, .keyTooLong, message, nextStep: "Publish a key of 2048 bits, and sign with it.")
    case .revoked:
      DKIMProblem(.permerror, .keyRevoked, message, nextStep: "Sign with a key that is published.")
    case .keyType, .hashAlgorithm, .serviceType:
      DKIMProblem(
        .permerror, .keyNotUsable, message, nextStep: "Publish a record that allows it, or sign as the record says.")
    case .syntax, .spelling, .keyData:
      DKIMProblem(
        .permerror, .syntax, message, nextStep: "Mend the record: RFC 6376 §3.6.1 has its grammar.")
    }
  }
}
