import LibCrypto
import MailDNS
import MailModel

/// A signature that may pass, until the body, the key and the header fields have been looked at.
struct DKIMCandidate {
  /// Which of the message's signatures.
  let index: Int
  let signature: DKIMSignature
  let algorithm: DKIMAlgorithm
  /// Its field.
  let field: HeaderSection.Field
  /// Which of the hashes of the body.
  let body: Int

  /// Where the key is (RFC 6376 §3.6.2.1).
  var question: DNSQuestion { DNSQuestion(signature.keyName, .txt) }

  /// Compares the body with the one that was signed.
  func compare(
    _ body: Result<DKIMBodyDigest, DKIMError>, _ evaluation: inout DKIMSignatureEvaluation
  ) throws(DKIMProblem) {
    let digest: DKIMBodyDigest
    do { digest = try body.get() } catch { throw .unhashed(error) }
    if let length = signature.bodyLength {
      guard length <= digest.count else {
        throw DKIMProblem(
          .permerror, .bodyChanged,
          "l= covers \(length) octets of the body, which has \(digest.count). The key was not asked for.",
          nextStep: "Find out what shortened the message on its way.")
      }
      evaluation.unsignedBodyCount = digest.count - length
    }
    guard digest.octets == signature.bodyHash else {
      throw DKIMProblem(
        .fail, .bodyChanged, "The body is not the one that was signed. The key was not asked for.",
        nextStep: "Find out what changed the message on its way: a mailing list, a footer, another encoding.")
    }
  }

  /// The digest that was signed (RFC 6376 §3.7); `nil` where libcrypto fails.
  func digest(of header: HeaderSection) -> [UInt8]? {
    let form = signature.canonicalization.header
    var octets = DKIMHeaderFields(header, excluding: field).canonical(signature.names, form)
    let start = field.whole.lowerBound
    var own = Array(header.octets[start..<field.value.upperBound])
    let valueStart = field.value.lowerBound - start
    own.removeSubrange(
      signature.signatureRange.lowerBound + valueStart..<signature.signatureRange.upperBound + valueStart)
    own.span.appendCanonicalField(form, nameCount: field.name.count, valueStart: valueStart, to: &octets)
    return try? SHA256.digest(of: octets.span)
  }

  /// Says what becomes of it by what the DNS answers, within what the signatures before it left of the limits.
  func decide(
    _ answer: DNSAnswer, _ digest: [UInt8]?, _ limits: inout DKIMLimits, _ evaluation: inout DKIMSignatureEvaluation
  ) {
    do throws(DKIMProblem) {
      guard let digest else { throw .unhashed(DKIMError(.cryptography, "the header fields could not be hashed")) }
      try decide(try records(answer, &limits), digest, &evaluation)
      evaluation.result = .pass
      if evaluation.isBodyPartlySigned {
        evaluation.warn(
          .bodyPartlySigned,
          "The last \(evaluation.unsignedBodyCount) octets of the body are not signed (l=): anybody may have added them.",
          nextStep: "Sign without l=.")
      }
    } catch {
      evaluation.end(with: error)
    }
  }

  /// Tries the key records, in the order of the answer: one that verifies is enough, and of several problems the first is told.
  private func decide(
    _ records: [DNSText], _ digest: [UInt8], _ evaluation: inout DKIMSignatureEvaluation
  ) throws(DKIMProblem) {
    var first: DKIMProblem?
    if records.count > 1 {
      evaluation.warn(
        .severalRecords, "\(records.count) TXT records stand at \(question.name); which one counts is undefined.",
        nextStep: "Publish one key record at a selector.")
    }
    for record in records {
      var tried = evaluation
      do throws(DKIMProblem) {
        try decide(record, digest, &tried)
        evaluation = tried
        return
      } catch {
        if first == nil { (first, evaluation) = (error, tried) }
      }
    }
    if let first { throw first }
  }
}
